package oci

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// The groups whose objects are read.
const (
	helmGroup      = "helm.toolkit.fluxcd.io/"
	kustomizeGroup = "kustomize.toolkit.fluxcd.io/"
	sourceGroup    = "source.toolkit.fluxcd.io/"
)

// file is a YAML file.
type file struct {
	migrate.File
	lines [][]byte // with their ends
}

// object is an object as it is written.
type object struct {
	file     *file
	document setters.Document
	root     *strict.Node
	spec     *strict.Node // nil: none
	version  string
	kind     string
	name     pinsetter.Name // without a namespace if none is written
	line     int
}

func (o *object) is(group, kind string) bool {
	return o.kind == kind && strings.HasPrefix(o.version, group)
}

func (o *object) String() string { return o.kind + " " + strings.TrimPrefix(o.name.String(), "/") }

func (o *object) place() string { return fmt.Sprintf("%s:%d", o.file.Path, o.line) }

// isPatch reports whether an object lacks what the whole object must have.
func (o *object) isPatch() bool {
	needed := "interval"
	if o.kind == "HelmRepository" {
		needed = "url" // of type oci it needs no interval
	}
	return strict.Child(o.spec, needed) == nil
}

// isGenerated reports whether Flux wrote the file and writes it anew.
func (o *object) isGenerated() bool {
	return path.Base(o.file.Path) == "gotk-sync.yaml" || bytes.Contains(o.file.Data[:min(len(o.file.Data), 300)], []byte("DO NOT EDIT"))
}

// folder returns the folder whose objects a source is for: its own, and for that of
// flux bootstrap the cluster's.
func (o *object) folder() string {
	dir := path.Dir(o.file.Path)
	if path.Base(o.file.Path) == "gotk-sync.yaml" {
		dir = path.Dir(dir)
	}
	return dir
}

// world is what the files hold.
type world struct {
	files   []*file
	objects []*object
	patches []patch
}

// patch is a patch in a kustomization.
type patch struct {
	place  string
	target string // the name that it is for; "": any
	text   string
}

// read reads the files.
func read(files []migrate.File) world {
	var w world
	for _, given := range files {
		sheet, err := setters.Read(given.Path, given.Data)
		if err != nil || !setters.IsCandidate(given.Path) {
			continue
		}
		f := &file{File: given, lines: bytes.SplitAfter(given.Data, []byte("\n"))}
		if len(f.lines[len(f.lines)-1]) == 0 {
			f.lines = f.lines[:len(f.lines)-1]
		}
		w.files = append(w.files, f)
		for _, d := range sheet.Documents {
			left := strict.MaxTokens
			if d.Root != nil && d.Root.Kind == strict.Mapping && strict.Measure(d.Root, &left) == nil {
				w.add(f, d)
			}
		}
	}
	return w
}

// add adds what a document holds.
func (w *world) add(f *file, d setters.Document) {
	o := &object{file: f, document: d, root: d.Root, spec: strict.Child(d.Root, "spec"), version: textOf(d.Root, "apiVersion"), kind: textOf(d.Root, "kind")}
	metadata := strict.Child(d.Root, "metadata")
	o.name = pinsetter.Name{Namespace: textOf(metadata, "namespace"), Name: textOf(metadata, "name")}
	if len(d.Root.Content) > 0 {
		o.line = d.LineOf(d.Root.Content[0])
	}
	if o.kind != "" && (o.name.Name != "" || o.kind == "List") {
		w.objects = append(w.objects, o)
	}
	// Patches in files of their own are objects.
	if isKustomization := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".yaml"), ".yml") == "kustomization"; isKustomization || strings.HasPrefix(o.version, "kustomize.config.k8s.io/") {
		for _, field := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
			w.patchesIn(o, strict.Child(o.root, field))
		}
	}
	if o.is(kustomizeGroup, "Kustomization") {
		w.patchesIn(o, strict.Child(o.spec, "patches"))
	}
}

