package strict

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// json5 reads JSON, JSON with comments, and JSON5 (https://spec.json5.org).
type json5 struct {
	data []byte
	at   int
	line int
}

// JSON5 returns the one value of a document of JSON, JSON with comments or JSON5 as
// nodes, like those of YAML: each has its line. Numbers keep their spelling. The
// error names the line.
func JSON5(data []byte) (*Node, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("line 1: the file is not UTF-8")
	}
	r := &json5{data: []byte(strings.TrimPrefix(string(data), "\ufeff")), line: 1}
	n, err := r.value(maxDepth)
	if err != nil {
		return nil, err
	}
	if err := r.blanks(); err != nil {
		return nil, err
	}
	if r.at < len(r.data) {
		return nil, r.wrong("text follows the value")
	}
	return n, nil
}

func (r *json5) wrong(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{r.line}, args...)...)
}

// peek returns the next rune, and 0 at the end.
func (r *json5) peek() rune {
	if r.at >= len(r.data) {
		return 0
	}
	c, _ := utf8.DecodeRune(r.data[r.at:])
	return c
}

// next takes the next rune.
func (r *json5) next() rune {
	c, size := utf8.DecodeRune(r.data[r.at:])
	r.at += size
	if c == '\n' {
		r.line++
	}
	return c
}

// blanks skips white space and comments.
func (r *json5) blanks() error {
	for r.at < len(r.data) {
		rest := string(r.data[r.at:min(r.at+2, len(r.data))])
		switch c := r.peek(); {
		case unicode.IsSpace(c) || c == '\ufeff':
			r.next()
		case rest == "//":
			for r.at < len(r.data) && r.peek() != '\n' {
				r.next()
			}
		case rest == "/*":
			end := bytes.Index(r.data[r.at+2:], []byte("*/"))
			if end < 0 {
				return r.wrong("a comment does not end")
			}
			for stop := r.at + end + 4; r.at < stop; {
				r.next()
			}
		default:
			return nil
		}
	}
	return nil
}

func (r *json5) value(depth int) (*Node, error) {
	if err := r.blanks(); err != nil {
		return nil, err
	}
	if depth == 0 {
		return nil, r.wrong("more than %d levels", maxDepth)
	}
	n := &Node{Kind: Scalar, Tag: "!!str", Line: r.line, Column: 1}
	var err error
	switch c := r.peek(); {
	case c == '{':
		n.Kind, n.Tag = Mapping, "!!map"
		n.Content, err = r.members(depth, '}')
	case c == '[':
		n.Kind, n.Tag = Sequence, "!!seq"
		n.Content, err = r.members(depth, ']')
	case c == '"' || c == '\'':
		n.Value, err = r.text()
	default:
		n.Value = r.word()
		n.Tag, err = r.tag(n.Value)
	}
	return n, err
}

// members returns what stands between the brackets: values, or keys and values.
func (r *json5) members(depth int, end rune) ([]*Node, error) {
	var all []*Node
	for r.next(); ; {
		if err := r.blanks(); err != nil {
			return nil, err
		}
		if r.peek() == end {
			r.next()
			return all, nil
		}
		if end == '}' {
			key, err := r.key()
			if err != nil {
				return nil, err
			}
			all = append(all, key)
		}
		value, err := r.value(depth - 1)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
		if err := r.blanks(); err != nil {
			return nil, err
		}
		switch c := r.peek(); {
		case c == ',':
			r.next()
		case c != end:
			return nil, r.wrong("%q or a comma is missing", end)
		}
	}
}

// key reads a member's name and the colon behind it.
func (r *json5) key() (*Node, error) {
	n := &Node{Kind: Scalar, Tag: "!!str", Line: r.line, Column: 1}
	var err error
	if c := r.peek(); c == '"' || c == '\'' {
		n.Value, err = r.text()
	} else if n.Value = r.word(); n.Value == "" {
		err = r.wrong("a name is missing before %q", r.peek())
	}
	if err != nil {
		return nil, err
	}
	if err := r.blanks(); err != nil {
		return nil, err
	}
	if r.peek() != ':' {
		return nil, r.wrong("a colon is missing behind %q", n.Value)
	}
	r.next()
	return n, nil
}

// word reads a name or number without quotes.
func (r *json5) word() string {
	start := r.at
	for r.at < len(r.data) {
		c := r.peek()
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("_$+-.", c) {
			break
		}
		r.next()
	}
	return string(r.data[start:r.at])
}

// tag returns the type of a word.
func (r *json5) tag(word string) (string, error) {
	switch word {
	case "true", "false":
		return "!!bool", nil
	case "null":
		return "!!null", nil
	case "":
		if r.at >= len(r.data) {
			return "", r.wrong("the file ends too early")
		}
		return "", r.wrong("%q does not begin a value", r.peek())
	}
	number := strings.TrimLeft(word, "+-")
	if _, err := strconv.ParseFloat(number, 64); err == nil && len(word)-len(number) < 2 {
		return "!!float", nil
	}
	if _, err := strconv.ParseUint(number, 0, 64); err == nil && len(word)-len(number) < 2 {
		return "!!int", nil
	}
	return "", r.wrong("%q is no value: text needs quotes", word)
}

// escapes are the characters that stand for others behind a backslash.
var escapes = map[rune]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '0': 0}

// text reads a string in either kind of quotes.
func (r *json5) text() (string, error) {
	var b strings.Builder
	for quote := r.next(); ; {
		if r.at >= len(r.data) || r.peek() == '\n' {
			return "", r.wrong("a string does not end")
		}
		switch c := r.next(); c {
		case quote:
			return b.String(), nil
		case '\\':
			if err := r.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteRune(c)
		}
	}
}

// escape reads what follows a backslash.
func (r *json5) escape(b *strings.Builder) error {
	if r.at >= len(r.data) {
		return r.wrong("a string does not end")
	}
	c := r.next()
	switch {
	case c == 'u':
		first, err := r.hex(4)
		if err != nil {
			return err
		}
		if utf16.IsSurrogate(first) && strings.HasPrefix(string(r.data[r.at:min(r.at+2, len(r.data))]), `\u`) {
			r.at += 2
			second, err := r.hex(4)
			if err != nil {
				return err
			}
			first = utf16.DecodeRune(first, second)
		}
		b.WriteRune(first)
	case c == 'x':
		code, err := r.hex(2)
		if err != nil {
			return err
		}
		b.WriteRune(code)
	case c == '\n': // the line goes on
	case c == '\r':
		if r.peek() == '\n' {
			r.next()
		}
	default:
		if meant, ok := escapes[c]; ok {
			c = meant
		}
		b.WriteRune(c)
	}
	return nil
}

// hex reads a code of n hex digits.
func (r *json5) hex(n int) (rune, error) {
	if r.at+n > len(r.data) {
		return 0, r.wrong("a string does not end")
	}
	digits := string(r.data[r.at : r.at+n])
	code, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return 0, r.wrong("%q is no code of a character", digits)
	}
	r.at += n
	return rune(code), nil
}
