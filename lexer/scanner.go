package lexer

import "strings"

// scanner makes tokens and comments of a text.
type scanner struct {
	text string
	mark
	newlines int // since the last character that isn't a blank

	tokens   []token
	comments []comment

	indent     int // column of the innermost block collection; -1 outside
	indents    []int
	flow       int  // number of open collections in flow style
	key        int  // index of a scalar that may be a key, or none
	required   bool // it must be one
	keyAllowed bool // a key, or an item, may begin here
}

// mark is a position: the offset in bytes, and the line and column from 0.
type mark struct{ at, line, column int }

// none is the index of no token.
const none = -1

// kind is the kind of a token.
type kind uint8

const (
	streamStart kind = iota
	streamEnd
	documentStart
	blockSequence // before the first item
	blockMapping  // before the first key
	blockEnd
	entry // "-"
	key
	value // ":"
	scalar
	flowSequence
	flowSequenceEnd
	flowMapping
	flowMappingEnd
	flowEntry // ","
)

// token is a token of YAML.
type token struct {
	start mark
	text  string // of a scalar, as it reads
	kind  kind
	quote byte // of a scalar; 0: plain
}

// end returns the position behind a token of one character.
func (t *token) end() mark { return mark{t.start.at + 1, t.start.line, t.start.column + 1} }

// byteAt returns a byte of the text, 0 behind its end.
func (s *scanner) byteAt(at int) byte {
	if at < len(s.text) {
		return s.text[at]
	}
	return 0
}

// isBlankAt reports whether a blank, a line break or the end is at an offset.
func (s *scanner) isBlankAt(at int) bool {
	c := s.byteAt(at)
	return c == ' ' || c == '\n' || c == 0
}

// skip moves over n characters, none of which is a line break or a blank.
func (s *scanner) skip(n int) {
	s.newlines = 0
	s.at += n
	s.column += n
}

// skipBlanks moves over blanks.
func (s *scanner) skipBlanks() {
	for s.byteAt(s.at) == ' ' {
		s.at++
		s.column++
	}
}

// skipLine moves over a line break.
func (s *scanner) skipLine() {
	s.at++
	s.line++
	s.column = 0
	s.newlines++
}

// scan makes the tokens of the whole text. It returns false at the first thing that
// isn't plain.
func (s *scanner) scan() bool {
	s.add(streamStart)
	for s.tokens[len(s.tokens)-1].kind != streamEnd {
		if !s.fetch() {
			return false
		}
	}
	return true
}

// add adds a token that begins here.
func (s *scanner) add(k kind) { s.tokens = append(s.tokens, token{start: s.mark, kind: k}) }

// fetch adds the next token and its line comment (yaml_parser_fetch_next_token).
func (s *scanner) fetch() bool {
	from := s.mark
	if !s.toNextToken(from) {
		return false
	}
	s.unroll(s.column, from)
	if s.at >= len(s.text) {
		return s.fetchEnd()
	}
	c := s.text[s.at]
	if s.column == 0 && s.flow == 0 && (c == '%' || strings.HasPrefix(s.text[s.at:], "...") || strings.HasPrefix(s.text[s.at:], "---")) {
		return s.fetchDocument()
	}
	if s.key != none && c != ':' && s.required {
		return false
	}
	comment := s.at
	if c == ':' && s.flow == 0 {
		comment = s.tokens[len(s.tokens)-1].start.at
	}
	if !s.fetchToken(c) {
		return false
	}
	if s.tokens[len(s.tokens)-1].kind == entry {
		return true // its comment belongs to the item
	}
	return s.lineComment(comment)
}

// fetchToken adds the token that begins with c.
func (s *scanner) fetchToken(c byte) bool {
	switch c {
	case '[':
		return s.fetchFlowStart(flowSequence)
	case '{':
		return s.fetchFlowStart(flowMapping)
	case ']':
		return s.fetchFlowEnd(flowSequenceEnd)
	case '}':
		return s.fetchFlowEnd(flowMappingEnd)
	case ',':
		if s.flow == 0 {
			return false
		}
		s.add(flowEntry)
		s.key, s.keyAllowed = none, true
		s.skip(1)
		return true
	case '"', '\'':
		return s.fetchQuoted(c)
	case ':':
		return s.fetchValue()
	case '-':
		if s.isBlankAt(s.at + 1) {
			return s.fetchEntry()
		}
	case '?', '#', '&', '*', '!', '|', '>', '%', '@', '`':
		return false
	}
	return s.fetchPlain()
}

