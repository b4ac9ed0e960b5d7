package main

import (
	"context"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/store"
)

// heldFor is how far back a hold counts as known: the state records a run again
// after a day if nothing else has changed.
const heldFor = 48 * time.Hour

// knownHolds are the holds that earlier runs reported.
type knownHolds map[pinsetter.Hold]bool

// holdsBefore reads from the state which holds earlier runs of the automations
// reported. Without a state, or if it fails, no hold is known.
func holdsBefore(ctx context.Context, ledger *store.Ledger, now time.Time) knownHolds {
	runs, err := ledger.Runs().History(ctx, store.Filter{Since: now.Add(-heldFor)})
	if err != nil {
		return nil // the run itself warns of a state that fails
	}
	known := knownHolds{}
	for _, run := range runs {
		for _, h := range run.Held {
			known[hold(run.Automation, h)] = true
		}
	}
	return known
}

// hold returns what makes a hold of an automation the same in two runs. Reasons may
// contain durations, and lines move.
func hold(automation string, h pinsetter.Hold) pinsetter.Hold {
	return pinsetter.Hold{Policy: automation + " " + h.Policy, Path: h.Path, Current: h.Current, Candidate: h.Candidate}
}

// news returns the results that did something, failed, or hold a site that isn't
// known to be held.
func (known knownHolds) news(results []*bot.Result) []*bot.Result {
	return slices.DeleteFunc(slices.Clone(results), func(r *bot.Result) bool {
		pr := r.PullRequest
		idle := r.Err == nil && r.Pushed == nil && len(r.Changes) == 0 && (pr == nil || pr.Action == bot.Unchanged)
		return idle && !slices.ContainsFunc(r.Held, func(h pinsetter.Hold) bool { return !known[hold(r.Namespace+"/"+r.Name, h)] })
	})
}
