package gate_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// TestMaxBump: tens are minor and hundreds major numbers.
func TestMaxBump(t *testing.T) {
	patch, minor, major := spec.GateSpec{MaxBump: spec.BumpPatch}, spec.GateSpec{MaxBump: spec.BumpMinor}, spec.GateSpec{MaxBump: spec.BumpMajor}
	tests := []struct {
		name    string
		written []string
		gates   []spec.GateSpec
		takes   string
		hold    string // the start of its reason after the gate's name
	}{
		{"no bound", []string{"111"}, nil, "211", ""},
		{"major", []string{"111"}, []spec.GateSpec{major}, "211", ""},
		{"minor", []string{"111"}, []spec.GateSpec{minor}, "121", "from 111 to 211 is a major step, and maxBump is minor: to take it, write 211 by hand, or raise maxBump"},
		{"patch", []string{"111"}, []spec.GateSpec{patch}, "113", "from 111 to 211 is a major step, and maxBump is patch"},
		{"the smallest of several", []string{"111"}, []spec.GateSpec{major, patch, minor}, "113", "from 111 to 211 is a major step, and maxBump is patch"},
		{"nothing below", []string{"113"}, []spec.GateSpec{patch}, "113", "from 113 to 211"},
		{"markers that disagree", []string{"111", "121"}, []spec.GateSpec{minor}, "121", "from 111 to 211"},
		{"no version is written", []string{"latest"}, []spec.GateSpec{minor}, "", "from latest to 211 is a step of unknown size"},
		{"nothing is written", []string{""}, []spec.GateSpec{patch}, "211", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := compiled(t, test.gates...).Walk(subject(nil, "211", "121", "113", "112", "111"))
			got := w.Choose(t.Context(), site(test.written...), pinsetter.Image{})
			if got.Candidate.Tag != test.takes {
				t.Errorf("takes %q, want %q", got.Candidate.Tag, test.takes)
			}
			checkHold(t, got.Hold, "211", test.hold)
		})
	}
}

// TestBumpOfTwoNumbers: tags such as 1.4 would be held for good, which the hold says,
// with the way out.
func TestBumpOfTwoNumbers(t *testing.T) {
	const filter = "or make versions of them, as with a semver policy and filterTags with pattern ^([0-9]+\\.[0-9]+)$ and extract $1.0"
	for _, test := range []struct {
		from, to string
		bump     spec.Bump
		two      bool
		out      string // the end of the reason
	}{
		{"1.4", "1.5", spec.BumpPatch, true, filter + ", and set maxBump to minor"},
		{"1.4", "1.5", spec.BumpMinor, true, filter},
		{"v1.4-alpine", "v1.5-alpine", spec.BumpMajor, true, filter},
		{"latest", "1.5", spec.BumpPatch, false, "leave the policy out of the Gate's policySelector"},
		{"v4", "v5", spec.BumpPatch, false, "leave the policy out of the Gate's policySelector"},
		{"1.4.0", "1.5", spec.BumpPatch, false, "leave the policy out of the Gate's policySelector"},
	} {
		w := compiled(t, spec.GateSpec{MaxBump: test.bump}).Walk(subject(nil, test.to, test.from))
		got := w.Choose(t.Context(), site(test.from), pinsetter.Image{}).Hold
		if got == nil || strings.Contains(got.Reason, "since tags of two numbers are no versions, and maxBump is "+string(test.bump)) != test.two || !strings.HasSuffix(got.Reason, test.out) {
			t.Errorf("from %s to %s: %+v", test.from, test.to, got)
		}
	}
}

// checkHold compares a hold with the candidate and the start of the reason that
// are wanted; "" for none.
func checkHold(t *testing.T, got *pinsetter.Hold, candidate, reason string) {
	t.Helper()
	if got == nil || reason == "" {
		if (got == nil) != (reason == "") {
			t.Errorf("hold %+v, want %q", got, reason)
		}
		return
	}
	text := got.Reason
	if rest, found := strings.CutPrefix(text, "Gate ns/"); found {
		_, text, _ = strings.Cut(rest, ": ")
	}
	if got.Candidate != candidate || !strings.HasPrefix(text, reason) || !strings.Contains(text, ": ") {
		t.Errorf("hold %+v, want candidate %q and reason %q", got, candidate, reason)
	}
}
