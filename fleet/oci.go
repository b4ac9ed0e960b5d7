package fleet

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
)

// OCISource is an OCIRepository: an artifact of a registry that Flux pulls.
type OCISource struct {
	Name   pinsetter.Name
	Origin Origin
	Spec   spec.OCIRepositorySpec // with the CRD's defaults

	// Repository is the artifact's repository as a scanner asks it. It has the name
	// and the access of the OCIRepository, and no exclusionList.
	Repository *Repository

	// Versions ranks the tags that ref.semver and ref.semverFilter accept; nil
	// unless the range decides (see Decides), or with Err.
	Versions *policy.Policy

	// Enclosing is spec.verify, for Set.TrustOf; nil: nothing is verified.
	Enclosing *pinsetter.Enclosing

	// Err is nil when the object is usable. What is wrong with its spec is also in
	// Set.Findings; what is wrong with its Secrets isn't, since only those need them
	// who ask the registry.
	Err error
}

// The fields of an OCIRepository's ref that say what is pulled, in the order in which
// source-controller looks at them (OCIRepositoryReconciler.getArtifactRef).
const (
	RefDigest  = "digest"
	RefSemVer  = "semver"
	RefTag     = "tag"
	RefDefault = "default" // none of them: the tag DefaultTag
)

// DefaultTag is what an OCIRepository without ref means.
const DefaultTag = "latest"

// Decides returns the field of ref that decides, and its value.
func (s *OCISource) Decides() (field, value string) {
	ref := s.Spec.Reference
	switch {
	case ref == nil:
	case ref.Digest != "":
		return RefDigest, ref.Digest
	case ref.SemVer != "":
		return RefSemVer, ref.SemVer
	case ref.Tag != "":
		return RefTag, ref.Tag
	}
	return RefDefault, DefaultTag
}

// Without returns the fields of ref that are set and count for nothing, since
// another one decides.
func (s *OCISource) Without() []string {
	ref := s.Spec.Reference
	if ref == nil {
		return nil
	}
	decides, _ := s.Decides()
	var idle []string
	for _, f := range []struct{ name, value string }{{RefSemVer, ref.SemVer}, {RefTag, ref.Tag}} {
		if f.value != "" && f.name != decides {
			idle = append(idle, f.name)
		}
	}
	if ref.SemverFilter != "" && decides != RefSemVer {
		idle = append(idle, "semverFilter")
	}
	return idle
}

// Layer returns the media type of the layer that is pulled, "" for the first, and
// what is done with it.
func (s *OCISource) Layer() (mediaType, operation string) {
	if selector := s.Spec.LayerSelector; selector != nil {
		return selector.MediaType, selector.Operation
	}
	return "", spec.LayerExtract
}

// Reads reports whether the object may come to read a tag of its repository: the one
// that ref names, or any that its range accepts.
func (s *OCISource) Reads(tag string) bool {
	switch field, value := s.Decides(); field {
	case RefDigest:
		return false
	case RefSemVer:
		return s.Versions == nil || s.Versions.Judge(tag).Verdict != pinsetter.Rejected
	default:
		return tag == value
	}
}
