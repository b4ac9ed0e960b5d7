package keeper

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
)

// TestEventTexts: a push is told in Flux's words, wherever it went, with a
// summary of images, old and new.
func TestEventTexts(t *testing.T) {
	changes := []pinsetter.Change{{Path: "apps/a.yaml", Old: "6.0.0", New: "6.1.0"}}
	pushed := &bot.Pushed{Commit: "0123456789abcdef", Branch: "main", Message: "Bump\n\nall of it\n"}
	const summary = "podinfo 6.0.0 -> 6.1.0 in apps/a.yaml"
	for name, test := range map[string]struct {
		result  bot.Result
		kind    pinsetter.EventKind
		message string
		summary string
	}{
		"pushed":    {bot.Result{Pushed: pushed, Changes: changes, Summary: summary}, pinsetter.EventPushed, "pushed commit '0123456' to branch 'main'\nBump\n\nall of it", summary},
		"refspec":   {bot.Result{Pushed: &bot.Pushed{Commit: "0123456789abcdef", Refspec: "main:x"}}, pinsetter.EventPushed, "pushed 0123456789ab to main:x, which was due", ""},
		"took back": {bot.Result{Pushed: &bot.Pushed{Commit: "0123456789abcdef", Branch: "bot"}}, pinsetter.EventPushed, "took back what bot proposed: it is at 0123456789ab", ""},
		"proposed": {bot.Result{Pushed: pushed, Changes: changes, Summary: summary, Branch: "main", PullRequest: &bot.PullRequest{Number: 3, Action: bot.Created}},
			pinsetter.EventProposed, "pushed commit '0123456' to branch 'main'\nBump\n\nall of it", "created pull request #3: " + summary},
		"proposed, without a push": {bot.Result{PullRequest: &bot.PullRequest{Number: 3, Action: bot.Created}}, pinsetter.EventProposed, "created pull request #3", "created pull request #3"},
		"merged":                   {bot.Result{PullRequest: &bot.PullRequest{Number: 3, Action: bot.Merged}}, pinsetter.EventMerged, "pull request #3 was merged", ""},
	} {
		e, ok := doneBy(pinsetter.Event{}, &test.result)
		if !ok || e.Kind != test.kind || e.Message != test.message || e.Summary != test.summary {
			t.Errorf("%s: %s, %q, %q", name, e.Kind, e.Message, e.Summary)
		}
	}
	if e, ok := doneBy(pinsetter.Event{}, &bot.Result{}); ok {
		t.Errorf("nothing is told as %v", e)
	}
}

// TestHeldMessage: each hold has a line, up to a bound.
func TestHeldMessage(t *testing.T) {
	hold := pinsetter.Hold{Policy: "team/app", Path: "a.yaml", Current: "1.0.0", Candidate: "1.1.0", Reason: "too young"}
	if got := heldMessage([]pinsetter.Hold{hold}); got != "team/app: 1.1.0 instead of 1.0.0 is held in a.yaml: too young" {
		t.Error(got)
	}
	all := make([]pinsetter.Hold, maxHolds+3)
	if lines := strings.Split(heldMessage(all), "\n"); len(lines) != maxHolds+1 || lines[maxHolds] != "and 3 more" {
		t.Errorf("%d lines", len(lines))
	}
	if got := heldMessage(nil); got != "" {
		t.Error(got)
	}
}

// TestUnverifiedIsAnEvent: it names what is written, and is sent without anything too,
// which ends what was told before.
func TestUnverifiedIsAnEvent(t *testing.T) {
	of := func(sites ...pinsetter.Unverified) pinsetter.Event {
		for _, e := range eventsOf(&fleet.Automation{}, []*bot.Result{{Unverified: sites}}, time.Time{}) {
			if e.Kind == pinsetter.EventUnverified {
				return e
			}
		}
		t.Fatal("there is no such event")
		return pinsetter.Event{}
	}
	e := of(pinsetter.Unverified{Policy: "team/app", Path: "a.yaml", Line: 3, Ref: "app:1@sha256:0", Rule: "Gate team/g", Reason: "it isn't signed"})
	if e.Kind != "verification-failed" || e.Message != "team/app: app:1@sha256:0, which is written in a.yaml, doesn't verify by Gate team/g: it isn't signed" || len(e.Unverified) != 1 {
		t.Errorf("%+v", e)
	}
	if e := of(); e.Message != "" || len(e.Unverified) > 0 {
		t.Errorf("%+v", e)
	}
}
