package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// lostObject is where something stands that may be a guard and can't be read as
// one. What it may forbid isn't done.
type lostObject struct {
	place     string      // "path:line", or a source
	guard     fleet.Guard // what it may be
	namespace string      // "" where that isn't known
	about     string      // the automation that it names; "" where it names none
	until     string      // the way out; "" is untilMended
}

// lose remembers that an object which may be a guard can't be read. Its node
// must have been measured, or be nil.
func (l *loader) lose(o *object, apiVersion string) {
	if guard := claim.GuardOf(apiVersion, o.kind); guard != 0 {
		l.loseAs(o, guard)
	}
}

// loseAs is lose for an object that may be such a guard.
func (l *loader) loseAs(o *object, guard fleet.Guard) {
	lost := lostObject{place: o.place(), guard: guard}
	if o.kind != "" && !strings.HasSuffix(o.kind, kindList) && validName(o.name.Namespace) {
		lost.namespace = o.name.Namespace
	}
	if o.node != nil {
		lost.about = strict.Text(strict.Child(strict.Child(strict.Child(o.node, "spec"), "automationRef"), "name"))
	}
	l.lost = append(l.lost, lost)
}

// loseBytes is lose for bytes that are not read.
func (l *loader) loseBytes(path string, line int, data []byte) {
	if guard := claim.GuardIn(data); guard != 0 {
		l.lost = append(l.lost, lostObject{place: fmt.Sprintf("%s:%d", path, max(line, 1)), guard: guard})
	}
}

// gaps returns what may be missing from a set, once its objects are resolved and
// sorted.
func (l *loader) gaps(s *fleet.Set) fleet.Missing {
	r := fleet.Reach{Policies: s.Policies, Automations: s.Automations}
	var gaps fleet.Missing
	for _, lost := range l.lost {
		gaps = append(gaps, lost.gap(r))
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
	for _, f := range l.findings {
		if f.Severity == pinsetter.Error {
			gaps = append(gaps, fleet.Gap{Place: fmt.Sprintf("%s:%d", f.Path, max(f.Line, 1)), WayOut: untilMended, Hides: true})
		}
	}
	slices.SortStableFunc(gaps, func(a, b fleet.Gap) int { return cmp.Compare(a.Place, b.Place) })
	return gaps
}

func (l lostObject) gap(r fleet.Reach) fleet.Gap {
	g := fleet.Gap{Place: l.place, Guard: l.guard, WayOut: cmp.Or(l.until, untilMended), Hides: true}
	if l.namespace == "" && l.about == "" {
		g.Scope.Everything = true
		return g
	}
	g.Scope = r.InNamespace(l.guard, l.namespace)
	if l.guard&fleet.GuardPullRequest != 0 && l.about != "" {
		g.Scope.Automations = r.OfAutomation(pinsetter.Name{Namespace: l.namespace, Name: l.about}).Automations
	}
	return g
}
