package kustomize

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// Bounds on one build. Kustomize takes 14 times the bytes that it reads in memory,
// some 1.5 KB for each value, and time by the square of the objects, since it looks
// for each among all others (api/resmap/reswrangler.go, Append): 1,000 took 4 s of a
// core, 2,000 took 22 s and 3,000 took 53 s. It does so with the keys of a mapping
// too. What is read twice counts twice: objects are made of it each time.
const (
	maxBytes   = 8 << 20
	maxNodes   = 100_000
	maxObjects = 2_000
	maxKeys    = 5_000 // of one mapping
	maxLevels  = 1000  // of values in values, aliases expanded

	// fewAdded is how many values a kustomization may add to each object without
	// their being counted once an object. Those below it alone get them, and which
	// these are isn't known here.
	fewAdded = 50
)

// smaller is the way out of a build that is too large.
const smaller = "build smaller kustomizations, or build it yourself and pipe the result in (kustomize build | pinsetter … -f -)"

// spent is what kustomize was given.
type spent struct {
	nodes   int
	objects int
	added   int // nodes that each object from here on gets
}

// add reports an error for a file that, with those before, kustomize would need too
// much memory or time for: it has too many values, or more yet where its aliases are
// expanded, or too many objects. What is no YAML has no aliases.
func (s *spent) add(path string, data []byte) error {
	left := maxNodes - s.nodes
	s.nodes += pinsetter.CountNodes(data)
	if s.nodes > maxNodes {
		return s.tooMany(path)
	}
	for _, c := range strict.Split(data) {
		count, err := countObjects(c, &left)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, c.Line, err)
		}
		s.objects += count
		s.nodes += count * s.added
	}
	switch {
	case s.nodes > maxNodes:
		return s.tooMany(path)
	case s.objects > maxObjects:
		return fmt.Errorf("%s: up to this file the build has more than %d objects, for which kustomize takes minutes: %s", path, maxObjects, smaller)
	}
	return nil
}

func (s *spent) tooMany(path string) error {
	return fmt.Errorf("%s: up to this file the build has more than %d values: %s", path, maxNodes, smaller)
}

// errExpanded says that a document takes too much memory or time.
var errExpanded = fmt.Errorf("the document has too many values or levels, its aliases expanded, or more than %d keys in one mapping: "+
	"write it without anchors and aliases, or split it", maxKeys)

// countObjects returns how many objects are in a document, and takes the nodes that
// its aliases stand for off those that are left.
func countObjects(c strict.Document, left *int) (int, error) {
	if bytes.IndexByte(c.Data, ':') < 0 {
		return 0, nil
	}
	plain := !bytes.ContainsAny(c.Data, `&\`) && !bytes.Contains(c.Data, []byte("items")) // nor by escapes
	if plain && pinsetter.CountNodes(c.Data) < maxKeys {
		return 1, nil
	}
	n, failure := c.Parse()
	if failure != nil || n == nil {
		return 1, nil // kustomize says what is wrong
	}
	if !expand(n, left, maxLevels) {
		return 0, errExpanded
	}
	return 1 + items(n), nil
}

// expand takes the nodes that a node's aliases stand for off those that are left, and
// returns false if there are none.
func expand(n *strict.Node, left *int, levels int) bool {
	if levels == 0 || *left < 0 || n.Kind == strict.Mapping && len(n.Content) > 2*maxKeys {
		return false
	}
	*left--
	if n.Alias != nil {
		return expand(n.Alias, left, levels-1)
	}
	for _, child := range n.Content {
		if !expand(child, left, levels-1) {
			return false
		}
	}
	return true
}

// items returns how many objects are in a list, and in the lists in it. The document
// has been expanded.
func items(n *strict.Node) int {
	list := strict.Child(strict.Target(n), "items")
	if list == nil || list.Kind != strict.Sequence {
		return 0
	}
	count := len(list.Content)
	for _, item := range list.Content {
		count += items(item)
	}
	return count
}

// plainFields are the fields of kustomizations that need no object but those that
// they change, each by itself (kustomize 5: api/types/kustomization.go).
var plainFields = []string{
	"apiVersion", "kind", "metadata", "resources", "namespace", "namePrefix", "nameSuffix", "labels", "commonLabels", "commonAnnotations",
	"images", "sortOptions", "buildMetadata",
}

// isPlain reports whether a kustomization has no field but these.
func isPlain(data []byte) bool {
	names, ok := fieldNames(data)
	return ok && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(plainFields, name) })
}

// concerning returns a file with empty lines in place of the objects that aren't
// wanted, so that a folder with thousands of them is built like one that has only
// ours. That is right if all kustomizations around the file are plain. They are known
// by then: kustomize reads a kustomization before its resources.
func concerning(data []byte, wanted func([]byte) bool) []byte {
	kept, line := make([]byte, 0, len(data)), 1
	for i, c := range strict.Split(data) {
		if i > 0 && !bytes.HasPrefix(c.Data, []byte("---")) || bytes.HasPrefix(c.Data, []byte("%")) {
			return data // of directives, or with "..." between documents
		}
		if !wanted(c.Data) && isObject(c) {
			continue
		}
		kept = append(kept, bytes.Repeat([]byte("\n"), c.Line-line)...)
		kept = append(kept, c.Data...)
		line = c.Line + bytes.Count(c.Data, []byte("\n"))
	}
	return kept
}

// isObject reports whether a document is one object, and says so without escapes,
// which may hide what is wanted. What else it is kustomize judges.
func isObject(c strict.Document) bool {
	if bytes.IndexByte(c.Data, '\\') >= 0 || bytes.Contains(c.Data, []byte("!!binary")) {
		return false
	}
	n, failure := c.Parse()
	left := strict.MaxTokens
	if failure != nil || n == nil || n.Kind != strict.Mapping || strict.Measure(n, &left) != nil {
		return false
	}
	name := identityOf(n)
	return name.kind != "" && name.name != ""
}
