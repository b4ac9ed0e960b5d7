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
	"github.com/pinsetter/pinsetter/selector"
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
	inquiry *selector.Inquiry
	trust   *fleet.Trust
	sites   []pinsetter.Unverified // without a reason
	known   store.Proof
}

// recheck finds the sites of a plan whose written digests a rule about signatures
// refuses. Sites that change or show no digest are left out. Without a ledger it does
// nothing. Recorded verdicts are asked for again after verifiedFor, a few in a run, the
// oldest first.
func (c *cycle) recheck(ctx context.Context, p *plan.Plan, places []*place) {
	if !c.o.Ledger.Remembers() || c.selector.Failing.Now() {
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
	selector.Each(due[:min(len(due), recheckAtOnce)], func(s *standing) any {
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
	inquiries := map[*selector.Selection]*selector.Inquiry{}
	for _, at := range places {
		sel := at.selection
		if sel == nil || sel.Err != nil || at.decision.Takes.Tag != "" && !decide.ShownAt(at.view.Site, at.decision.Takes) {
			continue
		}
		site := at.view.Site
		image, agreed := gate.Shows(site)
		if !agreed || !pinsetter.ValidDigest(image.Digest) || image.Name != "" && image.Name != sel.Object.Repository.Image {
			continue
		}
		image.Name = sel.Object.Repository.Image
		if inquiries[sel] == nil {
			inquiries[sel] = sel.Inquire()
		}
		q := inquiries[sel]
		for _, trust := range q.TrustsAt(site) {
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

// recallProofs asks the ledger what is known, and reports whether it answered.
func (c *cycle) recallProofs(ctx context.Context, all []*standing) bool {
	keys := make([]store.ProofKey, len(all))
	for i, s := range all {
		keys[i] = store.ProofKey(s.Signed)
	}
	found, err := c.o.Ledger.Proofs().Of(ctx, keys)
	if err != nil {
		c.selector.Failing.Failed(err)
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
	if s.inquiry.Outlived(s.trust, s.known.At) {
		return false
	}
	switch s.known.Verdict {
	case pinsetter.SignatureVerified:
		return age >= 0 && age < verifiedFor
	case pinsetter.SignatureRefused:
		return age >= 0 && age < refusedFor
	}
	return false
}

// ask asks the registry, unless this cycle has. No answer changes nothing.
func (s *standing) ask(ctx context.Context) {
	if found, answered := s.inquiry.Recheck(ctx, s.Signed); answered {
		s.known = found
	}
}
