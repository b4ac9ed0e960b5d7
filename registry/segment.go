package registry

import (
	"errors"
	"slices"
)

// segment is a stretch of an image's tags: what follows a place in the order of
// bytes, without a gap up to its last tag.
type segment struct {
	after string   // the place, whether there is such a tag or not
	tags  []string // ascending; empty where nothing comes after the place
	next  string   // URL of the page that follows the last tag; "": no tag does
}

// end returns the place up to which the segment has the tags.
func (s *segment) end() string {
	if len(s.tags) == 0 {
		return s.after
	}
	return s.tags[len(s.tags)-1]
}

// errNotLexical says that a registry's pages are not what they would be if it
// had its tags in the order of bytes and began a page behind any place in it.
var errNotLexical = errors.New("the pages aren't in the order of bytes")

// ascending reports whether the tags come after a place, in the order of bytes
// and each once.
func ascending(after string, tags []string) bool {
	for _, tag := range tags {
		if tag <= after {
			return false
		}
		after = tag
	}
	return true
}

// join puts together the neighbours among segments that touch: the pages that
// lead away from the lower one either arrive at the page that the upper one
// began with, or bring tags of the upper one, the same ones in the same order
// with none besides them. Where they say different things, it fails.
func join(segments []segment) ([]segment, error) {
	joined := segments[:1]
	for _, upper := range segments[1:] {
		lower := &joined[len(joined)-1]
		touches, err := lower.take(upper)
		if err != nil {
			return nil, err
		}
		if !touches {
			joined = append(joined, upper)
		}
	}
	return joined, nil
}

// take adds what the upper segment has, if both touch.
func (s *segment) take(upper segment) (touches bool, err error) {
	end := s.end()
	switch {
	case end == upper.after && s.next != "":
		// Both ask for the same page next.
		s.tags, s.next = append(s.tags, upper.tags...), upper.next
		return true, nil
	case end <= upper.after && s.next != "":
		return false, nil
	case len(upper.tags) == 0 && end <= upper.after:
		return true, nil // nothing follows the one, and nothing the other
	case len(upper.tags) == 0 || end < upper.tags[0]:
		return false, errNotLexical // the one has an end that the other doesn't know of
	}
	i, found := slices.BinarySearch(s.tags, upper.tags[0])
	if !found || i > 0 && s.tags[i-1] > upper.after {
		return false, errNotLexical
	}
	shared := s.tags[i:]
	n := min(len(shared), len(upper.tags))
	if !slices.Equal(shared[:n], upper.tags[:n]) {
		return false, errNotLexical
	}
	if upper.next == "" && len(shared) > n || s.next == "" && len(upper.tags) > n {
		return false, errNotLexical // one goes on where the other ends
	}
	if len(upper.tags) >= len(shared) {
		s.tags, s.next = append(s.tags, upper.tags[n:]...), upper.next
	}
	return true, nil
}
