package spec

// PullRequestSpec is a PullRequest's spec.
type PullRequestSpec struct {
	AutomationRef LocalObjectReference `json:"automationRef"`     // of the same namespace
	GroupBy       GroupBy              `json:"groupBy,omitempty"` // "automation" (default), "policy" or "directory"

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

	Provider  string                `json:"provider,omitempty"`  // github, gitlab or gitea; default: by the host
	Address   string                `json:"address,omitempty"`   // the repository's web address; default: from Git's
	SecretRef *LocalObjectReference `json:"secretRef,omitempty"` // default: that of the GitRepository
}

// GroupBy says which changes share a pull request.
type GroupBy string

// What changes are grouped by.
const (
	GroupByAutomation GroupBy = "automation" // all of them in one
	GroupByPolicy     GroupBy = "policy"     // by the policy's name
	GroupByDirectory  GroupBy = "directory"  // by the directory of the file
)
