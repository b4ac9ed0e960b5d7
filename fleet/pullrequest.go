package fleet

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/spec"
)

// PullRequest says how an automation's changes are proposed instead of being
// pushed to the branch that is deployed. It is our own object, of
// pinsetter.dev/v1alpha1. An automation has at most one.
type PullRequest struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   spec.PullRequestSpec // with the default of groupBy

	// Texts are the branch, the title and the body, for its automation; nil where
	// its templates are wrong, and then Err says so.
	Texts *message.Texts

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
