package fleet

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// PullRequest says how an automation's changes are proposed instead of being
// pushed to the branch that is deployed. It is our own object, of
// pinsetter.dev/v1alpha1. An automation has at most one.
type PullRequest struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   spec.PullRequestSpec // with the default of groupBy

	// FixedBranch is the automation's spec.git.push.branch, where that is the
	// branch of the one pull request. "": Spec.Branch says, else the default.
	FixedBranch string

	// Forge is where the pull requests are opened.
	Forge Forge

	// Err is nil when the object is usable. Everything it joins is also in
	// Set.Findings.
	Err error
}

// PullRequest returns the PullRequest of that name, or nil.
func (s *Set) PullRequest(name pinsetter.Name) *PullRequest {
	return find(s.PullRequests, name, func(p *PullRequest) pinsetter.Name { return p.Name })
}
