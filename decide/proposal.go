package decide

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/setters"
)

// proposed returns what a proposal shows at the site, so that a site about which
// nothing can be decided now stays proposed. The image has no tag where there is
// no proposal, it shows nothing else than the base, or it doesn't fit the site any
// more. The policy is the site's, nil where that isn't known.
func (v View) proposed(p *Policy) pinsetter.Image {
	if v.Proposal == nil || len(v.Proposal.Written) != 1 || len(v.Site.Written) == 1 && v.Proposal.Written[0] == v.Site.Written[0] {
		return pinsetter.Image{}
	}
	image := v.Proposal.Written[0]
	name := image.Name
	if p != nil && p.Object.Repository != nil {
		name = p.Object.Repository.Image // a tag alone has none
	}
	if setters.Unfit(v.Site, name) != nil {
		return pinsetter.Image{}
	}
	return image
}

// keptDigest returns the digest that the proposal shows beside tag, or "".
func (v View) keptDigest(tag string) string {
	if v.Proposal == nil {
		return ""
	}
	return gate.KeptDigest(*v.Proposal, tag)
}

// fate says what becomes of a proposed image. It waits where nothing can be decided
// now, for the reason that undecided is, and where nothing at all may be written.
// One that the base has gone past, or taken back, is gone.
func (p *Policy) fate(v View, proposed pinsetter.Image, undecided error, known Known) (Fate, []Question) {
	if v.Shown == nil {
		return Gone, []Question{{Kind: KindShown}}
	}
	if p.Rules != nil && p.Object.Repository != nil {
		if p.isBelow(v.Site, proposed.Tag) || gate.Reverted(v.Site, *v.Shown, proposed, p) != "" {
			return Gone, nil
		}
	}
	if undecided != nil || p.Walk.Closed() {
		return Waits, nil
	}
	c := pinsetter.Candidate{Tag: proposed.Tag, Value: proposed.Tag}
	hold, lacks := p.Walk.Confirm(v.Site, *v.Shown, proposed, c, known.Known)
	switch {
	case len(lacks) > 0:
		return Gone, lacks
	case hold != nil && hold.Failed:
		return Waits, nil
	case hold != nil:
		return Refused, nil
	}
	return Stands, nil
}
