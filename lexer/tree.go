package lexer

import "github.com/pinsetter/pinsetter/strict"

// tree makes nodes of tokens.
type tree struct {
	at    int // index of the token to read
	taken int // number of comments that tokens have taken

	// Comments that tokens have taken and no node has.
	head, line, foot string
	stem             string // the head that belongs to a whole item of a sequence

	blocks []*block       // of nodes
	used   int            // number of nodes of them
	lists  []*strict.Node // for the content of nodes
	listed int            // number of them that are used
	stack  []*strict.Node // content of the collections that are being read
	depth  int
}

// block is memory for nodes, which must not move.
type block [blockSize]strict.Node

const blockSize = 64

// deepest is the number of levels from which on a document is left to the parser.
const deepest = 100

// peek returns the token to read, after it took its comments
// (yaml_parser_unfold_comments).
func (l *lexer) peek() *token {
	t := &l.tokens[l.at]
	for l.taken < len(l.comments) {
		c := &l.comments[l.taken]
		if t.start.at < c.token || c.head != "" && t.kind == blockEnd {
			break
		}
		l.head, l.line, l.foot = below(l.head, c.head), below(l.line, c.line), below(l.foot, c.foot)
		l.taken++
	}
	return t
}

// below returns two comments, one below the other.
func below(above, comment string) string {
	switch {
	case comment == "":
		return above
	case above == "":
		return comment
	}
	return above + "\n" + comment
}

// take gives the comments to a node (yaml_parser_set_event_comments).
func (l *lexer) take(n *strict.Node) {
	n.HeadComment, n.LineComment, n.FootComment = l.head, l.line, l.foot
	l.head, l.line, l.foot, l.stem = "", "", "", ""
}

// node returns a new node.
func (l *lexer) node(kind strict.Kind, tag string, at mark) *strict.Node {
	if l.used == len(l.blocks)*blockSize {
		l.blocks = append(l.blocks, new(block))
	}
	n := &l.blocks[l.used/blockSize][l.used%blockSize]
	l.used++
	n.Kind, n.Tag, n.Line, n.Column = kind, tag, at.line+1, at.column+1
	return n
}

// content returns the nodes of the stack from an index on, and takes them off it.
func (l *lexer) content(from int) []*strict.Node {
	n := len(l.stack) - from
	if n == 0 {
		return nil
	}
	if len(l.lists)-l.listed < n { // the lists before stay where they are
		l.lists, l.listed = make([]*strict.Node, max(n, 2*len(l.lists), 2*blockSize)), 0
	}
	list := l.lists[l.listed : l.listed+n : l.listed+n]
	l.listed += n
	copy(list, l.stack[from:])
	l.stack = l.stack[:from]
	return list
}

// document reads the tokens of a document, nil if they are none (yaml_parser_parse_document_start and
// below).
func (l *lexer) document() *strict.Node {
	l.peek()
	l.at++
	t := l.peek()
	if t.kind == streamEnd {
		return nil
	}
	document := l.node(strict.Root, "", t.start)
	if t.kind == documentStart {
		l.at++
		t = l.peek()
	} else {
		document.HeadComment, l.head = splitHead(l.head)
	}
	if t.kind != blockSequence && t.kind != blockMapping {
		return nil
	}
	root := l.read(false)
	if root == nil || l.peek().kind != streamEnd {
		return nil
	}
	document.FootComment = l.foot
	if l.foot == "" {
		document.FootComment = l.head
	}
	l.stack = append(l.stack, root)
	document.Content = l.content(0)
	return document
}

// splitHead splits a comment at its last empty line: what is above belongs to the
// document.
func splitHead(comment string) (document, rest string) {
	for i := len(comment) - 1; i > 0; i-- {
		switch {
		case comment[i] != '\n':
		case i == len(comment)-1:
			return comment[:i], ""
		case comment[i-1] == '\n':
			return comment[:i-1], comment[i+1:]
		}
	}
	return "", comment
}

// read reads a value, nil if it isn't plain (yaml_parser_parse_node). In a mapping,
// the dashes of a sequence may stand as deep as the keys.
func (l *lexer) read(inMapping bool) *strict.Node {
	t := l.peek()
	switch {
	case t.kind == scalar:
		return l.scalar(t)
	case l.depth == deepest:
		return nil
	}
	l.depth++
	defer func() { l.depth-- }()
	switch {
	case t.kind == entry && inMapping:
		return l.sequence(l.node(strict.Sequence, "!!seq", t.start), true)
	case t.kind == blockSequence:
		return l.sequence(l.block(strict.Sequence, "!!seq", t), false)
	case t.kind == blockMapping:
		return l.mapping(l.block(strict.Mapping, "!!map", t))
	case t.kind == flowSequence:
		return l.flowed(strict.Sequence, "!!seq", t, flowSequenceEnd)
	case t.kind == flowMapping:
		return l.flowed(strict.Mapping, "!!map", t, flowMappingEnd)
	}
	return nil
}

// block returns the node of a block collection, and moves into it.
func (l *lexer) block(kind strict.Kind, tag string, t *token) *strict.Node {
	n := l.node(kind, tag, t.start)
	n.HeadComment, l.stem = l.stem, ""
	l.at++
	return n
}

