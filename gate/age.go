package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

func (r *rules) fromSight() bool {
	return r.spec.MinAge != nil && r.spec.MinAgeFrom != spec.AgeFromCreated && r.spec.MinAgeFrom != spec.AgeFromSignature
}

func (r *rules) fromCreation() bool {
	return r.spec.MinAge != nil && r.spec.MinAgeFrom == spec.AgeFromCreated
}

// oldest returns the gate that demands the greatest age of those that count as
// counts says; nil where none does.
func (g Gates) oldest(counts func(*rules) bool) *rules {
	var strictest *rules
	for i := range g.rules {
		r := &g.rules[i]
		if counts(r) && (strictest == nil || r.spec.MinAge.Duration > strictest.spec.MinAge.Duration) {
			strictest = r
		}
	}
	return strictest
}

// young refuses a tag that hasn't been seen for as long as r demands. One that
// never was seen, or whose digest never was read, is as old as now, if ages start
// now.
func (r *rules) young(tag string, sight Sight, s Subject) *Refusal {
	since := sight.Since
	if since.IsZero() || sight.Digest == "" {
		if !s.Starts {
			return r.unstarted(tag)
		}
		since = s.Now
	}
	return r.younger(tag, "seen", since, s.Now)
}

// fresh refuses a tag that has another digest than the ledger knows: what is
// under it now was never seen before.
func (r *rules) fresh(tag string, s Subject) *Refusal {
	refusal := r.unstarted(tag)
	if s.Starts {
		refusal = r.younger(tag, "seen", s.Now, s.Now)
	}
	refusal.Reason = "it shows another digest than before, and counts as new: " + refusal.Reason
	refusal.moved = true
	return refusal
}

// unstarted refuses a tag whose age doesn't count yet. No date ends that.
func (r *rules) unstarted(tag string) *Refusal {
	return &Refusal{
		Rule: pinsetter.RuleMinAge, Gate: r.gate,
		Reason: fmt.Sprintf("minAge is %s, and its age starts with the next run: wait for that, lower minAge, or write %s by hand",
			span(r.spec.MinAge.Duration), tag),
	}
}

// firstDocker is when the first program that makes images was shown (PyCon,
// March 2013). Builds that are to be reproducible write 1970 or 1980.
var firstDocker = time.Date(2013, 3, 15, 0, 0, 0, 0, time.UTC)

// created refuses an image that is younger than r demands, by its own date.
func (r *rules) created(tag string, created, now time.Time) *Refusal {
	if created.Before(firstDocker) {
		said := "it doesn't say when it was created"
		if !created.IsZero() {
			said = fmt.Sprintf("it says that it was created in %d, before there were images", created.Year())
		}
		return &Refusal{
			Rule: pinsetter.RuleMinAge, Gate: r.gate,
			Reason: fmt.Sprintf("%s: write minAgeFrom: firstSeen in the Gate, or write %s by hand", said, tag),
		}
	}
	return r.younger(tag, "created", created, now)
}

func (r *rules) fromSignature() bool {
	return r.spec.MinAge != nil && r.spec.MinAgeFrom == spec.AgeFromSignature
}

// signedLately refuses a tag that was signed less than minAge ago. The signatures are
// those that r's rules verified, one a rule: the tag passes them all since the latest.
func (r *rules) signedLately(tag string, signatures []pinsetter.Signature, now time.Time) *Refusal {
	if len(signatures) == 0 {
		return &Refusal{Rule: pinsetter.RuleUnknown, Gate: r.gate, failed: true,
			Reason: "minAge counts from a signature, and the Gate has no verify: mend the Gate"}
	}
	var last time.Time
	for _, s := range signatures {
		if s.SignedAt.IsZero() {
			return &Refusal{
				Rule: pinsetter.RuleMinAge, Gate: r.gate,
				Reason: fmt.Sprintf("no log or timestamp says when %s signed it, and minAge counts from that: sign it with one, write minAgeFrom: firstSeen in the Gate, or write %s by hand",
					s.Signer, tag),
			}
		}
		if s.SignedAt.After(last) {
			last = s.SignedAt
		}
	}
	return r.younger(tag, "signed", last, now)
}

// younger refuses a tag whose age counts from since and is less than r demands.
func (r *rules) younger(tag, how string, since, now time.Time) *Refusal {
	demanded := r.spec.MinAge.Duration
	passes := since.Add(demanded)
	if !now.Before(passes) {
		return nil
	}
	age := how + " just now"
	switch passed := now.Sub(since); {
	case passed < 0:
		age = how + " later than now, says a clock"
	case passed >= time.Minute:
		age = how + " " + span(passed.Truncate(time.Minute)) + " ago"
	}
	return &Refusal{
		Rule: pinsetter.RuleMinAge, Gate: r.gate, Until: passes,
		Reason: fmt.Sprintf("%s, and minAge is %s: wait until %s, lower minAge, or write %s by hand",
			age, span(demanded), clock(passes.UTC()), tag),
	}
}

// span writes a duration without the units that are zero: 72h, 1h30m.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
