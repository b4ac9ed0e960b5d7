// Package fleet has the objects of one load, ready to use: image repositories,
// policies, automations, gates, pull requests and whom to tell; what they refer
// to is resolved. It says too what may be missing. Package config makes them.
package fleet

import (
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
)

// Origin is the place of an object: the file, as it was handed in, and the line
// of the first key of the object's document or item.
type Origin struct {
	Path string
	Line int
}

// Repository is an ImageRepository, an image whose tags can be listed, or a
// ChartRepository, whose versions can be (Index).
type Repository struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   spec.ImageRepositorySpec // with the CRD's defaults

	Annotations map[string]string

	Image     string               // spec.image verbatim: a repository name without scheme, tag and digest
	Exclude   []*pinsetter.Matcher // spec.exclusionList; a tag that one of them finds a match in is dropped
	Timeout   time.Duration        // of authentication and scan together: spec.timeout, else spec.interval, at least a second
	Suspended bool
	Access    RegistryAccess

	// Chart says that it is a ChartRepository, of whose Spec only Interval and Suspend
	// are set. Its versions are those of Index, and Image is its name as an image's;
	// without an Index they are the tags of Image, as an ImageRepository's.
	Chart bool
	Index *Index

	// Err is nil when the repository is usable. It names file, line and object,
	// and everything it joins is also in Set.Findings.
	Err error
}

// RegistryAccess is how a registry is reached. The zero value is anonymous
// access over https with the system's certificates.
type RegistryAccess struct {
	DockerConfigs []pinsetter.Secret // dockerconfigjson documents: secretRef's, then those of the ServiceAccount
	Provider      string             // that logs in: aws, azure, gcp, or kubernetes with a Token; "": none
	Token         pinsetter.TokenWanted
	TLS           pinsetter.TLS
	Proxy         *pinsetter.Proxy // nil: the environment's proxies
	Insecure      bool             // plain HTTP
}

// Policy is an ImagePolicy: the rule that selects a tag of a repository.
type Policy struct {
	Name       pinsetter.Name
	Origin     Origin
	Labels     map[string]string
	Spec       spec.ImagePolicySpec // with the CRD's defaults: order asc, digestReflectionPolicy Never
	Repository *Repository          // nil when the reference leads nowhere or isn't allowed; then Err says so
	Rules      *policy.Policy       // ready to rank; nil where Spec can't be compiled, and then Err says so
	Suspended  bool

	// Err is nil when the policy and its repository are usable. Errors of the
	// policy's own are also in Set.Findings; that the repository has errors is not,
	// since the repository's findings say it.
	Err error
}

// Automation is an ImageUpdateAutomation: which policies are written to which
// branch, and how. Or it is an ArtifactAutomation (Delivery), whose policies are
// written into an artifact.
type Automation struct {
	Name        pinsetter.Name
	Origin      Origin
	Annotations map[string]string
	Spec        spec.ImageUpdateAutomationSpec // with the CRD's defaults

	Git         *GitSource        // nil when the reference leads nowhere; then Err says so
	Base        GitRef            // what is checked out: spec.git.checkout.ref, else the GitRepository's ref, else branch master
	PushBranch  string            // spec.git.push.branch, else the branch of Base; "" only with Err
	Refspec     string            // spec.git.push.refspec, "" for none
	PushOptions map[string]string // spec.git.push.options
	SigningKey  *SigningKey       // nil: commits are not signed
	Author      Author
	Message     *message.Template // of commits; nil only with Err
	Path        string            // spec.update.path, relative to the repository's root, cleaned: "." is all of it
	Trailers    bool              // annotation pinsetter.dev/trailers is not "false"
	Suspended   bool

	// Schedule returns when the automation is run next after a time; nil: as
	// spec.interval says.
	Schedule func(after time.Time) time.Time

	PullRequest *PullRequest // nil: changes are pushed without one

	// Delivery is set for an ArtifactAutomation. Git, Base, PushBranch and what else
	// says how to commit aren't then, and of Spec what both kinds have is.
	Delivery *Delivery

	// Err is nil when the automation and its GitRepository are usable; see
	// Policy.Err.
	Err error

	Selector *Selector // nil: it is invalid, and nothing is selected
}