func (w *world) patchesIn(o *object, list *strict.Node) {
	if list == nil || list.Kind != strict.Sequence {
		return
	}
	for _, item := range list.Content {
		item = strict.Target(item)
		var texts []string
		walk(item, func(n *strict.Node) {
			if n.Kind == strict.Scalar {
				texts = append(texts, n.Value)
			}
		})
		w.patches = append(w.patches, patch{
			place:  fmt.Sprintf("%s:%d", o.file.Path, o.document.LineOf(item)),
			target: textOf(strict.Child(item, "target"), "name"), text: strings.Join(texts, "\n"),
		})
	}
}

// patched returns where a field of an object is patched, "" if nowhere.
func (w *world) patched(o *object, field string) string {
	for _, other := range w.objects {
		if other != o && other.kind == o.kind && other.name.Name == o.name.Name && other.isPatch() && strict.Child(other.spec, field) != nil {
			return other.place()
		}
	}
	for _, p := range w.patches {
		mayBe := p.target == "" && (strings.Contains(p.text, o.name.Name) || !strings.Contains(p.text, "name:")) || p.target == o.name.Name || strings.ContainsAny(p.target, "*.|[")
		if mayBe && strings.Contains(p.text, o.kind) && strings.Contains(p.text, field) {
			return p.place
		}
	}
	return ""
}

// find returns the objects of a kind and name. A namespace that isn't written may be
// any.
func (w *world) find(kind string, name pinsetter.Name) []*object {
	var found []*object
	for _, o := range w.objects {
		if o.kind == kind && o.name.Name == name.Name && agree(o.name.Namespace, name.Namespace) {
			found = append(found, o)
		}
	}
	return found
}

func agree(a, b string) bool { return a == "" || b == "" || a == b }

// nearest returns the source that an object means: the only one, or that of the
// nearest folder above it. Without one it says why.
func nearest(user *object, found []*object) (*object, string) {
	found = slices.DeleteFunc(found, (*object).isPatch)
	if len(found) == 1 {
		return found[0], ""
	}
	var best *object
	several := false
	for _, o := range found {
		folder := o.folder()
		if folder != "." && !strings.HasPrefix(user.file.Path, folder+"/") {
			continue
		}
		switch {
		case best == nil || len(folder) > len(best.folder()):
			best, several = o, false
		case len(folder) == len(best.folder()):
			several = true
		}
	}
	switch {
	case len(found) == 0:
		return nil, "isn't in these files"
	case best == nil || several:
		return nil, fmt.Sprintf("is here %d times, such as %s and %s, and which one is meant can't be told", len(found), found[0].place(), found[1].place())
	}
	return best, ""
}

// users returns the objects that refer to a source, without those that move.
func (w *world) users(source *object, moved map[*object]bool) []*object {
	var users []*object
	for _, o := range w.objects {
		if o == source || moved[o] {
			continue
		}
		uses := false
		walk(o.root, func(n *strict.Node) {
			if n.Kind != strict.Mapping || textOf(n, "name") != source.name.Name || textOf(n, "kind") != source.kind {
				return
			}
			namespace := textOf(n, "namespace")
			if namespace == "" {
				namespace = o.name.Namespace
			}
			uses = uses || agree(namespace, source.name.Namespace)
		})
		if o.kind == "ChartRepository" && source.kind == "HelmRepository" && textOf(strict.Child(o.spec, "sourceRef"), "name") == source.name.Name {
			uses = true // its kind has a default
		}
		if best, _ := nearest(o, w.find(source.kind, source.name)); uses && (best == nil || best == source) {
			users = append(users, o)
		}
	}
	return users
}

// walk visits a node and all below it, aliases expanded.
func walk(n *strict.Node, visit func(*strict.Node)) {
	n = strict.Target(n)
	if n == nil {
		return
	}
	visit(n)
	for _, child := range n.Content {
		walk(child, visit)
	}
}

// textOf returns the text of a field, "" without one.
func textOf(n *strict.Node, field string) string {
	return strict.Text(strict.Target(strict.Child(n, field)))
}

// fieldsOf returns the fields of a mapping, none of what is no mapping.
func fieldsOf(n *strict.Node) []strict.Field {
	if n == nil || n.Kind != strict.Mapping {
		return nil
	}
	return strict.Fields(n)
}
