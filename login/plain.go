package login

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plain is a text without its escapes, and where each of its bytes was.
type plain struct {
	text string
	at   []int // the place in the escaped text of each byte, and of the end
}

// unescape undoes the escapes of URLs, JSON, Go and HTML, wherever one is:
// programs differ in which characters they escape, and text goes through several
// of them. What is escaped twice is so once afterwards. False is returned where
// there are none.
func unescape(escaped string) (plain, bool) {
	if !strings.ContainsAny(escaped, `%\&`) {
		return plain{}, false
	}
	var out strings.Builder
	at := make([]int, 0, len(escaped)+1)
	for i := 0; i < len(escaped); {
		piece, length := escapeAt(escaped[i:])
		out.WriteString(piece)
		for range len(piece) {
			at = append(at, i)
		}
		i += length
	}
	return plain{out.String(), append(at, len(escaped))}, out.Len() < len(escaped)
}

// escapeAt returns what a text begins with, and how many of its bytes that takes:
// what an escape stands for, else one byte.
func escapeAt(text string) (string, int) {
	switch text[0] {
	case '%':
		if b, ok := digits(text, 1, 2); ok {
			return string([]byte{byte(b)}), 3
		}
	case '&':
		if end := strings.IndexByte(text[:min(len(text), 12)], ';'); end > 0 {
			if said := html.UnescapeString(text[:end+1]); said != text[:end+1] {
				return said, end + 1
			}
		}
	case '\\':
		return backslash(text)
	}
	return text[:1], 1
}

// backslash is escapeAt for a text that begins with one.
func backslash(text string) (string, int) {
	if len(text) == 1 {
		return text, 1
	}
	switch text[1] {
	case 'u':
		if r, ok := digits(text, 2, 4); ok && utf8.ValidRune(rune(r)) {
			return string(rune(r)), 6
		}
	case 'x':
		if b, ok := digits(text, 2, 2); ok {
			return string([]byte{byte(b)}), 4
		}
	case '"', '\'', '\\', '/':
		return text[1:2], 2
	}
	return text[:1], 1
}

// digits reads so many hexadecimal digits at a place.
func digits(text string, from, count int) (uint64, bool) {
	if len(text) < from+count {
		return 0, false
	}
	number, err := strconv.ParseUint(text[from:from+count], 16, 32)
	return number, err == nil
}
