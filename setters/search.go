package setters

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// search finds the markers of one chunk. It visits the nodes in file order.
type search struct {
	file   *File
	chunk  chunk
	data   []byte // the chunk's bytes
	tokens *tokens
	cursor *cursor
	trail
	first  int                     // index in file.Sites of the chunk's first site
	sites  map[siteKey]int         // index in file.Sites
	broken map[siteKey]int         // line of a marker whose value can't be replaced
	within *yaml.Node              // the mapping being visited
	parsed map[string]parsedMarker // by comment
}

// parsedMarker is the result of parseMarker.
type parsedMarker struct {
	marker marker
	err    error
}

// scope is the unit that sites are gathered in: a document, or an item of a
// List.
type scope struct {
	document int
	item     int // -1 outside a List
	object   pinsetter.Object
	chart    bool       // a Chart.yaml
	sealed   bool       // SOPS covers all of it
	root     *yaml.Node // of the document; nil in an item
	node     *yaml.Node // of the document or item
}

// siteKey identifies a site in a file.
type siteKey struct {
	document, item int
	policy         pinsetter.Name
}

func newSearch(file *File, c chunk) *search {
	data := file.data[c.start:c.end]
	firstLine := 1 + bytes.Count(file.data[:c.start], []byte("\n"))
	return &search{
		file:   file,
		chunk:  c,
		data:   data,
		tokens: newTokens(data, firstLine),
		cursor: newCursor(data),
		first:  len(file.Sites),
		sites:  map[siteKey]int{},
		broken: map[siteKey]int{},
		parsed: map[string]parsedMarker{},
	}
}

// run adds the chunk's sites and findings to the file.
func (s *search) run() {
	s.file.CommentedOut += s.tokens.commentedOut
	if s.isTooLarge() {
		return
	}
	documents, release, err := s.file.read(s.data)
	defer release()
	if err != nil {
		s.unparsable(err)
		s.nearMisses(nil)
		return
	}
	s.documents(documents)
}

// isTooLarge reports, also in a finding, whether the chunk must not be parsed.
func (s *search) isTooLarge() bool {
	n := pinsetter.CountNodes(s.data)
	if n > MaxNodes {
		s.file.report(pinsetter.Error, CodeTooLarge, s.tokens.firstLine,
			"the document has about %d values: one with markers may have %d; split it", n, MaxNodes)
	}
	return n > MaxNodes
}

// documents adds the sites and findings of the chunk's documents.
func (s *search) documents(documents []*yaml.Node) {
	for i, document := range documents {
		if len(document.Content) == 1 {
			s.document(document.Content[0], s.chunk.document+i)
		}
	}
	s.leftovers()
	s.nearMisses(documents)
	s.dropBroken()
}

// unparsable reports a chunk's syntax error, unless the chunk only mentions the
// token.
func (s *search) unparsable(err error) {
	o, glued := s.tokens.attempted()
	if o == nil {
		return
	}
	message, line := explain(err)
	message = strict.Complaint(message, s.file.data[s.chunk.start:s.chunk.end], line)
	if line > 0 {
		message = fmt.Sprintf("around line %d: %s", line+s.tokens.firstLine-1, message)
	}
	if glued {
		message += "; " + missingBlank
	}
	s.file.report(pinsetter.Error, CodeUnparsable, o.line, "the document of this marker is not valid YAML and is left alone: %s", message)
}

// document visits a document, item by item if it is a List.
func (s *search) document(root *yaml.Node, index int) {
	whole := scope{document: index, item: -1, object: objectOf(root), chart: isChart(s.file.path, root), sealed: isSealed(root), root: root, node: root}
	s.scope = whole
	items := child(root, "items")
	if !strings.HasSuffix(whole.object.Kind, "List") || items == nil || items.Kind != yaml.SequenceNode {
		s.node(root)
		return
	}
	s.mapping(root, func(key, value *yaml.Node) {
		if value != items {
			s.value(key, value)
			return
		}
		for i, item := range items.Content {
			s.scope = scope{document: index, item: i, object: objectOf(target(item)), sealed: whole.sealed, node: target(item)}
			s.node(item)
		}
		s.scope = whole
	})
}

