package fleet

import (
	"slices"

	"github.com/pinsetter/pinsetter"
)

// Set is everything that was loaded. Objects that are wrong are in it too, with
// Err set, so that each can be accounted for. It is not changed after Load, and
// safe for concurrent use.
type Set struct {
	Repositories []*Repository // sorted by namespace and name, like the others
	Policies     []*Policy
	Automations  []*Automation
	Gates        []*Gate
	PullRequests []*PullRequest
	Artifacts    []*OCISource // as Options.Artifacts says
	Receivers    []*Receiver  // like the next two, as Options.Notifications says
	Providers    []*Provider  // those that an Alert sends to
	Alerts       []*Alert

	// PublicKeys are those of the Secrets that have some. Objects in repositories,
	// which aren't loaded, name them.
	PublicKeys   map[pinsetter.Name]Given[[]PublicKey]
	TrustedRoots map[pinsetter.Name]Given[[]byte]    // likewise, of Sigstore
	Notations    map[pinsetter.Name]Given[*Notation] // likewise, trust policies

	// Sources is how many GitRepositories there are.
	Sources int

	// Findings are all errors and warnings of loading, sorted by place.
	Findings []pinsetter.Finding

	// Missing is what may hold a write back and can't be relied on: ask it before
	// anything is written.
	Missing Missing

	// Fingerprint tells sets apart by what they were loaded from: the files and the
	// default namespace, mounted Secrets aside.
	Fingerprint string
}

// Repository returns the ImageRepository of that name, or nil.
func (s *Set) Repository(name pinsetter.Name) *Repository {
	return find(s.Repositories, name, func(r *Repository) pinsetter.Name { return r.Name })
}

// Policy returns the ImagePolicy of that name, or nil.
func (s *Set) Policy(name pinsetter.Name) *Policy {
	return find(s.Policies, name, func(p *Policy) pinsetter.Name { return p.Name })
}

// Automation returns the ImageUpdateAutomation or ArtifactAutomation of that name, or
// nil.
func (s *Set) Automation(name pinsetter.Name) *Automation {
	return find(s.Automations, name, func(a *Automation) pinsetter.Name { return a.Name })
}

// Artifact returns the OCIRepository of that name, or nil.
func (s *Set) Artifact(name pinsetter.Name) *OCISource {
	return find(s.Artifacts, name, func(a *OCISource) pinsetter.Name { return a.Name })
}

func find[T any](sorted []*T, name pinsetter.Name, nameOf func(*T) pinsetter.Name) *T {
	i, found := slices.BinarySearchFunc(sorted, name, func(t *T, name pinsetter.Name) int {
		return nameOf(t).Compare(name)
	})
	if !found {
		return nil
	}
	return sorted[i]
}
