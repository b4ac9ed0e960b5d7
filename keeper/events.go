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

// tell sends the events of a cycle's automations. If the program is stopping,
// it sends only what was done: anything else would be about the stop.
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

// isDone reports whether an event is about something that was written.
func isDone(e pinsetter.Event) bool {
	return e.Kind == pinsetter.EventPushed || e.Kind == pinsetter.EventProposed || e.Kind == pinsetter.EventMerged
}

// eventsOf returns the events of an automation's run. It doesn't know which of
// them people got before; whoever delivers them does.
func eventsOf(a *fleet.Automation, results []*bot.Result, at time.Time) []pinsetter.Event {
	about := pinsetter.Event{At: at, Object: a.Object(), Repository: bot.RepositoryOf(a)}
	var events []pinsetter.Event
	held, failed, unverified := about, about, about
	held.Kind, failed.Kind, unverified.Kind = pinsetter.EventHeld, pinsetter.EventFailed, pinsetter.EventUnverified
	var failures []string
	for _, r := range results {
		if e, ok := doneBy(about, r); ok {
			events = append(events, e)
		}
		held.Holds = append(held.Holds, r.Held...)
		unverified.Unverified = append(unverified.Unverified, r.Unverified...)
		if r.Err != nil {
			failures = append(failures, r.Error)
		}
	}
	held.Message, unverified.Message = heldMessage(held.Holds), unverifiedMessage(unverified.Unverified)
	events = append(events, held, unverified) // also without any, which ends those of before
	if failed.Message = strings.Join(failures, "\n"); len(failures) == 0 {
		failed.Kind, failed.Message = pinsetter.EventRecovered, "it works again"
	}
	return append(events, failed)
}

// maxHolds bounds the holds that an event names.
const maxHolds = 20

// heldMessage names the candidates that are held, one a line.
func heldMessage(holds []pinsetter.Hold) string {
	var lines []string
	for _, h := range holds[:min(len(holds), maxHolds)] {
		lines = append(lines, fmt.Sprintf("%s: %s instead of %s is held in %s: %s", h.Policy, h.Candidate, h.Current, h.Path, h.Reason))
	}
	if more := len(holds) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// unverifiedMessage names the sites whose written digests don't verify, one a
// line.
func unverifiedMessage(sites []pinsetter.Unverified) string {
	var lines []string
	for _, u := range sites[:min(len(sites), maxHolds)] {
		lines = append(lines, fmt.Sprintf("%s: %s, which is written in %s, doesn't verify by %s: %s", u.Policy, u.Ref, u.Path, u.Rule, u.Reason))
	}
	if more := len(sites) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// doneBy returns the event for what a result wrote, and false if it wrote
// nothing.
func doneBy(e pinsetter.Event, r *bot.Result) (pinsetter.Event, bool) {
	e.Changes, e.Images = r.Changes, r.Images
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
		e.Summary = strings.TrimSuffix(fmt.Sprintf("%s pull request #%d: %s", pr.Action, pr.Number, r.Summary), ": ")
		if e.Message = e.Summary; r.Pushed != nil {
			e.Message = pushMessage(r.Pushed)
		}
	case pr == nil && r.Pushed != nil && r.Pushed.Branch != "" && len(r.Changes) > 0:
		e.Kind, e.Message, e.Summary = pinsetter.EventPushed, pushMessage(r.Pushed), r.Summary
	case pr == nil && r.Pushed != nil:
		e.Kind, e.Message = pinsetter.EventPushed, r.Pushed.Describe(len(r.Changes))
	default:
		return e, false
	}
	return e, true
}

// pushMessage returns the text of Flux's image-automation-controller for a
// push, since filters of Alerts match it.
func pushMessage(p *bot.Pushed) string {
	if p.Artifact != "" {
		return p.Describe(1) + "\n" + strings.TrimSpace(p.Message)
	}
	return fmt.Sprintf("pushed commit '%.7s' to branch '%s'\n%s", p.Commit, p.Branch, strings.TrimSpace(p.Message))
}
