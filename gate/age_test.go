package gate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

func TestMinAgeFromFirstSight(t *testing.T) {
	gates := []spec.GateSpec{{MinAge: hours(24)}, {MinAge: hours(72)}, {MinAge: hours(1)}}
	passes := noon.Add(72 * time.Hour)
	tests := []struct {
		name   string
		facts  facts
		reason string
		until  time.Time
		asks   bool // the registry
	}{
		{"old enough", facts{seen: map[string]gate.Sight{"5": old("5", 72*time.Hour)}}, "", time.Time{}, true},
		{"too young", facts{seen: map[string]gate.Sight{"5": old("5", 5*time.Hour+90*time.Second)}},
			"seen 5h1m ago, and minAge is 72h: wait until 2026-08-08T06:58:30Z, lower minAge, or write 5 by hand",
			noon.Add(67*time.Hour - 90*time.Second), false},
		{"a nanosecond too young", facts{seen: map[string]gate.Sight{"5": old("5", 72*time.Hour-1)}}, "seen 71h59m ago", noon.Add(1), false},
		{"never seen", facts{}, "seen just now, and minAge is 72h", passes, true},
		{"its digest never read", facts{seen: map[string]gate.Sight{"5": {Since: noon.Add(-100 * time.Hour)}}}, "seen just now", passes, true},
		{"moved since", facts{seen: map[string]gate.Sight{"5": {Since: noon.Add(-100 * time.Hour), Digest: digest("other")}}},
			"it shows another digest than before, and counts as new: seen just now", passes, true},
		{"by a clock that was ahead", facts{seen: map[string]gate.Sight{"5": old("5", -time.Hour)}}, "seen later than now, says a clock", noon.Add(73 * time.Hour), false},
		{"no ledger", facts{ledger: errors.New("the database is damaged")}, "when it was first seen isn't known: the database is damaged: mend that", time.Time{}, false},
		{"no answer", facts{seen: map[string]gate.Sight{"5": old("5", 100*time.Hour)}, broken: map[string]bool{"5": true}},
			"its digest isn't known: 502 Bad Gateway: mend that", time.Time{}, true},
		{"no digest", facts{seen: map[string]gate.Sight{"5": old("5", 100*time.Hour)}, digests: map[string]string{"5": "sha256:x"}},
			`its digest isn't known: the registry answers with "sha256:x"`, time.Time{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := judged(t, &test.facts, noon, gates...)
			checkVerdict(t, got, test.reason, test.until)
			if test.reason != "" && got.Gate != "ns/g2" {
				t.Errorf("gate %q", got.Gate)
			}
			if asks := len(test.facts.asked) > 0; asks != test.asks {
				t.Errorf("asks the registry: %v", asks)
			}
		})
	}
}

// signedAt is facts with signatures by us at some time, and by them an hour before.
type signedAt struct {
	facts
	at time.Time
}

func (s *signedAt) Signed(_, trust string) pinsetter.Signature {
	found := pinsetter.Signature{Verdict: pinsetter.SignatureVerified, Signer: trust, SignedAt: s.at}
	if trust == "them" {
		found.SignedAt = noon.Add(-100 * time.Hour)
	}
	return found
}

// TestMinAgeFromSignature: the age counts from the latest time at which the gate's
// rules were met, as a log or timestamp says. Without one the tag is held.
func TestMinAgeFromSignature(t *testing.T) {
	by := func(names ...string) spec.GateSpec {
		s := spec.GateSpec{MinAge: hours(24), MinAgeFrom: spec.AgeFromSignature}
		for _, name := range names {
			s.Verify = append(s.Verify, spec.GateVerify{SecretRef: &spec.LocalObjectReference{Name: name}})
		}
		return s
	}
	for _, test := range []struct {
		name   string
		at     time.Time
		gate   spec.GateSpec
		reason string
		until  time.Time
	}{
		{"old enough", noon.Add(-24 * time.Hour), by("us"), "", time.Time{}},
		{"too young", noon.Add(-5 * time.Hour), by("us"), "signed 5h ago, and minAge is 24h: wait until 2026-08-06T07:00:00Z, lower minAge, or write 5 by hand", noon.Add(19 * time.Hour)},
		{"of two the latest", noon.Add(-5 * time.Hour), by("us", "them"), "signed 5h ago", noon.Add(19 * time.Hour)},
		{"no time", time.Time{}, by("us"), "no log or timestamp says when us signed it, and minAge counts from that: sign it with one, write minAgeFrom: firstSeen in the Gate, or write 5 by hand", time.Time{}},
		{"no time of one of two", time.Time{}, by("them", "us"), "no log or timestamp says when us signed it", time.Time{}},
		{"later than now", noon.Add(time.Hour), by("us"), "signed later than now, says a clock", noon.Add(25 * time.Hour)},
		{"no rule", noon.Add(-100 * time.Hour), by(), "minAge counts from a signature, and the Gate has no verify: mend the Gate", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkVerdict(t, judged(t, &signedAt{at: test.at}, noon, test.gate), test.reason, test.until)
		})
	}
	if names := compiled(t, by("us")).Remembering(); len(names) > 0 {
		t.Errorf("%q need a ledger", names)
	}
}

