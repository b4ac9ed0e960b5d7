package message

import (
	"fmt"

	"github.com/pinsetter/pinsetter/spec"
)

// Rule says how a policy chooses a tag, for people.
func Rule(s spec.ImagePolicySpec) string {
	var text string
	switch choice := s.Policy; {
	case choice.SemVer != nil:
		text = "semver " + choice.SemVer.Range
	case choice.Alphabetical != nil:
		text = "alphabetical " + choice.Alphabetical.Order
	case choice.Numerical != nil:
		text = "numerical " + choice.Numerical.Order
	}
	if filter := s.FilterTags; filter != nil && filter.Pattern != "" {
		text += fmt.Sprintf(" of %s", filter.Pattern)
	}
	return text
}