// toNextToken moves over blanks, breaks and comments that fill lines
// (yaml_parser_scan_to_next_token).
func (s *scanner) toNextToken(from mark) bool {
	for {
		s.skipBlanks()
		if s.byteAt(s.at) == '#' {
			// Behind a dash or "---", a comment belongs to what follows in its own ways.
			if s.flow > 0 || s.newlines == 0 && len(s.tokens) > 1 || !s.fullComments(from) {
				return false
			}
		}
		if s.byteAt(s.at) != '\n' {
			return true
		}
		if s.flow > 0 {
			return false
		}
		s.skipLine()
		s.keyAllowed = true
	}
}

// roll opens a block collection if the column is deeper than the indentation
// (yaml_parser_roll_indent).
func (s *scanner) roll(column int) bool {
	if s.indent >= column {
		return false
	}
	s.indents = append(s.indents, s.indent)
	s.indent = column
	return true
}

// unroll closes the block collections that are deeper than the column. Each ends
// before the first of the comments here that stand as deep as it does
// (yaml_parser_unroll_indent).
func (s *scanner) unroll(column int, from mark) {
	if s.flow > 0 {
		return
	}
	from.at--
	for s.indent > column {
		stop := from.at
		for i := len(s.comments) - 1; i >= 0 && s.comments[i].end >= stop; i-- {
			if s.comments[i].start.column == s.indent+1 {
				from = s.comments[i].start
			}
			stop = s.comments[i].from
		}
		s.tokens = append(s.tokens, token{start: from, kind: blockEnd})
		s.indent = s.indents[len(s.indents)-1]
		s.indents = s.indents[:len(s.indents)-1]
	}
}

// fetchEnd adds the end of the text (yaml_parser_fetch_stream_end).
func (s *scanner) fetchEnd() bool {
	if s.column != 0 {
		s.column = 0
		s.line++
	}
	s.unroll(-1, s.mark)
	s.add(streamEnd)
	return s.flow == 0 && (s.key == none || !s.required)
}

// fetchDocument adds a "---" that is alone on its line and has no content above
// (yaml_parser_fetch_document_indicator).
func (s *scanner) fetchDocument() bool {
	if len(s.tokens) > 1 || !strings.HasPrefix(s.text[s.at:], "---") || s.byteAt(s.at+3) != '\n' {
		return false
	}
	s.unroll(-1, s.mark)
	s.add(documentStart)
	s.keyAllowed = false
	s.skip(3)
	return true
}

// fetchEntry adds a dash (yaml_parser_fetch_block_entry).
func (s *scanner) fetchEntry() bool {
	if s.flow > 0 || !s.keyAllowed {
		return false
	}
	if s.roll(s.column) {
		s.add(blockSequence)
	}
	s.key = none
	s.add(entry)
	s.skip(1)
	return true
}

// fetchFlowStart adds a bracket or brace that opens
// (yaml_parser_fetch_flow_collection_start).
func (s *scanner) fetchFlowStart(k kind) bool {
	if s.flow == 0 && s.keyAllowed && s.indent == s.column {
		return false // it would have to be a key
	}
	s.key, s.keyAllowed = none, true
	s.flow++
	s.add(k)
	s.skip(1)
	return true
}

// fetchFlowEnd adds a bracket or brace that closes
// (yaml_parser_fetch_flow_collection_end).
func (s *scanner) fetchFlowEnd(k kind) bool {
	if s.flow == 0 {
		return false
	}
	s.flow--
	s.key, s.keyAllowed = none, false
	s.add(k)
	s.skip(1)
	return s.isBlankAt(s.at) || s.flow > 0
}

