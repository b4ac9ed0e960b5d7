package keeper

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
)

// tell tells people how the automations of a cycle ended. Of one that was stopped
// it tells what was done: the rest would be about the stopping.
func (k *Keeper) tell(automations []*fleet.Automation, e ending) {
	if k.o.Notify == nil {
		return
	}
	now := k.now()
	byName := map[pinsetter.Name][]*bot.Result{}
	for _, r := range e.Results {
		byName[r.Automation()] = append(byName[r.Automation()], r)
	}
	for _, a := range automations {
		events := eventsOf(a, byName[a.Name], now)
		if e.stopped {
			events = slices.DeleteFunc(events, func(e pinsetter.Event) bool { return !isDone(e) })
		}
		for _, e := range events {
			k.o.Notify(e)
		}
	}
}

// isDone reports whether an event is about something that was done.
func isDone(e pinsetter.Event) bool {
	return e.Kind == pinsetter.EventPushed || e.Kind == pinsetter.EventProposed || e.Kind == pinsetter.EventMerged
}

// eventsOf returns what there is to tell about a run of an automation. Whether
// people know it already is for who delivers it.
func eventsOf(a *fleet.Automation, results []*bot.Result, at time.Time) []pinsetter.Event {
	about := pinsetter.Event{At: at, Object: a.Object(), Repository: bot.RepositoryOf(a)}
	var events []pinsetter.Event
	held, failed := about, about
	held.Kind, failed.Kind = pinsetter.EventHeld, pinsetter.EventFailed
	var failures []string
	for _, r := range results {
		if e, ok := doneBy(about, r); ok {
			events = append(events, e)
		}
		held.Holds = append(held.Holds, r.Held...)
		if r.Err != nil {
			failures = append(failures, r.Error)
		}
	}
	held.Message = fmt.Sprintf("%s not written", pinsetter.Count(len(held.Holds), "better candidate"))
	if len(held.Holds) > 0 {
		held.Message += ": " + held.Holds[0].Reason
	}
	events = append(events, held) // also without holds, which ends those of before
	if failed.Message = strings.Join(failures, "\n"); len(failures) == 0 {
		failed.Kind, failed.Message = pinsetter.EventRecovered, "it works again"
	}
	return append(events, failed)
}

// doneBy returns the event of what a result did, false where it did nothing.
func doneBy(e pinsetter.Event, r *bot.Result) (pinsetter.Event, bool) {
	e.Changes = r.Changes
	if r.Pushed != nil {
		e.Commit, e.Branch = r.Pushed.Commit, r.Pushed.Branch
	}
	pr := r.PullRequest
	switch {
	case pr != nil && pr.Action == bot.Merged:
		e.Kind, e.PullRequest = pinsetter.EventMerged, pr.URL
		e.Message = fmt.Sprintf("pull request #%d was merged", pr.Number)
	case pr != nil && (pr.Action == bot.Created || pr.Action == bot.Updated && r.Pushed != nil):
		e.Kind, e.PullRequest, e.Branch = pinsetter.EventProposed, pr.URL, r.Branch
		e.Message = fmt.Sprintf("%s pull request #%d with %s", pr.Action, pr.Number, pinsetter.Count(len(r.Changes), "change"))
	case pr == nil && r.Pushed != nil:
		e.Kind = pinsetter.EventPushed
		e.Message = r.Pushed.Describe(len(r.Changes))
		if len(r.Changes) > 0 {
			e.Message += " with " + pinsetter.Count(len(r.Changes), "change")
		}
	default:
		return e, false
	}
	return e, true
}
