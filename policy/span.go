package policy

import (
	"strings"

	"github.com/Masterminds/semver/v3"
)

// ranges is a SemVer range: a version is inside if any of the spans accepts it.
// Masterminds/semver decides whether a range is valid. The range itself is
// stored as spans in version order, so that a check allocates nothing and a
// sorted list is entered at the right position. FuzzRange compares it with
// Masterminds/semver.
type ranges []span

// span is one AND group of a range. Each comparator except != accepts one
// interval of versions, and so does their intersection.
type span struct {
	low, high bound
	except    []exception
	// prereleases says that a comparator of the group has a prerelease. Then
	// prereleases are accepted too, if all comparators accept them.
	prereleases bool
}

// bound is an end of a span. The zero bound is unbounded.
type bound struct {
	at   version
	kind boundKind
}

type boundKind uint8

const (
	unbounded boundKind = iota
	inclusive
	exclusive
)

// exception is the set of versions that a != comparator refuses.
type exception struct {
	at    version
	width exceptionWidth
}

type exceptionWidth uint8

const (
	exactly   exceptionWidth = iota // !=1.2.3
	sameMinor                       // !=1.2.x: with the same prerelease, or none
	sameMajor                       // !=1.x
)

// parseRange returns the spans of a range. It asks Masterminds/semver about all
// except plain ranges, since that takes longer than selecting from hundreds of
// tags.
func parseRange(text string) (ranges, error) {
	if plainRange(text) {
		return parseSpans(text)
	}
	constraints, err := semver.NewConstraint(text)
	if err != nil {
		return nil, err
	}
	// String separates groups by " || " and comparators by " ". Each comparator
	// is an operator and a version without spaces.
	return parseSpans(constraints.String())
}

// plainRange reports whether text is certainly a valid range: at most three
// groups of comparators separated by spaces, each an operator and a version
// without wildcards, or a line such as 1.x or 1.2.x.
func plainRange(text string) bool {
	if len(text) > maxVersion/2 || strings.Count(text, "||") > 2 {
		return false
	}
	for group := range strings.SplitSeq(text, "||") {
		comparators := 0
		for comparator := range strings.SplitSeq(group, " ") {
			if comparator == "" {
				continue
			}
			version := strings.TrimLeft(comparator, "=!<>~^")
			_, numbers := readVersion(version, '+')
			if numbers == 0 && !plainLine(version) || !isOperator(comparator[:len(comparator)-len(version)]) {
				return false
			}
			comparators++
		}
		if comparators == 0 {
			return false
		}
	}
	return true
}

// plainLine reports whether text is one or two numbers and ".x".
func plainLine(text string) bool {
	numbers, ok := strings.CutSuffix(text, ".x")
	major, minor, two := strings.Cut(numbers, ".")
	return ok && isNumber(major) && (!two || isNumber(minor))
}

// isNumber reports whether s is decimal digits that fit into 64 bits.
func isNumber(s string) bool {
	_, size, ok := leadingNumber(s)
	return ok && size == len(s)
}

// parseSpans parses groups of comparators that are known to be valid.
func parseSpans(text string) (ranges, error) {
	var all ranges
	for group := range strings.SplitSeq(text, "||") {
		var s span
		for comparator := range strings.FieldsSeq(group) {
			if err := s.add(comparator); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// accepts reports whether v is in the range.
func (r ranges) accepts(v version) bool {
	for i := range r {
		if r[i].accepts(v) {
			return true
		}
	}
	return false
}

// acceptsAsRelease is accepts without the rule about prereleases.
func (r ranges) acceptsAsRelease(v version) bool {
	for _, s := range r {
		s.prereleases = true
		if s.accepts(v) {
			return true
		}
	}
	return false
}

func (s *span) accepts(v version) bool {
	return (v.pre == "" || s.prereleases) && !s.above(v) && !s.below(v) && !s.excepts(v)
}

// above reports whether v lies above the span.
func (s *span) above(v version) bool {
	if s.high.kind == unbounded {
		return false
	}
	c := v.compare(s.high.at)
	return c > 0 || c == 0 && s.high.kind == exclusive
}

// below reports whether v lies below the span.
func (s *span) below(v version) bool {
	if s.low.kind == unbounded {
		return false
	}
	c := v.compare(s.low.at)
	return c < 0 || c == 0 && s.low.kind == exclusive
}

// excepts reports whether one of the span's != comparators refuses v.
func (s *span) excepts(v version) bool {
	for _, e := range s.except {
		same := v.major == e.at.major
		switch e.width {
		case sameMinor:
			same = same && v.minor == e.at.minor && v.pre == e.at.pre
		case exactly:
			same = v.compare(e.at) == 0
		}
		if same {
			return true
		}
	}
	return false
}
