package setters

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// scalar visits a scalar value and takes its marker.
//
// Flux reads the line comment; if there is none, the comment above (kyaml's
// fieldmeta.FieldMeta.Read). kyaml gives a scalar the comment above it only as
// an item of a sequence, or if the value stands on a line of its own.
func (s *search) scalar(node *yaml.Node) {
	at := s.locate(node, node.HeadComment, node.LineComment, node.Value)
	if at < 0 {
		return
	}
	defer s.prose(at, node)
	if line, ok := headLine(node.HeadComment); ok {
		o := s.tokens.above(at, line)
		switch {
		case node.LineComment != "":
			s.notAttached(o, line, "the comment on the value's own line counts instead")
		case node == s.scope.root:
			s.notAttached(o, line, "it stands above a document, not above an item of a sequence")
		case o != nil && !s.standsAbove(o, at):
			s.notAttached(o, line, "it stands behind a sequence's dash: put it behind the value")
		default:
			s.take(node, node.HeadComment, o, at)
		}
	}
	if line, ok := tokenLine(node.LineComment); ok {
		s.take(node, lastComment(node.LineComment), s.tokens.behind(at, lastComment(line)), at)
	}
}

// lastComment returns the part of a line's comment from its last "#" on if that
// part is a marker, and else all of it: a marker may stand behind a comment.
//
//	tag: 1.2.3 # not 2.x: see the wiki # {"$imagepolicy": "ns:app:tag"}
//
// Flux doesn't read those (docs/flux.md).
func lastComment(comment string) string {
	i := strings.LastIndexByte(comment, '#')
	if i < 1 || !isBlank(comment[i-1]) || strings.Contains(comment, "\n") || strings.Contains(comment[:i], token) {
		return comment
	}
	if _, err := parseMarker(comment[i:]); err != nil {
		return comment
	}
	return comment[i:]
}

// standsAbove reports whether a comment fills its line, or stands behind a dash
// whose value is alone on a line below.
func (s *search) standsAbove(o *occurrence, at int) bool {
	line, _ := s.tokens.lineOf(o)
	before, _, _ := bytes.Cut(line, []byte("#"))
	before = bytes.Trim(before, " \t"+bom)
	if len(before) == 0 {
		return true
	}
	start := bytes.LastIndexAny(s.data[:at], "\n\r") + 1
	return len(bytes.Trim(before, " -")) == 0 && len(bytes.Trim(s.data[start:at], " \t")) == 0
}

// take parses a scalar's comment and adds the marker to its site.
func (s *search) take(node *yaml.Node, comment string, o *occurrence, at int) {
	m, line, ok := s.read(comment, o)
	if !ok {
		return
	}
	p, err := locateValue(s.data, at, node)
	if err != nil && o != nil && s.tokens.glued(o) {
		err = errors.New(missingBlank)
	}
	if err != nil {
		s.file.report(pinsetter.Error, CodeSplice, line, "marker %q: %v", m.setter, err)
		s.broken[s.key(m)] = line
		return
	}
	p.line, p.column = node.Line, node.Column
	s.add(m, node, p)
}

// empty takes the marker of a key without a value: "tag: # {…}". There kyaml
// gives the comment to the key. It returns false for any other pair.
func (s *search) empty(key, value *yaml.Node) bool {
	if value.Kind != yaml.ScalarNode || value.Tag != yaml.NodeTagNull || value.Value != "" || value.Anchor != "" || value.Style != 0 {
		return false
	}
	line, ok := tokenLine(key.LineComment)
	if _, above := headLine(key.HeadComment); !ok || above {
		return false
	}
	at := s.cursor.seek(value.Line, value.Column)
	if at < 1 || s.data[at-1] != ':' {
		return false
	}
	blanks := len(s.data[at:]) - len(bytes.TrimLeft(s.data[at:], " \t"))
	if blanks == 0 || !s.tokens.reads(at+blanks, line) {
		return false
	}
	m, _, ok := s.read(lastComment(line), s.tokens.behind(at, lastComment(line)))
	if !ok {
		return true
	}
	s.push(key.Value, s.within)
	s.add(m, value, place{start: at, end: at, insert: true, line: value.Line, column: value.Column})
	s.pop()
	return true
}

// read parses a scalar's comment and reports mistakes in it.
func (s *search) read(comment string, o *occurrence) (m marker, line int, ok bool) {
	if o != nil {
		line = o.line
	}
	parsed, known := s.parsed[comment]
	if !known { // the markers of one policy are mostly alike
		parsed.marker, parsed.err = parseMarker(comment)
		s.parsed[comment] = parsed
	}
	m, err := parsed.marker, parsed.err
	var wrong *markerError
	if errors.As(err, &wrong) {
		s.file.report(pinsetter.Error, wrong.code, line, "%s", wrong.message)
	}
	return m, line, err == nil
}

// unsafe are the characters that a value must not hold to be replaced: those of
// escapes, and line breaks, some of which kyaml keeps in a value.
const unsafe = "\"'\\\n\r\u0085\u2028\u2029"

// locateValue returns the place of a node's value. The node starts at offset at
// of a chunk, with its anchor and tag. No position is trusted: the bytes must
// read as the node's value. An error says why the value can't be replaced.
func locateValue(data []byte, at int, node *yaml.Node) (place, error) {
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return place{}, errors.New("its value is a block scalar (| or >), which is left alone: write it behind the key")
	case node.Style&yaml.TaggedStyle != 0 && node.Tag != yaml.NodeTagString:
		return place{}, fmt.Errorf("its value has the explicit tag %s, which a version does not fit: remove the tag", node.Tag)
	}
	start, err := skipProperties(data, at)
	if err != nil {
		return place{}, err
	}
	p := place{start: start, tagged: node.Style&yaml.TaggedStyle != 0}
	switch {
	case node.Style&yaml.DoubleQuotedStyle != 0:
		p.quote = '"'
	case node.Style&yaml.SingleQuotedStyle != 0:
		p.quote = '\''
	case node.Value == "":
		return place{}, errors.New("its value is empty: write one, such as \"\"")
	}
	written := node.Value
	if p.quote != 0 {
		written = string(p.quote) + node.Value + string(p.quote)
	}
	p.end = start + len(written)
	if p.end > len(data) || string(data[start:p.end]) != written || strings.ContainsAny(node.Value, unsafe) || !endsValue(data, p.end) {
		return place{}, errors.New("its value spans lines or holds escapes, and is left alone: write it plainly on one line")
	}
	return p, nil
}

// skipProperties returns the offset of the value behind its anchor and tag.
func skipProperties(data []byte, at int) (int, error) {
	for at < len(data) && (data[at] == '&' || data[at] == '!') {
		end := bytes.IndexAny(data[at:], " \t\r\n")
		if end < 0 {
			return 0, errors.New("its value is empty")
		}
		at += end
		for at < len(data) && (data[at] == ' ' || data[at] == '\t') {
			at++
		}
	}
	if breakAt(data, at) > 0 || at < len(data) && data[at] == '#' { // a comment: no value begins so
		return 0, errors.New("its value stands on another line than its anchor or tag, and is left alone: write it behind them")
	}
	return at, nil
}

// endsValue reports whether a scalar can end before offset at.
func endsValue(data []byte, at int) bool {
	return endsWord(data, at) || strings.IndexByte(",]}:", data[at]) >= 0
}
