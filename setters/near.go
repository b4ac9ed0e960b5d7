package setters

import (
	"bytes"
	"iter"
	"strings"
	"unicode/utf8"
)

// A near miss is a comment that was meant as a marker and doesn't hold the
// token:
//
//	# {"imagepolicy": "ns:app"}
//	# {"$imagePolicy": "ns:app"}
//	# $image-policy: ns:app
//
// Its key is a few letters away from the right one, and its value names a
// policy.

// nearMiss is a near miss in a line.
type nearMiss struct {
	at     int    // of its "#"
	text   string // from there on
	key    string // as written
	setter string // its value
}

// message says what is wrong and what to write.
func (m nearMiss) message() string { return misspelt(m.key, m.setter) }

// nearReach is the number of bytes read behind a "#". A marker with the longest
// names has about 350.
const nearReach = 512

// nearMisses yields the first near miss of each line of data, YAML or not. It
// looks at every "#" that can begin a comment, also inside texts.
func nearMisses(data []byte) iter.Seq[nearMiss] {
	return func(yield func(nearMiss) bool) {
		for at := 0; ; at++ {
			i := bytes.IndexByte(data[at:], '#')
			if i < 0 {
				return
			}
			at += i
			if !mayOpen(data, at) {
				continue
			}
			m, ok := readNear(data[at:min(len(data), at+nearReach)])
			if !ok {
				continue
			}
			m.at = at
			end := bytes.IndexAny(data[at:], "\n\r")
			if !yield(m) || end < 0 {
				return
			}
			at += end
		}
	}
}

// mayOpen reports whether the "#" at i may open a near miss. It is called for
// every "#" of every file, and looks only at the bytes around it.
func mayOpen(data []byte, i int) bool {
	if i > 0 && !isBlank(data[i-1]) && !atLineStart(data, i) {
		return false
	}
	for i++; i < len(data) && data[i] == '#'; i++ {
	}
	for ; i < len(data) && isBlank(data[i]); i++ {
	}
	if i == len(data) {
		return false
	}
	switch c := data[i]; c {
	case '{', '[', '(', '"', '\'', '`', '$':
		return true
	case 'i', 'I': // most words with these letters go on differently: if, in, is, image
		return i+2 < len(data) && data[i+1]|0x20 == 'm'
	default:
		return c >= utf8.RuneSelf // typographic quotes
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// Sets of characters around a key and its value. All include typographic
// quotes.
const (
	openers  = " \t\"'`{[("
	between  = " \t\"'`"
	closers  = " \t\"'`}]),;."
	endsKey  = "\n\r\"'`:=,{}[]()#"
	endsText = "\n\r\"'` \t,{}[]()#"
)

// sizeIn returns the size in bytes of a text's first character, 0 if it isn't
// in the set.
func sizeIn(text []byte, set string) int {
	switch {
	case strings.IndexByte(set, text[0]) >= 0:
		return 1
	case len(text) > 2 && text[0] == 0xE2 && text[1] == 0x80 && text[2] >= 0x98 && text[2] <= 0x9F: // ‘ to ‟
		return 3
	}
	return 0
}

// trimLeft returns a text without its leading characters from a set.
func trimLeft(text []byte, set string) []byte {
	for len(text) > 0 {
		n := sizeIn(text, set)
		if n == 0 {
			break
		}
		text = text[n:]
	}
	return text
}

// before returns the number of bytes before the first character from a set.
func before(text []byte, set string) int {
	for i := range text {
		if sizeIn(text[i:], set) > 0 {
			return i
		}
	}
	return len(text)
}

// readNear parses a comment, which ends with its line, as a near miss. Nearly
// all comments are none, so it makes the cheapest checks first.
func readNear(comment []byte) (nearMiss, bool) {
	opened := bytes.TrimLeft(comment, "# \t")
	body := trimLeft(opened, openers)
	end := before(body, endsKey)
	rest := trimLeft(body[end:], between)
	if len(rest) == 0 || rest[0] != ':' && rest[0] != '=' || !isNear(string(body[:end])) {
		return nearMiss{}, false
	}
	if end := bytes.IndexAny(comment, "\n\r"); end >= 0 {
		comment = comment[:end]
	}
	value := trimLeft(rest[1:], openers)
	stop := before(value, endsText)
	m := nearMiss{
		text:   string(bytes.TrimRight(comment, " \t")),
		key:    string(body[:end]),
		setter: string(value[:stop]),
	}
	if strings.Contains(m.text, token) {
		return nearMiss{}, false
	}
	_, err := parseSetter(strings.Replace(m.setter, "/", ":", 1))
	if opened[0] == '{' {
		return m, err == nil || strings.Contains(m.key, "$")
	}
	behind := trimLeft(value[stop:], closers) // else it is a sentence that goes on
	return m, err == nil && (len(behind) == 0 || behind[0] == '\n' || behind[0] == '\r')
}
