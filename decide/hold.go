package decide

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/setters"
)

// ShownAt reports whether a site shows an image already, its name aside where a
// marker of its own has it.
func ShownAt(site pinsetter.Site, image pinsetter.Image) bool {
	shows, agreed := gate.Shows(site)
	return agreed && gate.Standing(site, shows) == gate.Standing(site, image)
}

// CandidateAt describes an image that a site doesn't take, as a hold has it: its
// tag, with the digest where the site shows that tag already.
func CandidateAt(site pinsetter.Site, image pinsetter.Image) string {
	if shows, _ := gate.Shows(site); shows.Tag != image.Tag {
		return image.Tag
	}
	image.Name = ""
	return strings.TrimPrefix(image.String(), ":")
}

// HoldAt returns a hold of a site that is left with what it shows.
func HoldAt(site pinsetter.Site, candidate string, rule pinsetter.Rule, reason string) *pinsetter.Hold {
	return &pinsetter.Hold{
		Policy: site.Policy.String(), Path: site.Path, Line: site.Line(),
		Current: site.Current(), Candidate: candidate, Rule: rule, Reason: reason,
	}
}

// failure returns the error of a hold that is a failure, nil for any other and for
// none.
func (p *Policy) failure(hold *pinsetter.Hold) error {
	if hold == nil || !hold.Failed {
		return nil
	}
	return fmt.Errorf("ImagePolicy %s: %s", p.Object.Name, hold.Reason)
}

// leave has a hold, which may be nil, say what its site shows once it has taken an
// image that is not the candidate: the best that it may take.
func leave(hold *pinsetter.Hold, site pinsetter.Site, image pinsetter.Image) {
	taken := pinsetter.Site{Written: []pinsetter.Image{gate.Standing(site, image)}}.Current()
	if hold != nil && hold.Candidate != CandidateAt(site, image) {
		hold.Current = taken
	}
}

// misfit holds a site of which a value isn't what its marker names, whatever the
// candidate. It is nil where every value is.
func (p *Policy) misfit(site pinsetter.Site) *pinsetter.Hold {
	m := setters.Unfit(site, p.Object.Repository.Image)
	if m == nil && p.Object.Repository.Index != nil {
		m = setters.UnfitForChart(site)
	}
	if m == nil {
		return nil
	}
	best, _ := p.Ranking.Best()
	hold := HoldAt(site, best.Tag, pinsetter.RuleShape, m.Reason)
	hold.Current = m.Value
	if m.Line != site.Line() {
		hold.Reason = fmt.Sprintf("line %d: %s", m.Line, m.Reason)
	}
	return hold
}
