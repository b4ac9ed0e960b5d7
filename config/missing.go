package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
)

// Missing is what may hold a write back and can't be relied on, sorted by place.
// Nothing is written before it was asked: what a guard may forbid that can't be
// read, wasn't understood or attaches to nothing is not done.
type Missing []Gap

// Gap is one such thing: a source, a file, a document or an object.
type Gap struct {
	Place  string // "path:line", or what was named on the command line
	Guard  Guard  // what it may be
	Scope  Scope  // what it may mean
	Why    string // what is wrong, for people; "" says that it can't be read
	WayOut string // what ends it, behind the word "until"

	// Hides says that it could not be read, so that any object may be in it.
	Hides bool
}

// Guard is a set of kinds of objects that can hold a write back.
type Guard uint8

// The guards.
const (
	GuardGate        Guard = 1 << iota // no candidate of a policy may pass
	GuardPullRequest                   // an automation's changes may have to be proposed

	anyGuard = GuardGate | GuardPullRequest
)

// Scope is what a gap may mean.
type Scope struct {
	Everything  bool          // also what isn't loaded
	Policies    []*Policy     // sorted by name
	Automations []*Automation // the same
}

// StopsPolicy returns why no candidate of p may be written: an error for each gap
// that may be a Gate for it, with its place and the way out. It is nil without one.
func (m Missing) StopsPolicy(p *Policy) error {
	var errs []error
	for _, g := range m {
		if g.Guard&GuardGate != 0 && (g.Scope.Everything || find(g.Scope.Policies, p.Name, policyName) != nil) {
			errs = append(errs, errors.New(g.says("a Gate that can't be read may select it", "written")))
		}
	}
	return errors.Join(errs...)
}

// StopsAutomation returns why a may push nothing: an error for each gap that may
// say that its changes are proposed, with its place and the way out. It is nil
// without one.
func (m Missing) StopsAutomation(a *Automation) error {
	var errs []error
	for _, g := range m {
		if g.Guard&GuardPullRequest != 0 && (g.Scope.Everything || find(g.Scope.Automations, a.Name, automationName) != nil) {
			errs = append(errs, fmt.Errorf("%s:%d: %s %s: %s", a.Origin.Path, a.Origin.Line, kindAutomation, a.Name,
				g.says("a PullRequest that can't be read may be about it", "pushed")))
		}
	}
	return errors.Join(errs...)
}

// MayHide reports whether objects may be missing that nobody knows the names of.
func (m Missing) MayHide() bool {
	return slices.ContainsFunc(m, func(g Gap) bool { return g.Hides })
}

func (g Gap) says(unread, done string) string {
	why := g.Why
	if why == "" {
		why = unread
	}
	return fmt.Sprintf("%s, and nothing is %s until %s: %s", why, done, g.WayOut, g.Place)
}

func policyName(p *Policy) pinsetter.Name         { return p.Name }
func automationName(a *Automation) pinsetter.Name { return a.Name }

// Ways out, behind the word "until".
const (
	untilMended   = "it is mended"
	untilErrors   = "they are mended"
	untilAttached = "it is mended or deleted, or has the annotation " + unusedAnnotation + ": " + unusedAllowed
)

// unusedAnnotation on a guard says that it may attach to nothing.
const (
	unusedAnnotation = ownGroup + "/unused"
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
	policies    []*Policy
	automations []*Automation
}

// inNamespace returns what a guard in a namespace may mean that names nothing
// which can be relied on: what is in the namespace; where nothing is, all.
func (r reach) inNamespace(guard Guard, namespace string) Scope {
	var s Scope
	if guard&GuardGate != 0 {
		s.Policies = orAll(r.policies, func(p *Policy) bool { return p.Name.Namespace == namespace })
	}
	if guard&GuardPullRequest != 0 {
		s.Automations = orAll(r.automations, func(a *Automation) bool { return a.Name.Namespace == namespace })
	}
	s.Automations = keepIf(s.Automations, lacksPullRequest)
	return s
}

// ofAutomation returns what a PullRequest in a namespace may mean that names an
// automation which isn't there: those of that name in any namespace, and those
// of its own namespace. Where neither is, all.
func (r reach) ofAutomation(name pinsetter.Name) Scope {
	named := orAll(r.automations, func(a *Automation) bool {
		return a.Name.Name == name.Name || a.Name.Namespace == name.Namespace
	})
	return Scope{Automations: keepIf(named, lacksPullRequest)}
}

// lacksPullRequest reports whether a would push without one. An automation has at
// most one, so what has one isn't what another one means.
func lacksPullRequest(a *Automation) bool { return a.PullRequest == nil }

// ofGate returns what a gate may mean: the policies that it selects. Where it
// selects none, it is not attached: then those of its namespace are meant and
// those that its selector would match in another one; where none are, all.
func (r reach) ofGate(g *Gate) (s Scope, attached bool) {
	s.Policies = keepIf(r.policies, g.Selects)
	if len(s.Policies) > 0 {
		return s, true
	}
	s.Policies = orAll(r.policies, func(p *Policy) bool { return p.Name.Namespace == g.Name.Namespace || g.matches(p) })
	return s, false
}

// with adds an automation to a scope.
func (s Scope) with(a *Automation) Scope {
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
