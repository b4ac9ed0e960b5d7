package gate

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
)

// signingTime is how long a tag that isn't signed may have been seen before
// anybody is told: CI signs what it has pushed, seconds to minutes later.
const signingTime = 10 * time.Minute

// verifying returns the first gate that demands signatures, or counts from them, or
// nil.
func (g Gates) verifying() *rules {
	for i := range g.rules {
		if len(g.rules[i].spec.Verify) > 0 || g.rules[i].fromSignature() {
			return &g.rules[i]
		}
	}
	return nil
}

// signed judges by who signed a digest, which is or was the tag's, and when: all rules
// must hold. The first that doesn't decides. A young one may be signed yet.
func (w *Walk) signed(tag, digest string, young bool, known Known) (*Refusal, *Question) {
	for i := range w.gates.rules {
		r := &w.gates.rules[i]
		if len(r.trust) != r.demanded() {
			return &Refusal{Rule: pinsetter.RuleUnknown, Gate: r.gate, failed: true, Reason: "what its verify trusts isn't known: mend the Gate"}, nil
		}
		var proofs []pinsetter.Signature
		for _, trust := range r.trust {
			found, told := known.Signatures[Signed{digest, trust}]
			if !told {
				return nil, &Question{Kind: KindSignature, Tag: tag, Digest: digest, Trust: trust}
			}
			if refusal := r.unproven(tag, found, young); refusal != nil {
				return refusal, nil
			}
			proofs = append(proofs, found)
		}
		if r.fromSignature() {
			if refusal := r.signedLately(tag, proofs, w.subject.Now); refusal != nil {
				return refusal, nil
			}
		}
	}
	return nil, nil
}

// demanded returns how many rules verify has: one an entry, or one an attestation.
func (r *rules) demanded() int {
	n := 0
	for _, rule := range r.spec.Verify {
		n += max(1, len(rule.Attestations))
	}
	return n
}

// enclosed judges a digest by the verify of the object that a site names it for; ""
// is the one that the tag has now. It asks last, since most sites have none.
func (w *Walk) enclosed(site pinsetter.Site, tag, digest string, known Known) (*Refusal, *Question) {
	e := site.Enclosing
	switch {
	case e == nil || nameOnly(site):
		return nil, nil
	case e.Trust == "":
		reason := cmp.Or(e.Problem, "its object verifies what it pulls, and what that trusts isn't known")
		return &Refusal{Rule: pinsetter.RuleUnknown, failed: true, Reason: reason}, nil
	}
	young := false
	if digest == "" {
		sight, told := known.Sights[tag]
		if !told {
			return nil, &Question{Kind: KindSight, Tag: tag}
		}
		now, told := known.Digests[tag]
		if !told {
			return nil, &Question{Kind: KindDigest, Tag: tag}
		}
		if now.Err == nil && !pinsetter.ValidDigest(now.Value) {
			now.Err = fmt.Errorf("the registry answers with %q", now.Value)
		}
		if now.Err != nil {
			var absent *AbsentError
			return &Refusal{Rule: pinsetter.RuleUnknown, failed: !errors.As(now.Err, &absent),
				Reason: fmt.Sprintf("its digest isn't known, and its object verifies it: %s: mend that, or write %s by hand", oneLine(now.Err), tag)}, nil
		}
		digest, young = now.Value, sight.Err == nil && w.young(sight.Value, now.Value)
	}
	found, told := known.Signatures[Signed{digest, e.Trust}]
	if !told {
		return nil, &Question{Kind: KindSignature, Tag: tag, Digest: digest, Trust: e.Trust}
	}
	refusal := (&rules{}).unproven(tag, found, young)
	if refusal != nil {
		refusal.Reason = "by the verify of " + site.Object.Kind + " " + site.Object.Name + ", " + refusal.Reason
	}
	return refusal, nil
}

// AbsentError is the error of an Answer about a tag that the registry doesn't have.
type AbsentError struct{ Err error }

func (e *AbsentError) Error() string { return e.Err.Error() }
func (e *AbsentError) Unwrap() error { return e.Err }

// unread refuses a tag whose digest could not be read. A tag that isn't there is
// passed over; any other answer leaves open who signed it.
func (w *Walk) unread(asks *rules, err error) *Refusal {
	var absent *AbsentError
	refusal := asks.unknown("its digest", err)
	refusal.unread = !errors.As(err, &absent)
	refusal.failed = refusal.unread && w.gates.verifying() != nil
	return refusal
}

// young reports whether a digest was first seen so short a time ago that it may be
// signed yet.
func (w *Walk) young(sight Sight, digest string) bool {
	if !w.subject.Remembers {
		return false
	}
	moved := sight.Digest != "" && sight.Digest != digest
	age := w.subject.Now.Sub(sight.Since)
	return sight.Since.IsZero() || moved || age >= 0 && age < signingTime
}

// unproven refuses a tag of whose signature that was found, unless it proves the
// tag.
func (r *rules) unproven(tag string, found pinsetter.Signature, young bool) *Refusal {
	switch {
	case found.Verdict == pinsetter.SignatureVerified:
		return nil
	case found.Verdict != pinsetter.SignatureRefused:
		return &Refusal{
			Rule: pinsetter.RuleUnknown, Gate: r.gate, failed: true,
			Reason: fmt.Sprintf("who signed %s could not be asked: %s: nothing is written until the registry answers, or verify is taken out, or %s is written by hand",
				tag, found.Reason, tag),
		}
	case found.Unsigned && young:
		return &Refusal{
			Rule: pinsetter.RuleSignature, Gate: r.gate, soon: true,
			Reason: fmt.Sprintf("%s, and it was first seen less than %s ago: it is looked at again soon, since images are signed after they are pushed", found.Reason, span(signingTime)),
		}
	}
	return &Refusal{
		Rule: pinsetter.RuleSignature, Gate: r.gate,
		Reason: fmt.Sprintf("%s: sign it, trust its signer, or write %s by hand", found.Reason, tag),
	}
}