// scalar reads a scalar.
func (l *lexer) scalar(t *token) *strict.Node {
	n := l.node(strict.Scalar, "!!str", t.start)
	n.Value = t.text
	switch {
	case t.quote == '"':
		n.Style = strict.DoubleQuoted
	case t.quote == '\'':
		n.Style = strict.SingleQuoted
	case mayBeOther(t.text):
		n.Tag = ""
		n.Tag = n.ShortTag()
	}
	l.take(n)
	l.at++
	return n
}

// mayBeOther reports whether a plain scalar may be read as something else than a
// string (resolve.go).
func mayBeOther(text string) bool {
	switch c := text[0]; {
	case '0' <= c && c <= '9', c == '+', c == '-', c == '.', c == '~':
		return true
	}
	switch text {
	case "true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL":
		return true
	}
	return false
}

// empty returns the value behind a colon or dash that has none.
func (l *lexer) empty(behind mark) *strict.Node { return l.node(strict.Scalar, "!!null", behind) }

// sequence reads the items of a block sequence
// (yaml_parser_parse_block_sequence_entry, yaml_parser_parse_indentless_sequence_entry).
func (l *lexer) sequence(n *strict.Node, asDeepAsKeys bool) *strict.Node {
	from := len(l.stack)
	for {
		t := l.peek()
		switch {
		case t.kind == entry:
			l.at++
			l.splitStem(len(l.head))
			item := l.item(asDeepAsKeys, t.end())
			if item == nil {
				return nil
			}
			l.stack = append(l.stack, item)
			continue
		case asDeepAsKeys:
		case t.kind == blockEnd:
			l.at++
		default:
			return nil
		}
		n.Content = l.content(from)
		return n
	}
}

// item reads what follows a dash.
func (l *lexer) item(asDeepAsKeys bool, behind mark) *strict.Node {
	switch next := l.peek().kind; {
	case next == entry, next == blockEnd, asDeepAsKeys && (next == key || next == value):
		return l.empty(behind)
	}
	return l.read(false)
}

// splitStem sets the head of n bytes aside that stands above a dash, if a collection
// begins behind it: it belongs to all of that (yaml_parser_split_stem_comment).
func (l *lexer) splitStem(n int) {
	if n == 0 {
		return
	}
	if k := l.peek().kind; k != blockSequence && k != blockMapping {
		return
	}
	l.stem = l.head[:n]
	if len(l.head) == n {
		l.head = ""
	} else {
		l.head = l.head[n+1:]
	}
}

// mapping reads the keys and values of a block mapping
// (yaml_parser_parse_block_mapping_key, parser.mapping of decode.go).
func (l *lexer) mapping(n *strict.Node) *strict.Node {
	from := len(l.stack)
	for {
		switch l.peek().kind {
		case key:
			l.at++
			k := l.scalar(l.peek())
			if k.FootComment != "" && len(l.stack) > from {
				l.stack[len(l.stack)-2].FootComment, k.FootComment = k.FootComment, ""
			}
			v := l.valueOf()
			if v == nil {
				return nil
			}
			moveFoot(k, v)
			l.stack = append(l.stack, k, v)
		case blockEnd:
			head := n.HeadComment
			l.take(n)
			n.HeadComment = head
			l.at++
			if n.FootComment != "" && len(l.stack) > from {
				l.stack[len(l.stack)-2].FootComment, n.FootComment = n.FootComment, ""
			}
			n.Content = l.content(from)
			return n
		default:
			return nil
		}
	}
}

// moveFoot gives the comment below a value to its key.
func moveFoot(k, v *strict.Node) {
	if k.FootComment == "" {
		k.FootComment, v.FootComment = v.FootComment, ""
	}
}

// valueOf reads the value of a key in a block mapping
// (yaml_parser_parse_block_mapping_value).
func (l *lexer) valueOf() *strict.Node {
	t := l.peek()
	if t.kind != value {
		return nil
	}
	l.at++
	switch l.peek().kind {
	case key, value, blockEnd:
		return l.empty(t.end())
	}
	return l.read(true)
}

// flowed reads a collection in flow style (yaml_parser_parse_flow_sequence_entry,
// yaml_parser_parse_flow_mapping_key).
func (l *lexer) flowed(kind strict.Kind, tag string, t *token, end kind) *strict.Node {
	n := l.node(kind, tag, t.start)
	n.Style = strict.Flow
	l.take(n)
	l.at++
	from := len(l.stack)
	for l.peek().kind != end {
		if len(l.stack) > from {
			if l.peek().kind != flowEntry {
				return nil
			}
			l.at++
			if l.peek().kind == end {
				break
			}
		}
		if kind == strict.Mapping {
			k := l.flowKey()
			if k == nil {
				return nil
			}
			l.stack = append(l.stack, k)
		}
		v := l.flowValue()
		if v == nil {
			return nil
		}
		if kind == strict.Mapping {
			moveFoot(l.stack[len(l.stack)-1], v)
		}
		l.stack = append(l.stack, v)
	}
	head := n.HeadComment
	l.take(n)
	n.HeadComment = head
	l.at++
	n.Content = l.content(from)
	return n
}

// flowKey reads a key in flow style, and its colon.
func (l *lexer) flowKey() *strict.Node {
	if l.peek().kind != key {
		return nil
	}
	l.at++
	k := l.scalar(l.peek())
	if l.peek().kind != value {
		return nil
	}
	l.at++
	return k
}

// flowValue reads a value in flow style.
func (l *lexer) flowValue() *strict.Node {
	switch l.peek().kind {
	case scalar, flowSequence, flowMapping:
		return l.read(false)
	}
	return nil
}
