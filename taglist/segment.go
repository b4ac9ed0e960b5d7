package taglist

import (
	"errors"
	"slices"
)

// segment is a run of an image's tags in byte order: all tags after a place,
// without a gap, up to the segment's last tag.
type segment struct {
	after string   // the place; a tag of this name need not exist
	tags  []string // ascending; empty if nothing follows the place
	next  string   // URL of the page after the last tag; "" at the end of the list
}

// end returns the place up to which the segment is complete.
func (s *segment) end() string {
	if len(s.tags) == 0 {
		return s.after
	}
	return s.tags[len(s.tags)-1]
}

// errNotLexical says that a registry's pages contradict the assumption that its
// tags are in byte order and that a page may begin anywhere.
var errNotLexical = errors.New("the pages aren't in the order of bytes")

// ascending reports whether the tags are strictly ascending in byte order and
// all lie after the place.
func ascending(after string, tags []string) bool {
	for _, tag := range tags {
		if tag <= after {
			return false
		}
		after = tag
	}
	return true
}

// join merges neighbouring segments that touch. Two segments touch if the pages
// after the lower one either reach the first page of the upper one, or repeat
// tags of the upper one: the same tags in the same order, without others
// between them. It fails if the segments contradict each other.
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

// take appends the upper segment if both touch.
func (s *segment) take(upper segment) (touches bool, err error) {
	end := s.end()
	switch {
	case end == upper.after && s.next != "":
		// Both have the same next page.
		s.tags, s.next = append(s.tags, upper.tags...), upper.next
		return true, nil
	case end <= upper.after && s.next != "":
		return false, nil
	case len(upper.tags) == 0 && end <= upper.after:
		return true, nil // nothing follows either of them
	case len(upper.tags) == 0 || end < upper.tags[0]:
		return false, errNotLexical // the lower one ends where the upper one has more
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
		return false, errNotLexical // one of them ends where the other goes on
	}
	if len(upper.tags) >= len(shared) {
		s.tags, s.next = append(s.tags, upper.tags[n:]...), upper.next
	}
	return true, nil
}
