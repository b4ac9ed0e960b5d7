package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

// record writes the cycle's runs to the ledger. If that fails, it warns and the cycle
// doesn't fail: the ledger is memory, and Git has the changes.
func (c *cycle) record(ctx context.Context, results []*Result) {
	if c.selector.Failing.Now() {
		return // said already
	}
	ctx = context.WithoutCancel(ctx) // what was pushed is recorded, also when somebody ends the program
	var runs []store.Run
	for _, r := range results {
		if a := c.set.Automation(r.Automation()); a != nil && !r.Suspended {
			runs = append(runs, RunOf(c.set, a, r, c.now))
		}
	}
	err := c.o.Ledger.Runs().Record(ctx, runs)
	if err == nil {
		err = c.o.Ledger.Sites().Show(ctx, c.now, shownBy(c.set, results))
	}
	if err == nil {
		err = c.selector.KeepListings(ctx)
	}
	if err == nil {
		err = c.o.Ledger.Prune(ctx, c.now)
	}
	if err != nil {
		c.o.Log.Warn("not all of this run is recorded", "error", err)
	}
}

// shownBy returns what the base shows since a push to it.
func shownBy(set *fleet.Set, results []*Result) map[store.Site]pinsetter.Image {
	shown := map[store.Site]pinsetter.Image{}
	for _, r := range results {
		a := set.Automation(r.Automation())
		if r.Pushed != nil && (a.Delivery != nil || r.Pushed.Branch == a.BaseBranch()) {
			maps.Copy(shown, r.Wrote)
		}
	}
	return shown
}

// RunOf returns an automation's result as the ledger records it. If an error only names
// the place of a finding, the finding's text is added: the objects may have changed when
// somebody reads it.
func RunOf(set *fleet.Set, a *fleet.Automation, r *Result, at time.Time) store.Run {
	run := store.Run{
		At:         at,
		Automation: a.Name.String(),
		Repository: RepositoryOf(a),
		Branch:     a.PushBranch,
		Changes:    r.Changes,
		Images:     r.Images,
		Held:       r.Held,
		Error:      withCauses(r.Error, set.Findings),
		Wrote:      r.Wrote,
	}
	switch {
	case r.Branch != "":
		run.Branch = r.Branch
	case a.Delivery != nil && r.Pushed != nil:
		run.Branch = r.Pushed.Branch // the tag
	}
	if pr := r.PullRequest; pr != nil && pr.Action != Unchanged {
		run.PullRequest = &store.PullRequest{Number: pr.Number, URL: pr.URL, Action: string(pr.Action)}
	}
	if r.Pushed != nil && r.Pushed.Branch != "" {
		run.Commit = r.Pushed.Commit
	}
	return run
}

// withCauses adds to each part of an error's text that ends in the place of a finding
// what was found there.
func withCauses(text string, findings []pinsetter.Finding) string {
	parts := strings.Split(text, "; ")
	for i, part := range parts {
		for _, f := range findings {
			at := fmt.Sprintf(": %s:%d", f.Path, f.Line)
			if f.Severity == pinsetter.Error && strings.HasSuffix(part, at) && !strings.Contains(text, f.Message) {
				parts[i] = part + ": " + f.Message
				break
			}
		}
	}
	return strings.Join(parts, "; ")
}

// records returns what the ledger knows of a lane's pull requests, by branch.
func (m *laneMemory) records(ctx context.Context, l *lane) map[string]json.RawMessage {
	if m.selector.Failing.Now() {
		return nil
	}
	kept, err := m.selector.Ledger.Proposals().Of(ctx, l.repository(), l.automations[0].Name.String())
	if err != nil {
		m.selector.Failing.Failed(err)
		return nil
	}
	return kept
}

// keepRecords tells the ledger which of these have changed. A nil one is forgotten.
func (m *laneMemory) keepRecords(ctx context.Context, l *lane, changed map[string]json.RawMessage) {
	if m.selector.Failing.Now() {
		return
	}
	if err := m.selector.Ledger.Proposals().Put(ctx, m.selector.Now, l.repository(), l.automations[0].Name.String(), changed); err != nil {
		m.selector.Failing.Failed(err)
	}
}
