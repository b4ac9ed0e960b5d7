package fleet

import (
	"slices"

	"github.com/pinsetter/pinsetter"
)

// Reach is the objects that guards may mean.
type Reach struct {
	Policies    []*Policy
	Automations []*Automation
}

// InNamespace returns what a guard in a namespace may mean that names nothing
// which can be relied on: what is in the namespace; where nothing is, all.
func (r Reach) InNamespace(guard Guard, namespace string) Scope {
	var s Scope
	if guard&GuardGate != 0 {
		s.Policies = orAll(r.Policies, func(p *Policy) bool { return p.Name.Namespace == namespace })
	}
	if guard&GuardPullRequest != 0 {
		s.Automations = orAll(r.Automations, func(a *Automation) bool { return a.Name.Namespace == namespace })
	}
	s.Automations = keepIf(s.Automations, lacksPullRequest)
	return s
}

// OfAutomation returns what a PullRequest in a namespace may mean that names an
// automation which isn't there: those of that name in any namespace, and those
// of its own namespace. Where neither is, all.
func (r Reach) OfAutomation(name pinsetter.Name) Scope {
	named := orAll(r.Automations, func(a *Automation) bool {
		return a.Name.Name == name.Name || a.Name.Namespace == name.Namespace
	})
	return Scope{Automations: keepIf(named, lacksPullRequest)}
}

// lacksPullRequest reports whether a would push without one. An automation has at
// most one, so what has one isn't what another one means.
func lacksPullRequest(a *Automation) bool { return a.PullRequest == nil }

// OfGate returns what a gate may mean: the policies that it selects. Where it
// selects none, it is not attached: then those of its namespace are meant and
// those that its selector would match in another one; where none are, all.
func (r Reach) OfGate(g *Gate) (s Scope, attached bool) {
	s.Policies = keepIf(r.Policies, g.Selects)
	if len(s.Policies) > 0 {
		return s, true
	}
	s.Policies = orAll(r.Policies, func(p *Policy) bool { return p.Name.Namespace == g.Name.Namespace || g.Matches(p) })
	return s, false
}

// With adds an automation to a scope.
func (s Scope) With(a *Automation) Scope {
	i, found := slices.BinarySearchFunc(s.Automations, a, func(x, y *Automation) int { return x.Name.Compare(y.Name) })
	if !found {
		s.Automations = slices.Insert(slices.Clone(s.Automations), i, a)
	}
	return s
}

// orAll returns the elements that pass, all where none does.
func orAll[T any](list []T, pass func(T) bool) []T {
	if kept := keepIf(list, pass); len(kept) > 0 {
		return kept
	}
	return list
}

func keepIf[T any](list []T, pass func(T) bool) []T {
	var kept []T
	for _, t := range list {
		if pass(t) {
			kept = append(kept, t)
		}
	}
	return kept
}
