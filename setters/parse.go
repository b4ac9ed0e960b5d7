package setters

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/lexer"
)

// read returns what parse does, without asking kyaml where the lexer can tell. Nodes
// may share their strings with all of the chunk: clone what is kept.
func read(data []byte) (documents []*yaml.Node, release func(), err error) {
	if document, release := lexer.Parse(string(data)); document != nil {
		return []*yaml.Node{document}, release, nil
	}
	return ask(data)
}

// ask is parse as a reader.
func ask(data []byte) (documents []*yaml.Node, release func(), err error) {
	documents, err = parse(data)
	return documents, func() {}, err
}

// parse returns the documents of a chunk, or an error if one is malformed. It
// doesn't expand aliases, so none of them can blow up. Lines and columns are
// those of the chunk: a line break of two bytes counts once.
func parse(data []byte) (documents []*yaml.Node, err error) {
	defer func() {
		// The parser panics on a few malformed inputs (go-yaml/yaml#666 and its kin).
		if r := recover(); r != nil {
			documents, err = nil, fmt.Errorf("parser gave up: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(unified(data)))
	for {
		document := new(yaml.Node)
		err := decoder.Decode(document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
}

// unified returns data with each CRLF and lone CR as LF. kyaml counts a CRLF as
// two breaks when it gathers comments, and so gives a comment above an item to
// the item before. Flux's reader (kio.ByteReader) replaces CRLF too.
func unified(data []byte) []byte {
	if bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}

// errorLine matches the line in a message of kyaml's.
var errorLine = pinsetter.Pattern(`^yaml: line (\d+): `)

// explain returns kyaml's complaint and its line in the chunk; 0 if it names
// none.
func explain(err error) (message string, line int) {
	message = err.Error()
	if m := errorLine().FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		return message[len(m[0]):], line
	}
	return strings.TrimPrefix(message, "yaml: "), 0
}

// child returns the value of a mapping's key, following one alias. It returns
// nil if node is no mapping or lacks the key.
func child(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key && node.Content[i].Kind == yaml.ScalarNode {
			return target(node.Content[i+1])
		}
	}
	return nil
}

// target returns the node that an alias refers to, and any other node itself.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// text returns the value of a mapping's key if that is a scalar, else "".
func text(node *yaml.Node, key string) string {
	if value := child(node, key); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}
