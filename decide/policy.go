package decide

import (
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/policy"
)

// Policy is what a policy selects now. It is the gate.Order of its tags. It is safe
// for concurrent use.
type Policy struct {
	Object    *fleet.Policy
	Rules     *policy.Policy  // nil where it can't be used
	Ranking   *policy.Ranking // of the tags that are listed
	Walk      *gate.Walk      // through the ranking
	Disbelief *gate.Refusal   // why the list of tags isn't believed, or nil

	// Err is why nothing can be decided: Ranking and Walk may be nil then.
	Err error
}

// Accepts implements gate.Order.
func (p *Policy) Accepts(tag string) bool {
	for _, excluded := range p.Object.Repository.Exclude {
		if excluded.MatchString(tag) {
			return false
		}
	}
	return p.Rules.Judge(tag).Verdict != pinsetter.Rejected
}

// Above implements gate.Order.
func (p *Policy) Above(a, b string) bool { return p.Rules.Above(a, b) }

// Ranked implements gate.Order.
func (p *Policy) Ranked() bool { return p.Object.Spec.Policy.Alphabetical == nil }

// Settled reports whether a site shows the best candidate, so that at most its
// digest is to be decided.
func (p *Policy) Settled(site pinsetter.Site) bool {
	best, _ := p.Ranking.Best()
	for _, written := range site.Written {
		if written.Tag != best.Tag {
			return false
		}
	}
	return len(site.Written) > 0
}

// isBelow reports whether a site shows an accepted tag that ranks above tag.
func (p *Policy) isBelow(site pinsetter.Site, tag string) bool {
	return slices.ContainsFunc(site.Written, func(written pinsetter.Image) bool {
		return written.Tag != tag && p.Accepts(written.Tag) && p.Above(written.Tag, tag)
	})
}