// ScheduleAnnotation on an automation says when it is run, in place of
// spec.interval: by a program that keeps running.
const ScheduleAnnotation = "pinsetter.dev/schedule"

// Selects reports whether the automation writes p: they share a namespace and
// spec.policySelector, if any, matches p's labels. An automation whose selector
// is invalid selects nothing.
func (a *Automation) Selects(p *Policy) bool {
	return a.Selector != nil && a.Name.Namespace == p.Name.Namespace && a.Selector.Matches(p.Labels)
}

// Covers reports whether a file of the repository is below Path.
func (a *Automation) Covers(file string) bool {
	return a.Path == "." || file == a.Path || strings.HasPrefix(file, a.Path+"/")
}

// BaseBranch returns the branch that is checked out, "" where that is no branch.
func (a *Automation) BaseBranch() string {
	switch {
	case a.Base.Commit != "":
		return ""
	case a.Base.Name != "":
		return a.Base.Head()
	case a.Base.SemVer != "", a.Base.Tag != "":
		return ""
	}
	return a.Base.Branch
}

// Author is who commits.
type Author struct{ Name, Email string }

// GitRef is what to check out. The first that is set of Commit, Name, SemVer,
// Tag and Branch counts.
type GitRef struct {
	Branch string
	Tag    string
	SemVer string
	Name   string // such as "refs/heads/main"
	Commit string
}

// RefOf returns ref as it is checked out: nothing is branch master, Flux's default.
func RefOf(ref *spec.GitRepositoryRef) GitRef {
	if ref == nil || *ref == (spec.GitRepositoryRef{}) {
		return GitRef{Branch: "master"}
	}
	return GitRef{Branch: ref.Branch, Tag: ref.Tag, SemVer: ref.SemVer, Name: ref.Name, Commit: ref.Commit}
}

// String returns what is checked out, such as "tag v1.0.0".
func (r GitRef) String() string {
	switch {
	case r.Commit != "":
		return "commit " + r.Commit
	case r.Name != "":
		return "ref " + r.Name
	case r.SemVer != "":
		return "semver " + r.SemVer
	case r.Tag != "":
		return "tag " + r.Tag
	}
	return "branch " + r.Branch
}

var branchRef = pinsetter.Pattern(`^refs/heads/.+$`)

// Head returns the branch that Name names in full, or "".
func (r GitRef) Head() string {
	return strings.TrimPrefix(branchRef().FindString(r.Name), "refs/heads/")
}

// SigningKey signs commits: an armored OpenPGP key or an SSH private key.
type SigningKey struct {
	Type       string // SigningGPG or SigningSSH
	Key        pinsetter.Secret
	Passphrase pinsetter.Secret // empty: the key is not encrypted
}

// The types of a SigningKey.
const (
	SigningGPG = "gpg"
	SigningSSH = "ssh"
)

// GitSource is a GitRepository that an automation uses.
type GitSource struct {
	Name    pinsetter.Name
	Origin  Origin
	URL     string        // http, https, ssh or file
	Timeout time.Duration // of one operation; spec.timeout, else 60s
	Auth    GitAuth
	App     *GitHubApp // logs in over https in place of what Auth has; nil: none

	// Provider is the cloud that logs in over https in place of what Auth has:
	// aws, azure or gcp; "": none.
	Provider string

	Err error // nil when usable; also in Set.Findings
}

// GitAuth is how a Git server is spoken to. Of Username with Password, Bearer
// and Identity with KnownHosts at most one is set.
type GitAuth struct {
	Set    bool           // a secretRef was given; false: the environment is asked for credentials
	Secret pinsetter.Name // that it names

	Username string
	Password pinsetter.Secret
	Bearer   pinsetter.Secret

	Identity         pinsetter.Secret // SSH private key, PEM
	IdentityPassword pinsetter.Secret
	KnownHosts       []byte

	TLS   pinsetter.TLS
	Proxy *pinsetter.Proxy // nil: the environment's proxies
}
