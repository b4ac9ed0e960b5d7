package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on what is read. A cluster keeps objects of up to 1.5 MiB (etcd's
// default request size); 10,000 objects of 1 kB, the most that we expect in one
// list, stay far below both.
const (
	maxFileBytes = 32 << 20
	maxTokens    = 2_000_000 // of one document, as tokens counts them: bounds what its nodes take in memory
	maxNodes     = 100_000   // of one object, aliases expanded
	maxDepth     = 100       // of one object
)

// errBounds says that an object is too large or too deep to be one of ours.
var errBounds = fmt.Errorf("the object has more than %d values or %d levels, its aliases expanded: "+
	"write it without anchors and aliases", maxNodes, maxDepth)

// measure reports errBounds for an object that exceeds them. After it, walks that
// follow aliases end.
// The nodes that it visits are taken off those that are left to the document.
func measure(n *yaml.Node, document *int) error {
	left := maxNodes
	err := measureBelow(n, maxDepth, &left)
	*document -= maxNodes - left
	return err
}

func measureBelow(n *yaml.Node, depth int, left *int) error {
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

// target returns what an alias stands for, and other nodes as they are.
func target(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// field is one key of a mapping and its value, which is never an alias.
type field struct {
	key   *yaml.Node
	value *yaml.Node
}

// fields returns a mapping's fields in order, those of merge keys (<<) last and
// only where the mapping has none of that name. Keys that repeat are all
// returned.
func fields(mapping *yaml.Node) []field {
	list := make([]field, 0, len(mapping.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := target(mapping.Content[i]), target(mapping.Content[i+1])
		if key.Kind == yaml.ScalarNode && key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		list = append(list, field{key, value})
	}
	if len(merged) == 0 {
		return list
	}
	names := make(map[string]bool, len(list))
	for _, f := range list {
		names[f.key.Value] = true
	}
	for _, value := range merged {
		list = mergeFields(list, names, value)
	}
	return list
}

// mergeFields adds the fields of a merged mapping, or of a list of them, whose
// names are new.
func mergeFields(list []field, names map[string]bool, value *yaml.Node) []field {
	if value.Kind == yaml.SequenceNode {
		for _, item := range value.Content {
			if item = target(item); item.Kind == yaml.MappingNode {
				list = mergeFields(list, names, item)
			}
		}
		return list
	}
	if value.Kind != yaml.MappingNode {
		return list
	}
	for _, f := range fields(value) {
		if !names[f.key.Value] {
			names[f.key.Value] = true
			list = append(list, f)
		}
	}
	return list
}

// lookup returns the field of that name, or nil.
func lookup(list []field, name string) *field {
	for i := range list {
		if list[i].key.Value == name {
			return &list[i]
		}
	}
	return nil
}

// child returns the value of a mapping's field, or nil.
func child(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	if f := lookup(fields(n), name); f != nil {
		return f.value
	}
	return nil
}

// text returns a scalar's value, and "" for other nodes.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// locate returns the line of a field such as "spec.exclusionList[2]" in the
// parser's count, and that of its nearest parent where the field is missing.
func locate(n *yaml.Node, line int, path string) int {
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
func step(n *yaml.Node, path string) (next *yaml.Node, line int, rest string) {
	if n.Kind == yaml.SequenceNode {
		index, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil, 0, ""
		}
		return target(n.Content[i]), n.Content[i].Line, strings.TrimPrefix(rest, ".")
	}
	if n.Kind != yaml.MappingNode {
		return nil, 0, ""
	}
	for _, f := range fields(n) {
		rest, found := strings.CutPrefix(path, f.key.Value)
		if found && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return f.value, f.key.Line, strings.TrimPrefix(rest, ".")
		}
	}
	return nil, 0, ""
}
