package strict

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Node is a value of a document as it is written, with its line.
type Node = yaml.Node

// Kind is the kind of a node.
type Kind = yaml.Kind

// The kinds of nodes.
const (
	Mapping  = yaml.MappingNode
	Sequence = yaml.SequenceNode
	Scalar   = yaml.ScalarNode
	Root     = yaml.DocumentNode // a document: its content is its value
)

// The styles of nodes that are written otherwise than in blocks and plainly.
const (
	Flow         = yaml.FlowStyle
	SingleQuoted = yaml.SingleQuotedStyle
	DoubleQuoted = yaml.DoubleQuotedStyle
)

// Bounds on what is read. A cluster keeps objects of up to 1.5 MiB (etcd's
// default request size); 10,000 objects of 1 kB, the most that we expect in one
// list, stay far below both.
const (
	MaxTokens = 1_000_000 // of one document, as pinsetter.CountNodes has them: bounds what its nodes take in memory
	maxNodes  = 100_000   // of one object, aliases expanded
	maxDepth  = 100       // of one object
)

// errBounds says that an object is too large or too deep to be one of ours.
var errBounds = fmt.Errorf("the object has more than %d values or %d levels, its aliases expanded: "+
	"write it without anchors and aliases", maxNodes, maxDepth)

// Measure reports errBounds for an object that exceeds them. After it, walks that
// follow aliases end.
// The nodes that it visits are taken off those that are left to the document.
func Measure(n *Node, document *int) error {
	left := maxNodes
	err := measureBelow(n, maxDepth, &left)
	*document -= maxNodes - left
	return err
}

func measureBelow(n *Node, depth int, left *int) error {
	*left--
	if depth == 0 || *left < 0 {
		return errBounds
	}
	if n.Kind == yaml.AliasNode {
		return measureBelow(n.Alias, depth-1, left)
	}
	for _, child := range n.Content {
		if err := measureBelow(child, depth-1, left); err != nil {
			return err
		}
	}
	return nil
}

// Target returns what an alias stands for, and other nodes as they are.
func Target(n *Node) *Node {
	for range maxDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// Field is one key of a mapping and its value, which is never an alias.
type Field struct {
	Key   *Node
	Value *Node
}

// Fields returns a mapping's fields in order, those of merge keys (<<) last and
// only where the mapping has none of that name. Keys that repeat are all
// returned.
func Fields(mapping *Node) []Field {
	list := make([]Field, 0, len(mapping.Content)/2)
	var merged []*Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := Target(mapping.Content[i]), Target(mapping.Content[i+1])
		if key.Kind == Scalar && key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		list = append(list, Field{key, value})
	}
	if len(merged) == 0 {
		return list
	}
	names := make(map[string]bool, len(list))
	for _, f := range list {
		names[f.Key.Value] = true
	}
	for _, value := range merged {
		list = mergeFields(list, names, value)
	}
	return list
}

// mergeFields adds the fields of a merged mapping, or of a list of them, whose
// names are new.
func mergeFields(list []Field, names map[string]bool, value *Node) []Field {
	if value.Kind == Sequence {
		for _, item := range value.Content {
			if item = Target(item); item.Kind == Mapping {
				list = mergeFields(list, names, item)
			}
		}
		return list
	}
	if value.Kind != Mapping {
		return list
	}
	for _, f := range Fields(value) {
		if !names[f.Key.Value] {
			names[f.Key.Value] = true
			list = append(list, f)
		}
	}
	return list
}

// Lookup returns the field of that name, or nil.
func Lookup(list []Field, name string) *Field {
	for i := range list {
		if list[i].Key.Value == name {
			return &list[i]
		}
	}
	return nil
}

// Child returns the value of a mapping's field, or nil.
func Child(n *Node, name string) *Node {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	if f := Lookup(Fields(n), name); f != nil {
		return f.Value
	}
	return nil
}

// Text returns a scalar's value, and "" for other nodes.
func Text(n *Node) string {
	if n == nil || n.Kind != Scalar || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// Locate returns the line of a field such as "spec.exclusionList[2]" in the
// parser's count, and that of its nearest parent where the field is missing.
func Locate(n *Node, line int, path string) int {
	for path != "" && n != nil {
		next, at, rest := step(n, path)
		if next == nil {
			return line
		}
		n, line, path = next, at, rest
	}
	return line
}

// step follows the first element of path. Keys may hold dots: the first key that
// path starts with is taken.
func step(n *Node, path string) (next *Node, line int, rest string) {
	if n.Kind == Sequence {
		index, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil, 0, ""
		}
		return Target(n.Content[i]), n.Content[i].Line, strings.TrimPrefix(rest, ".")
	}
	if n.Kind != Mapping {
		return nil, 0, ""
	}
	for _, f := range Fields(n) {
		rest, found := strings.CutPrefix(path, f.Key.Value)
		if found && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return f.Value, f.Key.Line, strings.TrimPrefix(rest, ".")
		}
	}
	return nil, 0, ""
}

// Exists reports whether a field such as "spec.exclusionList[2]" is there.
func Exists(n *Node, path string) bool {
	for path != "" && n != nil {
		n, _, path = step(n, path)
	}
	return n != nil
}

// Direct returns the value of a mapping's own field, without looking at merge
// keys, so that it is safe before Measure.
func Direct(n *Node, name string) *Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
