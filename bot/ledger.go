package bot

import (
	"context"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/store"
)

// record keeps what the cycle did. That it can't is said and no failure: the
// ledger is memory, and what was done is in Git.
func (c *cycle) record(ctx context.Context, results []*Result, at time.Time) {
	ctx = context.WithoutCancel(ctx) // what was pushed is recorded, also when somebody ends the program
	var runs []store.Run
	for _, r := range results {
		if a := c.set.Automation(r.name()); a != nil && !r.Suspended {
			runs = append(runs, runOf(a, r, at))
		}
	}
	if err := c.o.Ledger.Record(ctx, runs); err != nil {
		c.o.Log.Warn("what this run did is not recorded", "error", err)
		return
	}
	if err := c.o.Ledger.Prune(ctx, at); err != nil {
		c.o.Log.Warn("the ledger is not pruned", "error", err)
	}
}

// runOf is an automation's result as the ledger keeps it.
func runOf(a *config.Automation, r *Result, at time.Time) store.Run {
	run := store.Run{
		At:         at,
		Automation: a.Name.String(),
		Branch:     a.PushBranch,
		Changes:    r.Changes,
		Held:       r.Held,
		Error:      r.Error,
		Wrote:      r.wrote,
	}
	if a.Git != nil {
		run.Repository, _ = gitops.Key(a.Git.URL) // a URL without one failed the automation
	}
	if r.Pushed != nil {
		run.Commit = r.Pushed.Commit
	}
	return run
}
