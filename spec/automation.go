package spec

// ImageUpdateAutomationSpec is an ImageUpdateAutomation's spec.
type ImageUpdateAutomationSpec struct {
	SourceRef      CrossNamespaceSourceReference `json:"sourceRef"`                // the GitRepository
	GitSpec        *GitSpec                      `json:"git,omitempty"`            // what is checked out, committed and pushed
	Interval       Duration                      `json:"interval"`                 // how often serve runs it
	PolicySelector *LabelSelector                `json:"policySelector,omitempty"` // absent: every policy of the namespace
	Update         *UpdateStrategy               `json:"update,omitempty"`         // which files, and how
	Suspend        bool                          `json:"suspend,omitempty"`        // true: not run

	PolicyChangeDelay *Duration `json:"policyChangeDelay,omitempty"` // how long serve waits with a run that a policy's change starts; of image-automation-controller 1.3
}

// CrossNamespaceSourceReference leads to a source; without Namespace, of the same.
type CrossNamespaceSourceReference struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace,omitempty"`
}

// UpdateStrategy says how files are updated, and which.
type UpdateStrategy struct {
	Strategy UpdateStrategyName `json:"strategy,omitempty"` // "Setters"
	Path     string             `json:"path,omitempty"`     // directory whose files are updated; default: all
}

// UpdateStrategyName names a way of updating files.
type UpdateStrategyName string

// UpdateStrategySetters updates marked values. There is no other.
const UpdateStrategySetters UpdateStrategyName = "Setters"

// GitSpec says what is checked out, committed and pushed.
type GitSpec struct {
	Checkout *GitCheckoutSpec `json:"checkout,omitempty"` // replaces the GitRepository's ref
	Commit   CommitSpec       `json:"commit"`
	Push     *PushSpec        `json:"push,omitempty"`
}

// GitCheckoutSpec says what is checked out in place of the source's ref.
type GitCheckoutSpec struct {
	Reference GitRepositoryRef `json:"ref"`
}

// GitRepositoryRef is what to check out. The first that is set of Commit, Name,
// SemVer, Tag and Branch counts.
type GitRepositoryRef struct {
	Branch string `json:"branch,omitempty"`
	Tag    string `json:"tag,omitempty"`
	SemVer string `json:"semver,omitempty"`
	Name   string `json:"name,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// CommitSpec says how a commit is made.
type CommitSpec struct {
	Author                CommitUser        `json:"author"`                          // and committer
	SigningKey            *SigningKey       `json:"signingKey,omitempty"`            // signs the commits
	MessageTemplate       string            `json:"messageTemplate,omitempty"`       // of the commit message
	MessageTemplateValues map[string]string `json:"messageTemplateValues,omitempty"` // .Values of the template
}

// CommitUser is the author of a commit.
type CommitUser struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

// SigningKey is the key that commits are signed with.
type SigningKey struct {
	SecretRef LocalObjectReference `json:"secretRef"`
	Type      SigningKeyType       `json:"type,omitempty"` // "gpg" (default) or "ssh"
}

// SigningKeyType is a kind of key.
type SigningKeyType string

// The kinds of keys.
const (
	SigningKeyTypeGPG SigningKeyType = "gpg"
	SigningKeyTypeSSH SigningKeyType = "ssh"
)

// PushSpec says where a commit is pushed.
type PushSpec struct {
	Branch  string            `json:"branch,omitempty"`  // default: what was checked out
	Refspec string            `json:"refspec,omitempty"` // pushed after the branch
	Options map[string]string `json:"options,omitempty"` // push options
}
