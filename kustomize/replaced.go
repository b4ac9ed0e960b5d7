package kustomize

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter/strict"
)

// maxReplaced bounds the bytes that the replacements of a build copy into objects.
const maxReplaced = 8 << 20

// replacing is what the replacements of a build copy, as far as it is read: each the
// largest value that its source may be, into each object that its targets may be.
type replacing struct {
	all     []replacement
	sources map[string]map[string]int // the bytes of objects, by kind and name; "" is of other files
	objects map[string]int            // by kind
}

// replacement is one source and its targets (kustomize 5: api/types/replacement.go).
type replacement struct {
	kind    string // of the source; "" may be any
	name    string // the same; the object's own may have a prefix or a suffix less
	literal int    // bytes of the value, if it stands there; -1: it doesn't
	targets []replaced
}

// replaced is one target.
type replaced struct {
	kind  string // "" may be any
	paths int
	many  bool // a path may be of several values in an object
}

// read adds the replacements of a kustomization, and those of the files that it names.
func (r *replacing) read(l *localFiles, path string, data []byte) {
	for _, c := range strict.Split(data) {
		n, failure := c.Parse()
		left := strict.MaxTokens
		if failure != nil || n == nil || n.Kind != strict.Mapping || strict.Measure(n, &left) != nil {
			continue // kustomize says what is wrong
		}
		for _, f := range strict.Fields(n) {
			if isKey(f.Key.Value, []string{"replacements"}) {
				r.entries(l, filepath.Dir(path), f.Value)
			}
		}
	}
}

// entries adds a list of replacements, which name files or are written there.
func (r *replacing) entries(l *localFiles, dir string, list *strict.Node) {
	for _, entry := range strict.Target(list).Content {
		entry = strict.Target(entry)
		file := strict.Text(strict.Child(entry, "path"))
		if file == "" {
			r.add(entry)
			continue
		}
		data, _ := l.load(filepath.Join(dir, file)) // kustomize says why it can't be read
		for _, c := range strict.Split(data) {
			n, failure := c.Parse()
			left := strict.MaxTokens
			switch {
			case failure != nil || n == nil || strict.Measure(n, &left) != nil:
			case n.Kind == strict.Sequence:
				for _, inner := range n.Content {
					r.add(strict.Target(inner))
				}
			default:
				r.add(n)
			}
		}
	}
}

func (r *replacing) add(n *strict.Node) {
	source := strict.Child(n, "source")
	one := replacement{kind: strict.Text(strict.Child(source, "kind")), name: strict.Text(strict.Child(source, "name")), literal: -1}
	if value := strict.Child(n, "sourceValue"); value != nil {
		one.literal = len(strict.Text(value))
	}
	targets := strict.Child(n, "targets")
	if targets == nil {
		return
	}
	for _, target := range strict.Target(targets).Content {
		target = strict.Target(target)
		to := replaced{kind: strict.Text(strict.Child(strict.Child(target, "select"), "kind")), paths: 1}
		if paths := strict.Child(target, "fieldPaths"); paths != nil {
			to.paths = max(len(strict.Target(paths).Content), 1)
			for _, path := range strict.Target(paths).Content {
				to.many = to.many || strings.Contains(strict.Text(strict.Target(path)), "*")
			}
		}
		one.targets = append(one.targets, to)
	}
	r.all = append(r.all, one)
}

// file adds the objects of a file, or a kustomization that may make some.
func (r *replacing) file(path string, data []byte) {
	if r.sources == nil {
		r.sources, r.objects = map[string]map[string]int{}, map[string]int{}
	}
	if isKustomization(path) {
		if bytes.Contains(data, []byte("enerator")) || bytes.Contains(data, []byte("atch")) {
			r.source("", "", len(data))
		}
		return
	}
	for _, c := range strict.Split(data) {
		var name identity
		if n, failure := c.Parse(); failure == nil && n != nil && n.Kind == strict.Mapping {
			name = identityOf(n)
		}
		if strings.HasSuffix(name.kind, "List") {
			name.kind = "" // of whatever is in it
		}
		r.source(name.kind, name.name, len(c.Data))
		r.objects[name.kind]++
	}
}

func (r *replacing) source(kind, name string, size int) {
	if r.sources[kind] == nil {
		r.sources[kind] = map[string]int{}
	}
	r.sources[kind][name] = max(r.sources[kind][name], size)
}

// largest returns the bytes of the largest object that a replacement may copy from.
func (r *replacing) largest(one replacement) int {
	named, all := 0, 0
	for kind, objects := range r.sources {
		if kind != one.kind && kind != "" && one.kind != "" {
			continue
		}
		for name, size := range objects {
			all = max(all, size)
			if strings.Contains(one.name, name) {
				named = max(named, size)
			}
		}
	}
	return cmp.Or(named, all)
}

// bytes returns how many bytes are copied at most. Of lists and of what has no kind
// any object may come, as many as the build has.
func (r *replacing) bytes(s *spent) int {
	total := 0
	for _, one := range r.all {
		size := one.literal
		if size < 0 {
			size = r.largest(one)
		}
		for _, to := range one.targets {
			times := r.objects[to.kind]
			if to.kind == "" || r.objects[""] > 0 {
				times = s.objects
			}
			if to.many {
				times = s.nodes
			}
			total += min(size*min(times*to.paths, maxReplaced), maxReplaced+1)
		}
		if total > maxReplaced {
			return total
		}
	}
	return total
}

// check reports an error for a file up to which replacements copy too much.
func (r *replacing) check(path string, s *spent) error {
	if len(r.all) > 0 && r.bytes(s) > maxReplaced {
		return fmt.Errorf("%s: up to this file the build's replacements may copy more than %d MiB into its objects: "+
			"say in each which kind its source and its targets have, keep the source small, or build it yourself and pipe the result in (kustomize build | pinsetter … -f -)",
			path, maxReplaced>>20)
	}
	return nil
}
