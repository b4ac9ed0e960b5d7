package registry

import (
	"iter"

	"github.com/pinsetter/pinsetter"
)

// shape is what the tags of an image look like, as far as they are known: what
// guesses at where others lie are made from.
type shape struct {
	letters [256]bool  // that are in some tag
	kinds   [128]kinds // of letters, by their place in a tag
	depth   int        // the place of the first letter in which the ends of a page differ
	span    int        // by how much they differ there
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

// learn takes in the tags of a page, in the order of bytes.
func (s *shape) learn(tags []string) {
	for _, tag := range tags {
		for i := range min(len(tag), len(s.kinds)) {
			s.letters[tag[i]] = true
			s.kinds[i] |= kindOf(tag[i])
		}
	}
	if len(tags) == 0 {
		return
	}
	first, last := tags[0], tags[len(tags)-1]
	s.depth = 0
	for s.depth < min(len(first), len(last))-1 && first[s.depth] == last[s.depth] {
		s.depth++
	}
	s.span = int(last[s.depth]) - int(first[s.depth])
}

// places gives places between two, ascending, where pages may begin that have
// little in common with each other and with the one that begins at low: such as
// 1.4, 1.5, 2 and 3 above 1.3.7. Nothing bounds them where high is "".
func (s *shape) places(low, high string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := min(s.depth, len(low)-1, len(s.kinds)-1); i >= 0; i-- {
			step := 1
			if i == s.depth {
				step = max(step, s.span)
			}
			for c := int(low[i]) + step; c <= 'z'; c += step {
				place := low[:i] + string(rune(c))
				if high != "" && place >= high {
					return
				}
				if s.likely(i, byte(c)) && pinsetter.ValidTag(place) && !yield(place) {
					return
				}
			}
		}
	}
}

// likely reports whether there may be tags with a letter at a place.
func (s *shape) likely(i int, c byte) bool {
	kind := kindOf(c)
	return kind&s.kinds[i] != 0 && (kind == digit || s.letters[c])
}
