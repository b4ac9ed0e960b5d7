package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
)

// gaps returns what may be missing from a set, once its objects are resolved and
// sorted.
func (l *loader) gaps(s *fleet.Set) fleet.Missing {
	r := fleet.Reach{Policies: s.Policies, Automations: s.Automations}
	var gaps fleet.Missing
	for _, lost := range l.Lost {
		gaps = append(gaps, lost.Gap(r))
	}
	for _, g := range l.gates {
		if gap := g.gap(r); gap != nil {
			gaps = append(gaps, *gap)
		}
	}
	for _, p := range l.pullRequests {
		if gap := p.gap(r); gap != nil {
			gaps = append(gaps, *gap)
		}
	}
	for _, f := range l.Findings {
		if f.Severity == pinsetter.Error {
			gaps = append(gaps, fleet.Gap{Place: fmt.Sprintf("%s:%d", f.Path, max(f.Line, 1)), WayOut: index.UntilMended, Hides: true})
		}
	}
	slices.SortStableFunc(gaps, func(a, b fleet.Gap) int { return cmp.Compare(a.Place, b.Place) })
	return gaps
}
