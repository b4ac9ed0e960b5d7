// Package lexer reads YAML as people write it: block mappings and sequences, plain
// and quoted scalars on one line, collections in flow style on one line, comments. It
// returns the nodes that yaml v3's parser returns, with the same positions, styles,
// tags and comments, in a tenth of the time.
//
// At anything else it gives up, and the caller asks the parser: anchors, aliases,
// tags, merge and complex keys, block scalars, escapes, scalars of several lines,
// directives, tabs, carriage returns, control characters, and all that isn't YAML.
// So it never reports an error of its own. Tests hold it to the parser.
//
// Which node a comment belongs to follows yaml v3's scannerc.go and parserc.go step
// by step, oddities included; the names here say which function is meant.
package lexer

import (
	"sync"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter/strict"
)

// Parse returns the one document of a text, or nil for a text to give to the
// parser. The strings of the nodes share the text's bytes: keep clones. With a document,
// release hands the memory of the nodes on to another text: call it once, when no node is
// used any more, or never. Parse is safe for concurrent use.
func Parse(text string) (document *strict.Node, release func()) {
	if !isOrdinary(text) {
		return nil, nil
	}
	l := lexers.Get().(*lexer)
	l.reset(text)
	if l.scan() {
		document = l.document()
	}
	if document == nil {
		l.release()
		return nil, nil
	}
	return document, l.release
}

// lexer is the state of one Parse: first of the scanner, then of the reader of tokens.
type lexer struct {
	scanner
	tree
}

var lexers = sync.Pool{New: func() any { return new(lexer) }}

// reset begins a text, with the memory of the one before.
func (l *lexer) reset(text string) {
	l.scanner = scanner{
		text: text, indent: -1, key: none, keyAllowed: true,
		tokens: l.tokens[:0], comments: l.comments[:0], indents: l.indents[:0],
	}
	l.tree = tree{stack: l.stack[:0], blocks: l.blocks, lists: l.lists}
}

// mostKept is the number of tokens above which their memory isn't kept for the next
// text.
const mostKept = 1 << 12

// release hands the memory on. What was read must not be kept alive by it.
func (l *lexer) release() {
	if cap(l.tokens) > mostKept {
		return
	}
	clear(l.tokens)
	clear(l.comments)
	clear(l.stack[:cap(l.stack)])
	for i := range (l.used + blockSize - 1) / blockSize {
		*l.blocks[i] = block{}
	}
	clear(l.lists[:l.listed])
	l.reset("")
	lexers.Put(l)
}

// isOrdinary reports whether a text has only characters that can't change how it is
// read: no control characters but line feeds, and no breaks, marks and blanks of
// Unicode.
func isOrdinary(text string) bool {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c >= ' ' && c < 0x7F, c == '\n':
			i++
			continue
		case c < utf8.RuneSelf:
			return false
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError || r <= 0xA0 || r >= 0x2000 && r < 0x2070 && !isTypographic(r) || r >= 0xFE00 && r <= 0xFFFF {
			return false
		}
		i += size
	}
	return true
}

// isTypographic reports whether a character is a dash, a quote, a bullet or an
// ellipsis, as prose has them.
func isTypographic(r rune) bool { return r >= 0x2010 && r <= 0x2026 }
