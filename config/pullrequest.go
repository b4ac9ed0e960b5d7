package config

import (
	"github.com/pinsetter/pinsetter"
)

// PullRequest says how an automation's changes are proposed instead of being
// pushed to the branch that is deployed. It is our own object, of
// pinsetter.dev/v1alpha1. An automation has at most one.
type PullRequest struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   PullRequestSpec // with the default of groupBy

	// FixedBranch is the automation's spec.git.push.branch, where that is the
	// branch of the one pull request. "": Spec.Branch says, else the default.
	FixedBranch string

	// Forge is where the pull requests are opened.
	Forge Forge

	// Err is nil when the object is usable. Everything it joins is also in
	// Set.Findings.
	Err error
}

// PullRequestSpec is a PullRequest's spec.
type PullRequestSpec struct {
	AutomationRef LocalObjectReference `json:"automationRef"`     // of the same namespace
	GroupBy       GroupBy              `json:"groupBy,omitempty"` // set

	// Templates, with the data and functions of a commit message.
	Branch string `json:"branch,omitempty"`
	Title  string `json:"title,omitempty"`
	Body   string `json:"body,omitempty"`

	// What a pull request gets when it is opened, and people may change then.
	Labels    []string `json:"labels,omitempty"`
	Reviewers []string `json:"reviewers,omitempty"` // "org/team" is a team
	Assignees []string `json:"assignees,omitempty"`
	Draft     bool     `json:"draft,omitempty"`

	AutoMerge       bool `json:"autoMerge,omitempty"`
	VerifiedCommits bool `json:"verifiedCommits,omitempty"` // made and signed by the forge

	Provider  string                `json:"provider,omitempty"`  // one of the Forge constants; "" is guessed
	Address   string                `json:"address,omitempty"`   // the repository's web address; "" follows from Git's
	SecretRef *LocalObjectReference `json:"secretRef,omitempty"` // nil: that of the GitRepository
}

// GroupBy says which changes share a pull request.
type GroupBy string

// What changes are grouped by.
const (
	GroupByAutomation GroupBy = "automation" // all of them in one
	GroupByPolicy     GroupBy = "policy"     // by the policy's name
	GroupByDirectory  GroupBy = "directory"  // by the directory of the file
)

// PullRequest returns the PullRequest of that name, or nil.
func (s *Set) PullRequest(name pinsetter.Name) *PullRequest {
	return find(s.PullRequests, name, func(p *PullRequest) pinsetter.Name { return p.Name })
}
