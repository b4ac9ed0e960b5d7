package kustomize

import (
	"bytes"
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"

	"github.com/pinsetter/pinsetter/strict"
)

// piece is an object in a file, or another document of it.
type piece struct {
	path string
	node *strict.Node
	line int // of the first line of the document
	name identity
}

// identity is what an object is known by: "" for what it doesn't say.
type identity struct{ kind, namespace, name string }

func identityOf(n *strict.Node) identity {
	metadata := strict.Child(n, "metadata")
	return identity{strict.Text(strict.Child(n, "kind")), strict.Text(strict.Child(metadata, "namespace")), strict.Text(strict.Child(metadata, "name"))}
}

// at returns the line of a node in the file.
func (p piece) at(n *strict.Node) int { return n.Line + p.line - 1 }

// trace finds the lines of an object in the sources: in the file that kustomize
// names as its origin, or the generator, else in all files that were read. An object
// that isn't found there is the kustomization's.
func (l *localFiles) trace(data []byte, from *resource.Origin) Object {
	document := strict.Document{Data: data, Line: 1}
	result, failure := document.Parse()
	if failure != nil {
		result = nil
	}
	var found piece
	switch {
	case from != nil && from.Path != "":
		found = l.find(result, filepath.Join(l.base, from.Path))
	case from != nil && from.ConfiguredIn != "":
		found = l.maker(result, filepath.Join(l.base, from.ConfiguredIn))
	}
	if found.node == nil { // a patch may replace the annotation that names the origin
		found = cmp.Or(l.find(result, slices.Sorted(maps.Keys(l.read))...), found)
	}
	if found.path == "" {
		found.path = filepath.Join(l.base, kustomizationNames[0])
		for _, name := range kustomizationNames {
			if path := filepath.Join(l.base, name); l.read[path] != nil {
				found.path = path
			}
		}
	}
	return Object{Path: l.shown(found.path), Data: data, Lines: found.lines(result, bytes.Count(data, []byte("\n"))+1)}
}

// pieces returns the objects in a file that was read.
func (l *localFiles) pieces(path string) []piece {
	if known, ok := l.parsed[path]; ok {
		return known
	}
	var all []piece
	for _, document := range strict.Split(l.read[path]) {
		n, failure := document.Parse()
		left := strict.MaxTokens
		if failure != nil || n == nil || n.Kind != strict.Mapping || strict.Measure(n, &left) != nil {
			continue
		}
		items := strict.Child(n, "items")
		if !strings.HasSuffix(strict.Text(strict.Child(n, "kind")), "List") || items == nil || items.Kind != strict.Sequence {
			all = append(all, piece{path, n, document.Line, identityOf(n)})
			continue
		}
		for _, item := range items.Content {
			item = strict.Target(item)
			all = append(all, piece{path, item, document.Line, identityOf(item)})
		}
	}
	l.parsed[path] = all
	return all
}

// find returns the object in these files that became the result. Without one that
// is nearest, it has the path of a single file and nothing else.
func (l *localFiles) find(result *strict.Node, paths ...string) piece {
	var found piece
	if len(paths) == 1 {
		found.path = paths[0]
	}
	best, several, name := 0, false, identityOf(result)
	for _, path := range paths {
		for _, p := range l.pieces(path) {
			switch near := nearness(name, p.name); {
			case near > best:
				found, best, several = p, near, false
			case near == best && near > 0:
				several = true
			}
		}
	}
	if several && len(paths) > 1 {
		return piece{} // a base and its patch, or two bases of one name
	}
	return found
}

// nearness says how much of a source's name the result still has: 0 is nothing.
func nearness(result, source identity) int {
	if source.name == "" || result.kind != source.kind || !strings.Contains(result.name, source.name) {
		return 0
	}
	near := 2 * len(source.name)
	if result.name == source.name {
		near += 1 << 20
	}
	if result.namespace == source.namespace {
		near++
	}
	return near
}

// maker returns the entry of a kustomization that generates the result.
func (l *localFiles) maker(result *strict.Node, path string) piece {
	found, made := piece{path: path}, identityOf(result).name
	for _, p := range l.pieces(path) {
		for _, f := range strict.Fields(p.node) {
			if !strings.HasSuffix(f.Key.Value, "Generator") || f.Value.Kind != strict.Sequence {
				continue
			}
			for _, entry := range f.Value.Content {
				name := strict.Text(strict.Child(strict.Target(entry), "name"))
				if name != "" && strings.Contains(made, name) {
					found = piece{path: path, node: strict.Target(entry), line: p.line}
				}
			}
		}
	}
	return found
}

// lines returns where each of the result's lines comes from: a field from the field
// of the same name, what the source lacks from what is around it.
func (p piece) lines(result *strict.Node, count int) []int {
	lines := make([]int, count)
	first := 1
	if p.node != nil {
		first = p.at(p.node)
		if len(p.node.Content) > 0 {
			first = p.at(p.node.Content[0])
		}
	}
	if result != nil {
		p.match(result, p.node, first, lines)
	}
	lines[0] = first
	for i := range lines {
		if lines[i] == 0 {
			lines[i] = lines[i-1]
		}
	}
	return lines
}

// match notes the lines of a value's parts. At is the line of what is around them.
func (p piece) match(result, source *strict.Node, at int, lines []int) {
	switch result.Kind {
	case strict.Mapping:
		for _, f := range strict.Fields(result) {
			line, value := at, (*strict.Node)(nil)
			if source != nil && source.Kind == strict.Mapping {
				if was := strict.Lookup(strict.Fields(source), f.Key.Value); was != nil {
					line, value = p.at(was.Key), was.Value
				}
			}
			lines[f.Key.Line-1] = line
			p.match(f.Value, value, line, lines)
		}
	case strict.Sequence:
		for i, element := range result.Content {
			line, was := at, counterpart(element, i, source)
			if was != nil {
				line = p.at(was)
			}
			lines[element.Line-1] = line
			p.match(element, was, line, lines)
		}
	}
}

// counterpart returns the element of a source's list that became the result's i-th:
// of the same text or name, else the i-th.
func counterpart(element *strict.Node, i int, source *strict.Node) *strict.Node {
	if source == nil || source.Kind != strict.Sequence {
		return nil
	}
	for _, was := range source.Content {
		was = strict.Target(was)
		same := element.Kind == strict.Scalar && was.Kind == strict.Scalar && was.Value == element.Value
		name := strict.Text(strict.Child(element, "name"))
		if same || name != "" && strict.Text(strict.Child(was, "name")) == name {
			return was
		}
	}
	if i < len(source.Content) {
		return strict.Target(source.Content[i])
	}
	return nil
}
