package config

import (
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
)

// Ways out, behind the word "until".
const (
	untilMended   = "it is mended"
	untilErrors   = "they are mended"
	untilAttached = "it is mended or deleted, or has the annotation " + unusedAnnotation + ": " + unusedAllowed
)

// unusedAnnotation on a guard says that it may attach to nothing.
const (
	unusedAnnotation = claim.OwnGroup + "/unused"
	unusedAllowed    = "allowed"
)

// mayBeUnused reports whether somebody says that a guard may attach to nothing.
func (o *object) mayBeUnused() bool {
	value, given := o.annotations[unusedAnnotation]
	if given && value != unusedAllowed {
		o.fail(codeBadValue, "metadata.annotations."+unusedAnnotation, "%q is not %s", value, unusedAllowed)
	}
	return value == unusedAllowed
}

// reach is what guards may mean, as the objects that were loaded tell.
type reach struct {
	policies    []*fleet.Policy
	automations []*fleet.Automation
}

// inNamespace returns what a guard in a namespace may mean that names nothing
// which can be relied on: what is in the namespace; where nothing is, all.
func (r reach) inNamespace(guard fleet.Guard, namespace string) fleet.Scope {
	var s fleet.Scope
	if guard&fleet.GuardGate != 0 {
		s.Policies = orAll(r.policies, func(p *fleet.Policy) bool { return p.Name.Namespace == namespace })
	}
	if guard&fleet.GuardPullRequest != 0 {
		s.Automations = orAll(r.automations, func(a *fleet.Automation) bool { return a.Name.Namespace == namespace })
	}
	s.Automations = keepIf(s.Automations, lacksPullRequest)
	return s
}

// ofAutomation returns what a PullRequest in a namespace may mean that names an
// automation which isn't there: those of that name in any namespace, and those
// of its own namespace. Where neither is, all.
func (r reach) ofAutomation(name pinsetter.Name) fleet.Scope {
	named := orAll(r.automations, func(a *fleet.Automation) bool {
		return a.Name.Name == name.Name || a.Name.Namespace == name.Namespace
	})
	return fleet.Scope{Automations: keepIf(named, lacksPullRequest)}
}

// lacksPullRequest reports whether a would push without one. An automation has at
// most one, so what has one isn't what another one means.
func lacksPullRequest(a *fleet.Automation) bool { return a.PullRequest == nil }

// ofGate returns what a gate may mean: the policies that it selects. Where it
// selects none, it is not attached: then those of its namespace are meant and
// those that its selector would match in another one; where none are, all.
func (r reach) ofGate(g *fleet.Gate) (s fleet.Scope, attached bool) {
	s.Policies = keepIf(r.policies, g.Selects)
	if len(s.Policies) > 0 {
		return s, true
	}
	s.Policies = orAll(r.policies, func(p *fleet.Policy) bool { return p.Name.Namespace == g.Name.Namespace || g.Matches(p) })
	return s, false
}

// with adds an automation to a scope.
func with(s fleet.Scope, a *fleet.Automation) fleet.Scope {
	i, found := slices.BinarySearchFunc(s.Automations, a, func(x, y *fleet.Automation) int { return x.Name.Compare(y.Name) })
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
