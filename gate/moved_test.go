package gate_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

func TestMove(t *testing.T) {
	tests := []struct {
		name        string
		before, now string
		reflect     spec.ReflectionPolicy
		order       numbers
		moved, held bool
	}{
		{"never seen", "", "b", spec.ReflectIfNotPresent, numbers{}, false, false},
		{"not asked for", "a", "", spec.ReflectIfNotPresent, numbers{}, false, false},
		{"as it was", "a", "a", spec.ReflectIfNotPresent, numbers{}, false, false},
		{"held", "a", "b", spec.ReflectIfNotPresent, numbers{}, true, true},
		{"followed", "a", "b", spec.ReflectAlways, numbers{}, true, false},
		{"no digest is written", "a", "b", spec.ReflectNever, numbers{}, true, false},
		{"a tag that is there to be moved", "a", "b", spec.ReflectIfNotPresent, numbers{unranked: true}, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := gate.Move("1.2.3", test.before, test.now, test.reflect, test.order)
			if (got != nil) != test.moved || got != nil && got.Held != test.held {
				t.Fatalf("got %+v", got)
			}
			if got != nil && !strings.HasPrefix(got.Reason, "1.2.3 was moved from a to b, and ") {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
}

func TestSightBefore(t *testing.T) {
	s := gate.Sight{Digest: "b", Previous: "a"}
	for now, want := range map[string]string{"b": "a", "c": "b", "a": "b"} {
		if got := s.Before(now); got != want {
			t.Errorf("before %s: %q, want %q", now, got, want)
		}
	}
}
