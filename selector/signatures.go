package selector

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/store"
	"github.com/pinsetter/pinsetter/verify"
)

// signature returns what a rule makes of the signatures of a digest. What was
// verified once is remembered by the ledger, under the digest and what is trusted:
// neither changes, but for the public good instance's root (see outlived). A verdict
// of notation isn't taken from there: it depends on the repository, on the time and on
// what is revoked. Anything else may be another a moment later, and is asked for again
// in the next cycle. So is a signature without a time where that counts: it may have
// been made anew, with one.
func (q *Inquiry) signature(ctx context.Context, signed gate.Signed) pinsetter.Signature {
	f := q.selection.facts
	enough := func(found pinsetter.Signature) bool { return !q.selection.dating || !found.SignedAt.IsZero() }
	learnt, known := f.learnt.verdict(signed)
	if known && (learnt.asked || enough(learnt.Signature)) {
		return learnt.Signature
	}
	trust := q.trust(signed)
	lasts := trust != nil && trust.Notation == nil
	var found pinsetter.Signature
	known = false
	if lasts {
		found, known = f.provenBefore(ctx, signed, trust)
		known = known && enough(found)
	}
	if !known {
		found = q.verify(ctx, signed)
		if lasts && found.Verdict == pinsetter.SignatureVerified {
			f.keepProof(ctx, signed, found)
		}
	}
	if ctx.Err() == nil {
		f.learnt.learnSignature(signed, verdict{found, !known})
	}
	return found
}

// enclose completes what is known of the verify of a site's object.
func (q *Inquiry) enclose(site *pinsetter.Site) {
	policy := q.selection.Object
	if site.Enclosing == nil || q.selection.set == nil {
		return
	}
	if q.selection.set.IgnoresEnclosing(policy) {
		site.Enclosing = nil
		return
	}
	e := *site.Enclosing
	site.Enclosing = &e
	from := fmt.Sprintf("%s %s (%s:%d)", site.Object.Kind, site.Object.Name, site.Path, site.Line())
	trust, err := q.selection.set.TrustOf(&e, from, cmp.Or(site.Object.Namespace, policy.Name.Namespace))
	if err != nil {
		e.Problem = err.Error()
		return
	}
	e.Trust = trust.ID()
	q.enclosing[e.Trust] = trust
	q.selection.enclosing.Store(e.Trust, true)
}

// trust returns the rule that signed is about, nil if it isn't known.
func (q *Inquiry) trust(signed gate.Signed) *fleet.Trust {
	return cmp.Or(q.selection.facts.trusts[signed.Trust], q.enclosing[signed.Trust])
}

// verify asks the registry. What it has of a digest is read once for all rules of a
// policy.
func (q *Inquiry) verify(ctx context.Context, signed gate.Signed) pinsetter.Signature {
	trust := q.trust(signed)
	if trust == nil {
		return pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: "what is trusted isn't known"}
	}
	evidence, err := q.evidenceOf(signed.Digest)
	if err != nil {
		return pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: err.Error()}
	}
	defer q.selection.facts.scanner.Waits(q.selection.facts.repo, "read signatures of "+signed.Digest)()
	evidence.Lock()
	defer evidence.Unlock()
	return evidence.Check(ctx, trust)
}

// evidence is what is read of a digest, by one who asks at a time.
type evidence struct {
	sync.Mutex
	*verify.Evidence
}

// evidenceOf returns what is read of a digest, the same one each time.
func (q *Inquiry) evidenceOf(digest string) (*evidence, error) {
	q.opening.Lock()
	defer q.opening.Unlock()
	found := q.evidence[digest]
	if found == nil {
		image, err := q.selection.facts.scanner.Open(q.selection.facts.repo)
		if err != nil {
			return nil, err
		}
		found = &evidence{Evidence: verify.Open(q.selection.facts.roots, image, digest)}
		q.evidence[digest] = found
	}
	return found, nil
}

// TrustsAt returns the rules about signatures that a site is held to, those of Gates
// first. It leaves out a rule that can't be read: Decide holds the site for it.
func (q *Inquiry) TrustsAt(site pinsetter.Site) []*fleet.Trust {
	var trusts []*fleet.Trust
	for _, trust := range q.selection.facts.trusts {
		trusts = append(trusts, trust)
	}
	slices.SortFunc(trusts, func(a, b *fleet.Trust) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID(), b.ID())) })
	q.enclose(&site)
	if e := site.Enclosing; e != nil && q.enclosing[e.Trust] != nil {
		trusts = append(trusts, q.enclosing[e.Trust])
	}
	return trusts
}

// Recheck asks the registry whether a digest is signed as a rule demands, unless this
// cycle has, and records the answer in the ledger. It returns false if there is none.
func (q *Inquiry) Recheck(ctx context.Context, signed gate.Signed) (store.Proof, bool) {
	f := q.selection.facts
	found, known := f.learnt.verdict(signed)
	if !known || !found.asked {
		found = verdict{q.verify(ctx, signed), true}
	}
	if found.Verdict == pinsetter.SignatureUnknown {
		return store.Proof{}, false
	}
	f.keepProof(ctx, signed, found.Signature)
	return store.Proof{Signature: found.Signature, At: f.now}, true
}

// provenBefore returns what the ledger remembers, and still counts.
func (f *facts) provenBefore(ctx context.Context, signed gate.Signed, trust *fleet.Trust) (pinsetter.Signature, bool) {
	if f.failing.Now() {
		return pinsetter.Signature{}, false
	}
	key := store.ProofKey(signed)
	proofs, err := f.ledger.Proofs().Of(ctx, []store.ProofKey{key})
	if err != nil {
		f.failing.Failed(err)
		return pinsetter.Signature{}, false
	}
	found, known := proofs[key]
	return found.Signature, known && found.Verdict == pinsetter.SignatureVerified && !f.outlived(trust, found.At)
}

// publicFor is how long a verdict by the root of Sigstore's public good instance is
// remembered. Others have their root in what identifies the rule; this one is changed
// by Sigstore, a few times a year.
const publicFor = 7 * 24 * time.Hour

// Outlived reports whether a verdict of that time by a rule has to be made anew, since
// the root that it was made by may be another now.
func (q *Inquiry) Outlived(trust *fleet.Trust, at time.Time) bool {
	return q.selection.facts.outlived(trust, at)
}

// outlived reports whether the root that a verdict was made by may be another now.
func (f *facts) outlived(trust *fleet.Trust, at time.Time) bool {
	if trust.Keyless == nil || trust.Keyless.Root != nil {
		return false
	}
	age := f.now.Sub(at)
	rotated := f.roots.Rotated()
	return age < 0 || age >= publicFor || !rotated.IsZero() && !at.After(rotated)
}

func (f *facts) keepProof(ctx context.Context, signed gate.Signed, found pinsetter.Signature) {
	if f.failing.Now() {
		return
	}
	if err := f.ledger.Proofs().Put(ctx, f.now, signed.Digest, signed.Trust, found); err != nil {
		f.failing.Failed(err)
	}
}

// verdict is what a rule makes of a digest.
type verdict struct {
	pinsetter.Signature
	asked bool // the registry, in this cycle
}

// verdict returns what was learnt about a digest.
func (l *learnt) verdict(signed gate.Signed) (verdict, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, known := l.signatures[signed]
	return found, known
}

func (l *learnt) learnSignature(signed gate.Signed, found verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signatures[signed] = found
}
