package fleet

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
			errs = append(errs, fmt.Errorf("%s:%d: %s %s: %s", a.Origin.Path, a.Origin.Line, a.Kind(), a.Name,
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
