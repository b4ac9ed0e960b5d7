// Package decide says what each site takes: a new image, the one that is proposed
// there already, or nothing. It is the third step of a run, and the same for every
// command.
//
// It is pure. [Decide] gets a policy that is ready to rank, views of the policy's
// sites, and what is known of the image's tags; where a fact is missing it returns
// questions. It asks nobody, writes nothing and knows no Git: who calls it answers
// the questions and calls again.
package decide

import (
	"cmp"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
)

// View is a site as the base shows it, with what else is known of it.
type View struct {
	Site pinsetter.Site

	// Shown is the last reference of ours that the base showed at the site, from the
	// ledger or, without one, from trailers; the zero Image where there is none.
	// Nil: it wasn't looked up.
	Shown *pinsetter.Image

	// Proposal is the site as a proposal of ours shows it; nil: none does.
	Proposal *pinsetter.Site

	// Reviewed says that people decide about the proposal: it stays as it is while a
	// gate refuses it.
	Reviewed bool
}

// Decision is what becomes of a site.
type Decision struct {
	Takes pinsetter.Image // without a tag where the site stays as it is
	Fate  Fate            // of what is proposed, where the site takes that
	Hold  *pinsetter.Hold // why a better candidate isn't taken; nil where there is none
	Moved string          // that the tag it takes was moved, for people; "" where it wasn't
	Err   error           // why nothing could be decided now: the registry can't be asked
}

// Fate is what becomes of a proposed image about whose site nothing new is decided.
type Fate int

// The fates.
const (
	Gone    Fate = iota // it isn't proposed any more
	Stands              // it is proposed still, and may be written
	Waits               // it is proposed still; nothing can be decided, or nothing may be written now
	Refused             // a gate refuses it now
)

// Known is what is known of one image's tags now. The zero Known knows nothing.
type Known struct {
	gate.Known
	Pins map[string]gate.Answer[string] // by tag: the digest to write beside it
}

// Question asks for one fact. Equal questions have one answer.
type Question = gate.Question

// The kinds of questions, beside those of package gate.
const (
	KindShown gate.Kind = "shown" // View.Shown of all sites where it wasn't looked up
	KindPin   gate.Kind = "pin"   // Known.Pins of Tag: the registry must be asked
)

// maxQuestions bounds the questions that are returned at once, and the sites that
// are looked at to find them.
const maxQuestions = 16

// Decide returns what sites of one policy take, in their order. A decision is nil
// where a fact is missing: then there are questions, in the order of sites and
// rank, at most 16. Call it again for those sites once they are answered.
//
// A decision depends on its own view alone. Only where the bounds on what a policy
// asks of a registry are reached do the answers that earlier sites needed count.
func Decide(p *Policy, views []View, known Known) ([]*Decision, []Question) {
	decisions := make([]*Decision, len(views))
	var asked []Question
	open := 0
	for i, v := range views {
		d, lacks := p.decide(v, known)
		if len(lacks) == 0 {
			decisions[i] = &d
			continue
		}
		asked = merge(asked, lacks)
		if open++; open == maxQuestions || len(asked) == maxQuestions {
			break
		}
	}
	return decisions, asked
}

// merge adds questions of a site to others, each once. Gates ask the registry for
// one site at a time, so that no more is asked than their bounds allow.
func merge(asked, more []Question) []Question {
	ofGates := func(q Question) bool {
		return q.Kind == gate.KindDigest || q.Kind == gate.KindContent || q.Kind == gate.KindStays || q.Kind == gate.KindSignature
	}
	asking := slices.ContainsFunc(asked, ofGates)
	for _, q := range more {
		full := len(asked) == maxQuestions || asking && ofGates(q)
		if !full && !slices.Contains(asked, q) {
			asked = append(asked, q)
		}
	}
	return asked
}

// Hidden decides a site whose policy may be among what could not be loaded: what
// people are to decide about waits.
func Hidden(v View) Decision {
	if proposed := v.proposed(nil); v.Reviewed && proposed.Tag != "" {
		return Decision{Takes: proposed, Fate: Waits}
	}
	return Decision{}
}

// decide decides one site: by the policy, and where nothing new is taken by what is
// proposed already.
func (p *Policy) decide(v View, known Known) (Decision, []Question) {
	d, lacks := p.choose(v, known)
	if len(lacks) > 0 {
		return Decision{}, lacks
	}
	stays := d.Takes.Tag == "" || ShownAt(v.Site, d.Takes)
	proposed := v.proposed(p)
	if proposed.Tag == "" || d.Hold == nil && d.Takes.Tag != "" && (p.Disbelief == nil || !stays) {
		return d, nil
	}
	if d.Hold == nil && p.Disbelief != nil {
		d.Hold = HoldAt(v.Site, CandidateAt(v.Site, proposed), p.Disbelief.Rule, p.Disbelief.Reason)
	}
	fate, lacks := p.fate(v, proposed, cmp.Or(p.Err, d.Err), known)
	if len(lacks) > 0 {
		return Decision{}, lacks
	}
	switch {
	case fate == Stands:
		leave(d.Hold, v.Site, proposed)
	case fate == Waits, fate == Refused && v.Reviewed && stays:
	default:
		return d, nil
	}
	d.Takes, d.Fate = proposed, fate
	return d, nil
}

// choose decides one site by the policy alone.
func (p *Policy) choose(v View, known Known) (Decision, []Question) {
	if p.Err != nil {
		return Decision{}, nil // said once, for all sites
	}
	if hold := p.misfit(v.Site); hold != nil {
		return Decision{Hold: hold}, nil
	}
	var shown pinsetter.Image
	if !p.Settled(v.Site) {
		if v.Shown == nil {
			return Decision{}, []Question{{Kind: KindShown}}
		}
		shown = *v.Shown
	}
	choice, lacks := p.Walk.Choose(v.Site, shown, known.Known)
	if len(lacks) > 0 || choice.Candidate.Tag == "" {
		return Decision{Hold: choice.Hold, Err: p.failure(choice.Hold)}, lacks
	}
	image := pinsetter.Image{Name: p.Object.Repository.Image, Tag: choice.Candidate.Tag}
	pinned, lacks := p.pin(v, choice.Candidate, known)
	d := Decision{Hold: cmp.Or(choice.Hold, pinned.hold), Moved: pinned.moved, Err: pinned.err}
	if len(lacks) > 0 || pinned.err != nil {
		return d, lacks
	}
	image.Digest = pinned.digest
	if r := pinned.refusal; r != nil {
		d.Hold = cmp.Or(d.Hold, HoldAt(v.Site, CandidateAt(v.Site, image), r.Rule, r.Reason))
		return d, nil
	}
	if ShownAt(v.Site, image) && !v.Site.Has(pinsetter.PartName) {
		d.Takes = image
		return d, nil
	}
	return p.confirm(v, image, choice.Candidate, d, known)
}

// confirm completes the decision for a site that is to take an image.
func (p *Policy) confirm(v View, image pinsetter.Image, c pinsetter.Candidate, d Decision, known Known) (Decision, []Question) {
	if v.Shown == nil {
		return Decision{}, []Question{{Kind: KindShown}}
	}
	hold, lacks := p.Walk.Confirm(v.Site, *v.Shown, image, c, known.Known)
	switch {
	case len(lacks) > 0:
		return Decision{}, lacks
	case hold != nil:
		hold.Candidate = CandidateAt(v.Site, image)
		d.Err = p.failure(hold)
		d.Hold = cmp.Or(d.Hold, hold) // the best candidate is named
		return d, nil
	}
	leave(d.Hold, v.Site, image)
	d.Takes = image
	return d, nil
}