// longest is the length in bytes from which on a key is left to the parser, which
// bounds keys by 1024 characters.
const longest = 900

// fetchValue adds the colon behind a key, and the tokens before the key
// (yaml_parser_fetch_value).
func (s *scanner) fetchValue() bool {
	last := len(s.tokens) - 1
	k := s.tokens[last]
	if s.key != last || k.start.line != s.line || s.at-k.start.at > longest || !s.isBlankAt(s.at+1) && (s.flow == 0 || k.quote == 0) {
		return false
	}
	s.tokens = s.tokens[:last]
	if s.flow == 0 && s.roll(k.start.column) {
		s.tokens = append(s.tokens, token{start: k.start, kind: blockMapping})
	}
	s.tokens = append(s.tokens, token{start: k.start, kind: key}, k)
	s.add(value)
	s.key, s.keyAllowed = none, false
	s.skip(1)
	return true
}

// saveKey notes that the scalar to come may be a key
// (yaml_parser_save_simple_key).
func (s *scanner) saveKey() {
	s.key = none
	if s.keyAllowed {
		s.key, s.required = len(s.tokens), s.flow == 0 && s.indent == s.column
	}
	s.keyAllowed = false
}

// isASCII reports whether a text counts as many columns as bytes.
func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// fetchQuoted adds a quoted scalar without escapes on one line
// (yaml_parser_scan_flow_scalar).
func (s *scanner) fetchQuoted(quote byte) bool {
	s.saveKey()
	from := s.at + 1
	end, twice := from, false
	for ; ; end++ {
		c := s.byteAt(end)
		if c == quote && quote == '\'' && s.byteAt(end+1) == quote {
			end, twice = end+1, true
			continue
		}
		if c == quote {
			break
		}
		if c == '\n' || c == 0 || c == '\\' && quote == '"' {
			return false
		}
	}
	t := token{start: s.mark, text: s.text[from:end], kind: scalar, quote: quote}
	behind := s.byteAt(end + 1)
	switch {
	case behind == ' ', behind == '\n', behind == 0:
	case behind == ':', s.flow > 0 && (behind == ',' || behind == ']' || behind == '}'):
	default:
		return false
	}
	if (s.flow > 0 || behind == ':') && !isASCII(t.text) {
		return false
	}
	if twice {
		t.text = strings.ReplaceAll(t.text, "''", "'")
	}
	s.tokens = append(s.tokens, t)
	s.skip(end + 1 - s.at)
	return true
}

// fetchPlain adds a plain scalar of one line, and moves over the breaks behind it
// (yaml_parser_scan_plain_scalar).
func (s *scanner) fetchPlain() bool {
	s.saveKey()
	end := s.at // behind the last character that isn't a blank
	i := s.at
scanning:
	for ; ; i++ {
		switch c := s.byteAt(i); c {
		case '\n', 0:
			break scanning
		case ' ':
			if s.byteAt(i+1) == '#' {
				i++
				break scanning
			}
			continue
		case ':':
			if s.isBlankAt(i + 1) {
				break scanning
			}
		case ',', '?', '[', ']', '{', '}':
			if s.flow > 0 {
				break scanning
			}
		}
		end = i + 1
	}
	t := token{start: s.mark, text: s.text[s.at:end], kind: scalar}
	c := s.byteAt(i)
	if end == s.at || c == '?' && s.flow > 0 || c == ':' && i > end || (c == ':' || s.flow > 0) && !isASCII(t.text) || t.text == "<<" {
		return false
	}
	s.tokens = append(s.tokens, t)
	s.skip(end - s.at)
	s.skipBlanks()
	if s.byteAt(s.at) != '\n' {
		return s.at == i
	}
	return s.flow == 0 && s.endsLine()
}

// endsLine moves to the next character behind a plain scalar that is the last on its
// line. It returns false if the scalar goes on there.
func (s *scanner) endsLine() bool {
	for s.byteAt(s.at) == '\n' {
		s.skipLine()
		s.skipBlanks()
	}
	s.keyAllowed = true
	c := s.byteAt(s.at)
	return c == 0 || c == '#' || s.column <= s.indent
}
