package config

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
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

// guardOf says which guard something with this apiVersion and kind may be that is
// not read as one. Of our own group, or nearly, it may be whatever its kind is
// nearly; elsewhere it is one only where no other project has such a kind.
func guardOf(apiVersion, kind string) fleet.Guard {
	group, _, grouped := strings.Cut(apiVersion, "/")
	kind = strings.TrimSuffix(kind, kindList)
	if nearOwnGroup(group) {
		meant := strict.Suggest(kind, ownKinds)
		if meant == kindChart {
			return 0 // it holds nothing back
		}
		return cmp.Or(guardNamed(meant), anyGuard)
	}
	if !grouped || group == "" || strings.Contains(group, "${") || strings.HasSuffix(group, fluxDomain) {
		return guardNamed(kind)
	}
	return 0
}

// guardBelow is guardOf for what stands in lists, or in the items of something, at
// any depth. The nodes that it visits are taken off those that are left.
func guardBelow(n *strict.Node, left *int) fleet.Guard {
	n = strict.Target(n)
	if *left--; n == nil || *left < 0 {
		return 0
	}
	var guard fleet.Guard
	switch n.Kind {
	case strict.Sequence:
		for _, element := range n.Content {
			guard |= guardBelow(element, left)
		}
	case strict.Mapping:
		guard = guardOf(strict.Text(strict.Target(strict.Direct(n, "apiVersion"))), strict.Text(strict.Target(strict.Direct(n, "kind"))))
		guard |= guardBelow(strict.Direct(n, "items"), left)
	}
	return guard
}

// fluxDomain ends the groups of Flux, none of which has our kinds.
const fluxDomain = ".fluxcd.io"

// nearOwnGroup reports whether a group was probably meant to be ours.
func nearOwnGroup(group string) bool {
	group = strings.ToLower(group)
	name, _, _ := strings.Cut(ownGroup, ".")
	return strings.Contains(group, name) || strict.Distance(group, ownGroup) <= 3
}

// guardNamed returns the guard of a kind, 0 for other kinds. Case doesn't count.
func guardNamed(kind string) fleet.Guard {
	switch {
	case strings.EqualFold(kind, kindGate):
		return fleet.GuardGate
	case strings.EqualFold(kind, kindProposal):
		return fleet.GuardPullRequest
	}
	return 0
}

// lose remembers that an object which may be a guard can't be read. Its node
// must have been measured, or be nil.
func (l *loader) lose(o *object, apiVersion string) {
	lost := lostObject{place: o.place(), guard: guardOf(apiVersion, o.kind)}
	if lost.guard == 0 {
		return
	}
	if o.kind != "" && !strings.HasSuffix(o.kind, kindList) && validName(o.name.Namespace) {
		lost.namespace = o.name.Namespace
	}
	if o.node != nil {
		lost.about = strict.Text(strict.Child(strict.Child(strict.Child(o.node, "spec"), "automationRef"), "name"))
	}
	l.lost = append(l.lost, lost)
}

// What bytes that can't be parsed may say of the objects in them.
var (
	kindValue    = pinsetter.Pattern(`(?i)\bkind["']?\s*[:=]?\s*["']?([a-z]+)`)
	versionValue = pinsetter.Pattern(`(?i)\bapiVersion["']?\s*[:=]?\s*["']?([^\s"',{}\[\]]+)`)

	// guardWords are the kinds of guards: bytes without them and our group hold none.
	guardWords = [][]byte{[]byte(kindGate), []byte(kindProposal)}

	// commentLine is a line that is no more than a comment.
	commentLine = pinsetter.Pattern(`(?m)^[ \t]*#[^\r\n]*`)

	// ownAnnotation is what other objects have of our group.
	ownAnnotation = pinsetter.Pattern(regexp.QuoteMeta(ownGroup) + `/(trailers|schedule|unused)\b`)
)

// maxSearched bounds the bytes that are searched for what they say: more may be
// every guard if they name our group.
const maxSearched = 1 << 20

// guardIn is guardOf for bytes that are not read.
func guardIn(data []byte) fleet.Guard {
	named := bytes.Contains(data, []byte(ownGroup))
	switch {
	case len(data) > maxSearched && named:
		return anyGuard
	case len(data) > maxSearched, !named && !containsAny(data, guardWords):
		return 0
	}
	data = commentLine().ReplaceAll(data, nil)
	if ownAnnotation().Match(data) {
		data = ownAnnotation().ReplaceAll(data, nil)
	}
	near, foreign := false, false
	for _, match := range versionValue().FindAllSubmatch(data, -1) {
		group, _, grouped := strings.Cut(string(match[1]), "/")
		near = near || nearOwnGroup(group)
		foreign = foreign || grouped && !nearOwnGroup(group) && !strings.HasSuffix(group, fluxDomain)
	}
	// What says of another project that it is its may name our group too: a role.
	ours := near || !foreign && bytes.Contains(data, []byte(ownGroup))
	var guard fleet.Guard
	for _, match := range kindValue().FindAllSubmatch(data, -1) {
		kind := strings.TrimSuffix(string(match[1]), kindList)
		if ours {
			kind = strict.Suggest(kind, ownKinds)
		}
		if ours || !foreign {
			guard |= guardNamed(kind)
		}
	}
	if ours && guard == 0 {
		return anyGuard
	}
	return guard
}

// loseBytes is lose for bytes that are not read.
func (l *loader) loseBytes(path string, line int, data []byte) {
	if guard := guardIn(data); guard != 0 {
		l.lost = append(l.lost, lostObject{place: fmt.Sprintf("%s:%d", path, max(line, 1)), guard: guard})
	}
}

// gaps returns what may be missing from a set, once its objects are resolved and
// sorted.
func (l *loader) gaps(s *fleet.Set) fleet.Missing {
	r := reach{s.Policies, s.Automations}
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

func (l lostObject) gap(r reach) fleet.Gap {
	g := fleet.Gap{Place: l.place, Guard: l.guard, WayOut: cmp.Or(l.until, untilMended), Hides: true}
	if l.namespace == "" && l.about == "" {
		g.Scope.Everything = true
		return g
	}
	g.Scope = r.inNamespace(l.guard, l.namespace)
	if l.guard&fleet.GuardPullRequest != 0 && l.about != "" {
		g.Scope.Automations = r.ofAutomation(pinsetter.Name{Namespace: l.namespace, Name: l.about}).Automations
	}
	return g
}