// node visits a value.
func (s *search) node(node *yaml.Node) {
	switch node.Kind {
	case yaml.ScalarNode:
		s.scalar(node)
	case yaml.AliasNode:
		at := s.locate(node, node.HeadComment, node.LineComment)
		s.stray(at, node, "an alias is not a value of its own: put the marker behind the anchored value")
	case yaml.MappingNode:
		s.mapping(node, s.value)
	case yaml.SequenceNode:
		at := s.locate(node, node.HeadComment, node.LineComment)
		for _, item := range node.Content {
			s.push("[]", nil)
			s.node(item)
			s.pop()
		}
		s.stray(at, node, "it belongs to a sequence, not to a value: put it behind the value, one item a line")
	}
}

// mapping visits a mapping, and calls visit for its values.
func (s *search) mapping(node *yaml.Node, visit func(key, value *yaml.Node)) {
	at := s.locate(node, node.HeadComment, node.LineComment)
	for i := 0; i+1 < len(node.Content); i += 2 {
		s.within = node
		visit(node.Content[i], node.Content[i+1])
	}
	s.stray(at, node, "it belongs to a mapping, not to a value: put it behind the value, one key a line")
}

// value visits a key and its value.
func (s *search) value(key, value *yaml.Node) {
	if s.empty(key, value) {
		return
	}
	at := s.locate(key, key.HeadComment, key.LineComment, key.Value)
	s.stray(at, key, "it belongs to the key, not to a value: put it behind the value, on the value's line")
	s.prose(at, key)
	s.push(key.Value, s.within)
	s.node(value)
	s.pop()
}

// locate returns the node's offset in the chunk if one of texts holds the
// token, else -1, since then nobody needs it.
func (s *search) locate(node *yaml.Node, texts ...string) int {
	for _, t := range texts {
		if strings.Contains(t, token) {
			return s.cursor.seek(node.Line, node.Column)
		}
	}
	return -1
}

// stray reports the markers in comments that kyaml gives to a node which isn't
// a value.
func (s *search) stray(at int, node *yaml.Node, reason string) {
	if at < 0 {
		return
	}
	if line, ok := headLine(node.HeadComment); ok {
		s.notAttached(s.tokens.above(at, line), line, reason)
	}
	if line, ok := tokenLine(node.LineComment); ok {
		s.notAttached(s.tokens.behind(at, line), line, reason)
	}
}

// notAttached reports a marker that belongs to no value. A comment that only
// mentions the word is none.
func (s *search) notAttached(o *occurrence, comment, reason string) {
	if _, err := parseMarker(comment); o == nil || errors.Is(err, errNoMarker) {
		return
	}
	s.file.report(pinsetter.Warning, CodeNotAttached, o.line, "the marker is without effect: %s", reason)
}

// prose claims tokens that are part of a scalar's text.
func (s *search) prose(at int, node *yaml.Node) {
	if at < 0 || node.Kind != yaml.ScalarNode {
		return
	}
	n := strings.Count(node.Value, token)
	o := s.tokens.text(at, n)
	if o == nil || !attempt().MatchString(node.Value) {
		return
	}
	message := "the marker is without effect: it is part of a text, not a comment"
	if node.Style == 0 && s.tokens.glued(o) {
		message += ": " + missingBlank
	}
	s.file.report(pinsetter.Warning, CodeInText, o.line, "%s", message)
}

// leftovers reports the markers that no node claimed, such as comments at the
// end of a document or below a value.
func (s *search) leftovers() {
	for i := range s.tokens.all {
		o := &s.tokens.all[i]
		if o.claimed || o.out {
			continue
		}
		line, start := s.tokens.lineOf(o)
		if hash := bytes.IndexByte(line, '#'); hash >= 0 && start+hash < o.at {
			s.notAttached(o, string(line[hash:]), "no value follows it: put it behind the value, on the value's line")
			s.tokens.claim(i, start+len(line))
		}
	}
}
