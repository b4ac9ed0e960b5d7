package kustomize

import (
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// addedFields are the fields of kustomizations whose values each object gets.
var addedFields = []string{"labels", "commonLabels", "commonAnnotations"}

// added returns how many values a kustomization adds to each object: labels,
// annotations, and patches of any number of objects, which it reads. They count from
// fewAdded on.
func (l *localFiles) added(path string, data []byte) int {
	count := 0
	for _, c := range strict.Split(data) {
		n, failure := c.Parse()
		left := strict.MaxTokens
		if failure != nil || n == nil || n.Kind != strict.Mapping || strict.Measure(n, &left) != nil {
			continue // kustomize says what is wrong
		}
		for _, f := range strict.Fields(n) {
			switch {
			case isKey(f.Key.Value, addedFields):
				count += size(f.Value)
			case isKey(f.Key.Value, []string{"patches"}) && f.Value.Kind == strict.Sequence:
				for _, patch := range f.Value.Content {
					count += l.repeated(filepath.Dir(path), strict.Target(patch))
				}
			}
		}
	}
	if count <= fewAdded {
		return 0
	}
	return count
}

// repeated returns how many values a patch has, if its target may be many objects:
// it has one, whose name is missing or a pattern.
func (l *localFiles) repeated(dir string, patch *strict.Node) int {
	target := strict.Child(patch, "target")
	name := strict.Text(strict.Child(target, "name"))
	if target == nil || name != "" && !strings.ContainsAny(name, `*+?|[]{}()\^$`) {
		return 0
	}
	data := []byte(strict.Text(strict.Child(patch, "patch")))
	if file := strict.Text(strict.Child(patch, "path")); file != "" {
		data, _ = l.load(filepath.Join(dir, file)) // kustomize says why it can't be read
	}
	return pinsetter.CountNodes(data)
}

// size returns how many nodes a node is, aliases expanded. The node was measured.
func size(n *strict.Node) int {
	count := 1
	for _, child := range strict.Target(n).Content {
		count += size(child)
	}
	return count
}
