package login

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plainText is a text without its escapes, and the original offset of each byte.
type plainText struct {
	text string
	at   []int // offset in the escaped text of each byte, and of the end
}

// unescape removes the escapes of URLs, JSON, Go and HTML, wherever one is:
// programs differ in the characters that they escape, and text passes through
// several of them. It removes one level of escapes. It returns false if there
// are none.
func unescape(escaped string) (plainText, bool) {
	if !strings.ContainsAny(escaped, `%\&`) {
		return plainText{}, false
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
	return plainText{out.String(), append(at, len(escaped))}, out.Len() < len(escaped)
}

// escapeAt returns the character at the start of a text, unescaped if it is an
// escape, and the number of bytes that it takes.
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

// backslash is escapeAt for a text that begins with a backslash.
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

// digits parses count hexadecimal digits at an offset.
func digits(text string, from, count int) (uint64, bool) {
	if len(text) < from+count {
		return 0, false
	}
	number, err := strconv.ParseUint(text[from:from+count], 16, 32)
	return number, err == nil
}
