package gate_test

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

func TestHold(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name   string
		holds  []spec.GateHold
		reason string
		until  time.Time
	}{
		{"by tag", []spec.GateHold{{Tags: []string{"4", "5"}, Reason: "bad"}}, `held, "bad": to take it, take it out of hold, or write 5 by hand`, time.Time{}},
		{"by range", []spec.GateHold{{Range: ">=3", Reason: "bad"}}, `held, "bad"`, time.Time{}},
		{"another tag", []spec.GateHold{{Tags: []string{"55"}, Reason: "bad"}}, "", time.Time{}},
		{"another range", []spec.GateHold{{Range: ">=6", Reason: "bad"}}, "", time.Time{}},
		{"until later", []spec.GateHold{{Tags: []string{"5"}, Reason: "bad", Until: noon.Add(day)}}, `held, "bad": to take it, wait until 2026-08-06T12:00:00Z, `, noon.Add(day)},
		{"until now", []spec.GateHold{{Tags: []string{"5"}, Reason: "bad", Until: noon}}, "", time.Time{}},
		{"the longest of several counts", []spec.GateHold{
			{Tags: []string{"5"}, Reason: "a", Until: noon.Add(day)}, {Tags: []string{"5"}, Reason: "b", Until: noon.Add(3 * day)}, {Tags: []string{"5"}, Reason: "c", Until: noon.Add(2 * day)},
		}, `held, "b"`, noon.Add(3 * day)},
		{"one without end is the longest", []spec.GateHold{
			{Tags: []string{"5"}, Reason: "a"}, {Tags: []string{"5"}, Reason: "b", Until: noon.Add(day)},
		}, `held, "a"`, time.Time{}},
		{"a reason can't break out", []spec.GateHold{{Tags: []string{"5"}, Reason: "a\x1b[2J\nb"}}, `held, "a\x1b[2J\nb": `, time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := judged(t, nil, noon, spec.GateSpec{Hold: test.holds})
			checkVerdict(t, got, test.reason, test.until)
			if test.reason != "" && (got.Stage != pinsetter.StageHold || got.Gate != "ns/g1") {
				t.Errorf("stage %q, gate %q", got.Stage, got.Gate)
			}
		})
	}
}

// TestHoldReadsValueAndTag: the version may be in what was extracted, or in the
// tag alone.
func TestHoldReadsValueAndTag(t *testing.T) {
	gates := compiled(t, spec.GateSpec{Hold: []spec.GateHold{{Range: ">=5", Reason: "bad"}}})
	for _, c := range []pinsetter.Candidate{{Tag: "main-7", Value: "7"}, {Tag: "7", Value: "1"}} {
		if got := gates.Walk(subject(nil)).Judge(t.Context(), c); got.Verdict != pinsetter.Rejected {
			t.Errorf("%+v passes", c)
		}
	}
}