// TestAgeEndsWhenItSays: with the facts unchanged, a tag that is too young passes
// from Until on and not before, and once it passes it always does.
func TestAgeEndsWhenItSays(t *testing.T) {
	f := &facts{
		seen:    map[string]gate.Sight{"5": old("5", time.Hour)},
		content: map[string]gate.Content{"5": {Created: noon.Add(-time.Hour)}},
	}
	for _, s := range []spec.GateSpec{{MinAge: hours(48)}, {MinAge: hours(48), MinAgeFrom: spec.AgeFromCreated}} {
		until := judged(t, f, noon, s).Until
		for _, step := range []time.Duration{-time.Hour, -1, 0, 1, time.Hour, 10_000 * time.Hour} {
			got := judged(t, f, until.Add(step), s)
			if passes := got.Reason == ""; passes != (step >= 0) {
				t.Errorf("%s: %v after Until: %q", s.MinAgeFrom, step, got.Reason)
			}
		}
	}
}

func TestMinAgeFromCreation(t *testing.T) {
	tests := []struct {
		name    string
		created time.Time
		reason  string
		until   time.Time
	}{
		{"old enough", noon.Add(-24 * time.Hour), "", time.Time{}},
		{"too young", noon.Add(-30 * time.Minute), "created 30m ago, and minAge is 24h: wait until 2026-08-06T11:30:00Z", noon.Add(23*time.Hour + 30*time.Minute)},
		{"of tomorrow", noon.Add(24 * time.Hour), "created later than now", noon.Add(48 * time.Hour)},
		{"not said", time.Time{}, "it doesn't say when it was created: write minAgeFrom: firstSeen", time.Time{}},
		{"a reproducible build", time.Unix(0, 0), "it says that it was created in 1970, before there were images", time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &facts{content: map[string]gate.Content{"5": {Created: test.created}}, ledger: errors.New("not needed")}
			got := judged(t, f, noon, spec.GateSpec{MinAge: hours(24), MinAgeFrom: spec.AgeFromCreated})
			checkVerdict(t, got, test.reason, test.until)
		})
	}
	f := &facts{broken: map[string]bool{"5 content": true}}
	got := judged(t, f, noon, spec.GateSpec{MinAge: hours(24), MinAgeFrom: spec.AgeFromCreated})
	checkVerdict(t, got, "what it holds isn't known: 404 Not Found", time.Time{})
}

// TestWithoutFacts: a gate that has nobody to ask says no.
func TestWithoutFacts(t *testing.T) {
	for _, s := range []spec.GateSpec{{MinAge: hours(1)}, {MinAge: hours(1), MinAgeFrom: spec.AgeFromCreated}, {Platforms: []string{"linux/amd64"}}} {
		got := judged(t, nil, noon, s)
		if got.Reason == "" {
			t.Errorf("%+v passes", s)
		}
	}
	if got := judged(t, nil, time.Time{}, spec.GateSpec{}); got.Reason == "" {
		t.Error("a candidate passes without a time")
	}
}

// TestReliance: a refusal for what an image says of itself is not asked for
// anew while its digest was read a short time ago; passing always is.
func TestReliance(t *testing.T) {
	s := spec.GateSpec{Platforms: []string{"linux/arm64"}}
	lacking, complete := gate.Content{Platforms: []string{"linux/amd64"}}, gate.Content{Platforms: []string{"linux/arm64"}}
	read := func(there, ago time.Duration) gate.Sight {
		return gate.Sight{Since: noon.Add(-there - ago), Digest: digest("5"), Read: noon.Add(-ago)}
	}
	tests := []struct {
		name  string
		sight gate.Sight
		holds gate.Content
		asks  bool
	}{
		{"never seen", gate.Sight{}, lacking, true},
		{"read when isn't known", gate.Sight{Since: noon.Add(-time.Hour), Digest: digest("5")}, lacking, true},
		{"new, read within the hour", read(0, 59*time.Minute), lacking, false},
		{"new, read an hour ago", read(0, time.Hour), lacking, true},
		{"there for ten hours, read nine ago", read(10*time.Hour, 9*time.Hour), lacking, false},
		{"there for ten hours, read ten ago", read(10*time.Hour, 10*time.Hour), lacking, true},
		{"there for a year, read a day ago", read(9000*time.Hour, 24*time.Hour), lacking, true},
		{"read by a clock that was ahead", read(time.Hour, -time.Minute), lacking, true},
		{"passes", read(0, time.Minute), complete, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &facts{seen: map[string]gate.Sight{"5": test.sight}, content: map[string]gate.Content{"5": test.holds}}
			got := judged(t, f, noon, s)
			if refused := got.Reason != ""; refused != (len(test.holds.Platforms) > 0 && test.holds.Platforms[0] == "linux/amd64") {
				t.Errorf("refused: %q", got.Reason)
			}
			if asked := len(f.asked) > 0; asked != test.asks {
				t.Errorf("asked: %v", f.asked)
			}
		})
	}
}
