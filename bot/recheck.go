package bot

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/store"
)

// When it is asked whether a written digest still verifies, and how often in a run.
// One that was refused is asked about more often, since somebody works at that.
const (
	verifiedFor   = 24 * time.Hour
	refusedFor    = time.Hour
	recheckAtOnce = 20
)

// standing is a digest that sites show, and a rule that they are held to.
type standing struct {
	gate.Signed
	inquiry *inquiry
	trust   *fleet.Trust
	sites   []pinsetter.Unverified // without a reason
	known   store.Proof
}

// recheck finds the sites of a plan whose written digests a rule about signatures
// refuses. Sites that change or show no digest are left out, and without a state
// nobody knows what was asked. What is remembered is asked for again after
// verifiedFor, a few in a run, the longest known first.
func (c *cycle) recheck(ctx context.Context, p *plan.Plan, places []*place) {
	if !c.o.Ledger.Remembers() || c.selector.failing.was.Load() {
		return
	}
	all := standings(places)
	if len(all) == 0 || !c.recallProofs(ctx, all) {
		return
	}
	var due []*standing
	for _, s := range all {
		if !s.isKnown(c.now) {
			due = append(due, s)
		}
	}
	slices.SortStableFunc(due, func(a, b *standing) int { return a.known.At.Compare(b.known.At) })
	p.Unsettled = len(due) > recheckAtOnce
	each(due[:min(len(due), recheckAtOnce)], func(s *standing) any {
		s.ask(ctx)
		return nil
	})
	for _, s := range all {
		if s.known.Verdict != pinsetter.SignatureRefused {
			continue
		}
		for _, site := range s.sites {
			site.Rule, site.Reason = s.trust.From, s.known.Reason
			p.Result.Unverified = append(p.Result.Unverified, site)
		}
	}
	slices.SortStableFunc(p.Result.Unverified, func(a, b pinsetter.Unverified) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
}

// standings returns what is held to rules at the sites of places, each digest and rule
// of a policy once, in the order of the sites.
func standings(places []*place) []*standing {
	var all []*standing
	inquiries := map[*selection]*inquiry{}
	for _, at := range places {
		sel := at.selection
		if sel == nil || sel.Err != nil || sel.facts == nil || at.decision.Takes.Tag != "" && !decide.ShownAt(at.view.Site, at.decision.Takes) {
			continue
		}
		site := at.view.Site
		image, agreed := gate.Shows(site)
		if !agreed || !pinsetter.ValidDigest(image.Digest) || image.Name != "" && image.Name != sel.Object.Repository.Image {
			continue
		}
		image.Name = sel.Object.Repository.Image
		if inquiries[sel] == nil {
			inquiries[sel] = sel.inquire()
		}
		q := inquiries[sel]
		for _, trust := range q.trustsAt(site) {
			key := gate.Signed{Digest: image.Digest, Trust: trust.ID()}
			i := slices.IndexFunc(all, func(s *standing) bool { return s.inquiry == q && s.Signed == key })
			if i < 0 {
				all, i = append(all, &standing{Signed: key, inquiry: q, trust: trust}), len(all)
			}
			all[i].sites = append(all[i].sites, pinsetter.Unverified{
				Policy: site.Policy.String(), Path: site.Path, Line: site.Line(), Ref: image.String(),
			})
		}
	}
	return all
}

// trustsAt returns the rules that a site is held to, those of Gates first. A rule that
// can't be read is said where something is to be written.
func (q *inquiry) trustsAt(site pinsetter.Site) []*fleet.Trust {
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

// recallProofs asks the ledger what is known, and reports whether it answered.
func (c *cycle) recallProofs(ctx context.Context, all []*standing) bool {
	keys := make([]store.ProofKey, len(all))
	for i, s := range all {
		keys[i] = store.ProofKey(s.Signed)
	}
	found, err := c.o.Ledger.Proofs(ctx, keys)
	if err != nil {
		c.selector.failing.failed(err)
		return false
	}
	for i, s := range all {
		s.known = found[keys[i]]
	}
	return true
}

// isKnown reports whether what is remembered needn't be asked for again.
func (s *standing) isKnown(now time.Time) bool {
	age := now.Sub(s.known.At)
	switch s.known.Verdict {
	case pinsetter.SignatureVerified:
		return age >= 0 && age < verifiedFor
	case pinsetter.SignatureRefused:
		return age >= 0 && age < refusedFor
	}
	return false
}

// ask asks the registry, unless this cycle has, and remembers the answer. No answer
// changes nothing.
func (s *standing) ask(ctx context.Context) {
	f := s.inquiry.selection.facts
	found, known := f.learnt.verdict(s.Signed)
	if !known || !found.asked {
		found = verdict{s.inquiry.verify(ctx, s.Signed), true}
	}
	if found.Verdict == pinsetter.SignatureUnknown {
		return
	}
	s.known = store.Proof{Signature: found.Signature, At: f.now}
	f.keepProof(ctx, s.Signed, found.Signature)
}
