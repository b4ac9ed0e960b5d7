package main

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
)

// TestRefusals: of refused webhooks one line a minute is due for each receiver, with
// how many were not said.
func TestRefusals(t *testing.T) {
	var r refusals
	nobody, door := pinsetter.Name{}, pinsetter.Name{Namespace: "team", Name: "door"}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i, test := range []struct {
		receiver pinsetter.Name
		after    time.Duration
		more     int
		due      bool
	}{
		{nobody, 0, 0, true}, {nobody, time.Second, 0, false}, {door, time.Second, 0, true}, {nobody, 59 * time.Second, 0, false},
		{nobody, time.Minute, 2, true}, {nobody, 61 * time.Second, 0, false}, {door, time.Hour, 0, true}, {nobody, time.Hour, 1, true},
	} {
		if more, due := r.due(test.receiver, at.Add(test.after)); more != test.more || due != test.due {
			t.Errorf("%d: %d, %v", i, more, due)
		}
	}
}
