package setters

import (
	"bytes"
	"unicode/utf8"
)

// bom is the byte order mark.
const bom = "\uFEFF"

// breakAt returns the length of the line break at i, 0 if there is none. The
// breaks are those of YAML 1.1, as kyaml knows them: LF, CR, CRLF, NEL
// (U+0085), LS (U+2028) and PS (U+2029).
func breakAt(data []byte, i int) int {
	if i >= len(data) || data[i] > '\r' && data[i] < 0xC2 {
		return 0
	}
	switch data[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(data) && data[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2: // NEL
		if i+1 < len(data) && data[i+1] == 0x85 {
			return 2
		}
	case 0xE2: // LS, PS
		if i+2 < len(data) && data[i+1] == 0x80 && (data[i+2] == 0xA8 || data[i+2] == 0xA9) {
			return 3
		}
	}
	return 0
}

// cursor converts kyaml's positions to offsets. Ask for positions in ascending
// order of lines, so that a chunk is read only once.
type cursor struct {
	data []byte
	line int // from 1
	at   int // offset of the line
}

func newCursor(data []byte) *cursor {
	c := &cursor{data: data, line: 1}
	if bytes.HasPrefix(data, []byte(bom)) {
		c.at = len(bom) // kyaml doesn't count a leading one
	}
	return c
}

// seek returns the offset of a line and column, both from 1; columns count code
// points. It returns -1 if there is no such position, or if the line lies
// before an earlier one.
func (c *cursor) seek(line, column int) int {
	if line < c.line || column < 1 {
		return -1
	}
	for c.line < line {
		if !c.next() {
			return -1
		}
	}
	at := c.at
	for ; column > 1; column-- {
		if at >= len(c.data) || breakAt(c.data, at) > 0 {
			return -1
		}
		_, size := utf8.DecodeRune(c.data[at:])
		at += size
	}
	return at
}

// next moves to the next line. It returns false at the last one.
func (c *cursor) next() bool {
	for i := c.at; i < len(c.data); i++ {
		if n := breakAt(c.data, i); n > 0 {
			c.at = i + n
			c.line++
			return true
		}
	}
	return false
}
