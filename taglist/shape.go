package taglist

import (
	"iter"

	"github.com/pinsetter/pinsetter"
)

// shape describes what the tags of an image look like, as far as they are
// known, so that places for new pages can be guessed. A tag is read as a number
// whose digit at an index is the rank of its letter among the letters seen
// there.
type shape struct {
	seen    [128][128]bool // letters seen at each index
	kinds   [128]kinds     // kinds of letters at each index
	letters [128]bool      // letters seen at any index
	digits  int            // number of leading letters that count
	width   int            // distance between the ends of a page
}

// kinds is a set of kinds of letters.
type kinds uint8

const (
	digit kinds = 1 << iota
	lower
	upper
)

func kindOf(c byte) kinds {
	switch {
	case '0' <= c && c <= '9':
		return digit
	case 'a' <= c && c <= 'z':
		return lower
	case 'A' <= c && c <= 'Z':
		return upper
	}
	return 0
}

// learn adds the tags of a page, in byte order. Two more digits after the first
// one in which the ends of the page differ make its width precise.
func (s *shape) learn(tags []string) {
	for _, tag := range tags {
		for i := range min(len(tag), len(s.seen)) {
			if c := tag[i]; c < 128 {
				s.seen[i][c], s.letters[c] = true, true
				s.kinds[i] |= kindOf(c)
			}
		}
	}
	if len(tags) == 0 {
		return
	}
	first, last := tags[0], tags[len(tags)-1]
	same := 0
	for same < min(len(first), len(last)) && first[same] == last[same] {
		same++
	}
	s.width, s.digits = 0, min(same, len(s.seen))
	for ; s.digits < min(same+3, len(s.seen)); s.digits++ {
		radix := len(s.alphabet(s.digits))
		if radix == 0 {
			break // no tag is that long
		}
		s.width = s.width*radix + s.rank(s.digits, last) - s.rank(s.digits, first)
	}
}

// alphabet returns the letters that tags may have at an index, ascending: the
// letters seen there and all letters of the same kinds.
func (s *shape) alphabet(i int) []byte {
	var all []byte
	for c := range byte(128) {
		kind := kindOf(c)
		if s.seen[i][c] || kind&s.kinds[i] != 0 && (kind == digit || s.letters[c]) {
			all = append(all, c)
		}
	}
	return all
}

// rank returns the number of letters in the alphabet at an index that are below
// the tag's.
func (s *shape) rank(i int, tag string) int {
	if i >= len(tag) {
		return 0
	}
	n := 0
	for _, c := range s.alphabet(i) {
		if c < tag[i] {
			n++
		}
	}
	return n
}

// places yields places between low and high, ascending, slightly less than a
// page apart. With high "" there is no upper bound.
func (s *shape) places(low, high string) iter.Seq[string] {
	return func(yield func(string) bool) {
		before := low
		for pages := range maxPages {
			distance := (pages + 1) * max(1, s.width*9/10)
			place, ok := s.beyond(low, distance)
			if !ok || place <= before || high != "" && place >= high || !pinsetter.ValidTag(place) || !yield(place) {
				return
			}
			before = place
		}
	}
}

// beyond returns the place at a distance above a tag, and false if there is
// none.
func (s *shape) beyond(tag string, distance int) (string, bool) {
	place := make([]byte, s.digits)
	for i := len(place) - 1; i >= 0; i-- {
		alphabet := s.alphabet(i)
		if len(alphabet) == 0 {
			return "", false // not a tag that the alphabet can spell
		}
		sum := s.rank(i, tag) + distance
		place[i], distance = alphabet[sum%len(alphabet)], sum/len(alphabet)
	}
	return string(place), distance == 0 && len(place) > 0
}
