package oci

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter/strict"
)

// edit replaces the lines from one up to, but without, another by a text. Lines
// count from 1.
type edit struct {
	from, to int
	text     string // ends of lines are "\n"
}

// apply returns the file after edits that don't overlap. New lines end as the
// file's first one does, and the last of replaced ones as it did.
func (f *file) apply(edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	end := "\n"
	if len(f.lines) > 0 && bytes.HasSuffix(f.lines[0], []byte("\r\n")) {
		end = "\r\n"
	}
	var b bytes.Buffer
	at := 1
	for _, e := range edits {
		for ; at < e.from; at++ {
			b.Write(f.lines[at-1])
		}
		if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
			b.WriteString(end)
		}
		text := strings.ReplaceAll(e.text, "\n", end)
		if e.to > e.from {
			last := f.lines[e.to-2]
			text = strings.TrimSuffix(text, end) + string(last[len(bytes.TrimRight(last, "\r\n")):])
		}
		b.WriteString(text)
		at = max(at, e.to)
	}
	for ; at <= len(f.lines); at++ {
		b.Write(f.lines[at-1])
	}
	return b.Bytes()
}

// line returns a line without its end.
func (f *file) line(n int) string { return strings.TrimRight(string(f.lines[n-1]), "\r\n") }

// end returns the line before which a document may follow the object's, and false
// if the file has marks between documents that are written in another way.
func (o *object) end() (int, bool) {
	for _, line := range o.file.lines {
		if bytes.HasPrefix(line, []byte("...")) || bytes.HasPrefix(line, []byte("%")) {
			return 0, false
		}
	}
	n := o.line + 1
	for ; n <= len(o.file.lines); n++ {
		if line := o.file.line(n); line == "---" || strings.HasPrefix(line, "--- ") {
			break
		}
	}
	return n, true
}

// block is a field of a block mapping, with the lines that it takes.
type block struct {
	key      *strict.Node
	value    *strict.Node
	from, to int // lines of the file
}

// blockOf returns a field that is written over lines of its own, and false if it
// isn't written so.
func (o *object) blockOf(mapping *strict.Node, field string) (block, bool) {
	if mapping == nil || mapping.Kind != strict.Mapping || isInline(mapping) {
		return block{}, false
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if key.Value != field || value.Kind != strict.Mapping || isInline(value) && !o.endsLine(key, value) {
			continue
		}
		b := block{key: key, value: value, from: o.document.LineOf(key)}
		if strings.TrimSpace(o.file.line(b.from)[:min(key.Column-1, len(o.file.line(b.from)))]) != "" {
			return block{}, false // another key, a dash or a separator is before it
		}
		b.to = b.from + 1
		for n := b.to; n <= len(o.file.lines); n++ {
			line := o.file.line(n)
			indent := len(line) - len(strings.TrimLeft(line, " "))
			if blank := strings.TrimSpace(line) == ""; !blank && indent < key.Column {
				break
			} else if !blank {
				b.to = n + 1
			}
		}
		return b, true
	}
	return block{}, false
}

// endsLine reports whether a mapping in braces takes the rest of its key's line, without
// a comment: one could be a marker of any field in it.
func (o *object) endsLine(key, value *strict.Node) bool {
	at := o.document.LineOf(key)
	line := o.file.line(at)
	one := value.Anchor == "" && comment(line) == "" && strings.HasSuffix(strings.TrimRight(line, " \t"), "}")
	walk(value, func(n *strict.Node) { one = one && o.document.LineOf(n) == at })
	return one && len(value.Content) > 0
}

// isInline reports whether a node is written in braces, or has or is an anchor.
func isInline(n *strict.Node) bool {
	const flow = 1 << 5 // yaml.FlowStyle
	return n.Style&flow != 0 || n.Anchor != ""
}

// isPlainBlock reports whether all below a node is written without anchors, and each
// scalar in a part of one line.
func (o *object) isPlainBlock(n *strict.Node) bool {
	plain := true
	var visit func(*strict.Node)
	visit = func(n *strict.Node) {
		switch {
		case n.Kind == strict.Scalar:
			_, _, found := o.token(n)
			plain = plain && n.Anchor == "" && (found || n.Value == "")
		case n.Kind == strict.Mapping || n.Kind == strict.Sequence:
			plain = plain && n.Anchor == ""
		default:
			plain = false // an alias
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(n)
	return plain
}

// token returns where a scalar's text is in its line, in bytes, without quotes. It is
// false if it isn't written there as it is read.
func (o *object) token(n *strict.Node) (from, to int, found bool) {
	line := o.file.line(o.document.LineOf(n))
	column := n.Column - 1
	for at := range line {
		if column == 0 {
			from = at
			break
		}
		column--
	}
	if column != 0 || n.Value == "" || n.Anchor != "" || n.Tag != "" && strings.HasPrefix(line[from:], "!") {
		return 0, 0, false
	}
	rest := line[from:]
	for _, quote := range []string{"", `"`, "'"} {
		if after, is := strings.CutPrefix(rest, quote+n.Value+quote); is && (after == "" || !isWord(after)) {
			return from + len(quote), from + len(quote) + len(n.Value), true
		}
	}
	return 0, 0, false
}

// isWord reports whether a text goes on with what could be of the same scalar.
func isWord(after string) bool {
	r, _ := utf8.DecodeRuneInString(after)
	return !strings.ContainsRune(" \t,}]:", r)
}

// replace returns the edit of a scalar's text, and false if that can't be told from
// its line.
func (o *object) replace(n *strict.Node, text string) (edit, bool) {
	from, to, found := o.token(n)
	at := o.document.LineOf(n)
	if !found {
		return edit{}, false
	}
	line := o.file.line(at)
	return edit{from: at, to: at + 1, text: line[:from] + text + line[to:] + "\n"}, true
}

// comment returns the comment at the end of a line, with its "#", or "". Quotes end
// where YAML ends them in a scalar of one line.
func comment(line string) string {
	quote := rune(0)
	before := ' '
	for at, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '#' && (before == ' ' || before == '\t'):
			return line[at:]
		case (c == '"' || c == '\'') && strings.ContainsRune(" \t:-[{,", before):
			quote = c
		}
		before = c
	}
	return ""
}
