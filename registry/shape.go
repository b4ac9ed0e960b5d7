package registry

import (
	"iter"

	"github.com/pinsetter/pinsetter"
)

// shape is what the tags of an image look like, as far as they are known: what
// guesses at where others lie are made from. Tags are taken for numbers: the
// digit at an index is the rank of its letter among those that tags may have
// there.
type shape struct {
	seen    [128][128]bool // the letters at each index
	kinds   [128]kinds     // their kinds
	letters [128]bool      // at any index
	digits  int            // how many of the first ones are reckoned with
	width   int            // how far apart the ends of a page are
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

// learn takes in the tags of a page, in the order of bytes. The two digits that
// follow the first in which the ends of the page differ make its width precise.
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

// alphabet returns the letters that tags may have at an index, ascending: those
// that some have, and all of these kinds.
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

// rank returns how many letters of the alphabet at an index are below the tag's.
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

// places gives places between two, ascending, that are somewhat less than a page
// apart. Nothing bounds them where high is "".
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

// beyond returns the place at a distance above a tag.
func (s *shape) beyond(tag string, distance int) (string, bool) {
	place := make([]byte, s.digits)
	for i := len(place) - 1; i >= 0; i-- {
		alphabet := s.alphabet(i)
		if len(alphabet) == 0 {
			return "", false // tags that are none
		}
		sum := s.rank(i, tag) + distance
		place[i], distance = alphabet[sum%len(alphabet)], sum/len(alphabet)
	}
	return string(place), distance == 0 && len(place) > 0
}
