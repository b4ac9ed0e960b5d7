package notify

import (
	"testing"

	"github.com/pinsetter/pinsetter"
)

// TestUnverifiedIsToldOnce: until another site doesn't verify, or it was over. It is an
// error for Alerts.
func TestUnverifiedIsToldOnce(t *testing.T) {
	known := news{}
	event := func(paths ...string) pinsetter.Event {
		e := pinsetter.Event{Kind: pinsetter.EventUnverified, Object: pinsetter.Object{Kind: "ImageUpdateAutomation", Name: "apps"}}
		for _, path := range paths {
			e.Unverified = append(e.Unverified, pinsetter.Unverified{Policy: "team/app", Path: path, Reason: "it isn't signed"})
		}
		return e
	}
	for i, step := range []struct {
		event pinsetter.Event
		news  bool
	}{
		{event(), false}, {event("a"), true}, {event("a"), false}, {event("a", "b"), true}, {event("b"), false}, {event("a", "b"), true}, {event(), false}, {event("b"), true},
	} {
		if got := known.admits(step.event); got != step.news {
			t.Errorf("step %d: news %v", i, got)
		}
	}
	if m := describe(event("a"), ""); m.Severity != severityError || m.Reason != "Verification-failed" {
		t.Errorf("%s, %s", m.Severity, m.Reason)
	}
}
