// Package links knows which objects of Flux pull what: HelmReleases and HelmCharts,
// and the sources that they refer to, as files have them. It is lenient and pure: it
// asks nobody, and of an object that it can't read it says nothing.
package links

import (
	"bytes"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// The kinds that are read.
const (
	KindHelmRelease = "HelmRelease"
	KindHelmChart   = "HelmChart"
	KindOCI         = "OCIRepository"
	KindHelm        = "HelmRepository"
	KindGit         = "GitRepository"
	KindBucket      = "Bucket"
)

// Groups of Flux whose objects are read.
const (
	sourceGroup = "source.toolkit.fluxcd.io/"
	helmGroup   = "helm.toolkit.fluxcd.io/"
)

// Object is an object that pulls something, or is what is pulled.
type Object struct {
	Kind string
	Name pinsetter.Name // without namespace where none is written
	Path string         // as findings show it
	Line int            // of its first key

	Refs  []Ref  // what it refers to
	Pulls []int  // lines of the values that name what it pulls, for which its verify counts
	Layer string // spec.layerSelector.mediaType of an OCIRepository
}

// String returns "Kind namespace/name", as far as it is written.
func (o *Object) String() string { return o.Kind + " " + shown(o.Name) }

func shown(n pinsetter.Name) string { return strings.TrimPrefix(n.String(), "/") }

// Ref is a reference to a source.
type Ref struct {
	Field string // such as "spec.chartRef"
	Line  int
	Kind  string
	Name  pinsetter.Name // in the namespace of what refers, where it says none
}

// MayHold reports whether a file may hold such an object.
func MayHold(data []byte) bool { return bytes.Contains(data, []byte(".toolkit.fluxcd.io/")) }

// maxItems bounds the items of one list.
const maxItems = 10_000

// Read returns the objects of a file, in their order. Documents that aren't YAML, and
// templates, have none.
func Read(f source.File) []*Object {
	if !MayHold(f.Data) || len(f.Data) > source.MaxFileBytes {
		return nil
	}
	var objects []*Object
	for _, document := range strict.Split(f.Data) {
		if !MayHold(document.Data) {
			continue
		}
		root := parsed(document)
		if root == nil {
			continue
		}
		r := reader{file: f, offset: document.Line - 1}
		r.object(root)
		objects = append(objects, r.objects...)
	}
	return objects
}

// reader reads one document.
type reader struct {
	file    source.File
	offset  int // from the parser's line to the file's
	objects []*Object
}

func (r *reader) line(n *strict.Node) int { return r.file.Line(n.Line + r.offset) }

// object reads one object, or the items of a list.
func (r *reader) object(root *strict.Node) {
	if root.Kind != strict.Mapping || len(root.Content) == 0 {
		return
	}
	version, kind := text(root, "apiVersion"), text(root, "kind")
	if items := strict.Child(root, "items"); kind == "List" && items != nil && items.Kind == strict.Sequence {
		for _, item := range items.Content[:min(len(items.Content), maxItems)] {
			r.object(strict.Target(item))
		}
		return
	}
	meta, spec := strict.Child(root, "metadata"), strict.Child(root, "spec")
	o := &Object{Kind: kind, Path: r.file.Path, Line: r.line(root.Content[0]),
		Name: pinsetter.Name{Namespace: text(meta, "namespace"), Name: text(meta, "name")}}
	switch {
	case o.Name.Name == "":
		return
	case strings.HasPrefix(version, helmGroup) && kind == KindHelmRelease:
		r.refer(o, "spec.chartRef", strict.Child(spec, "chartRef"), "")
		chart := strict.Child(strict.Child(spec, "chart"), "spec")
		r.refer(o, "spec.chart.spec.sourceRef", strict.Child(chart, "sourceRef"), KindHelm)
		r.pulls(o, chart, "version")
	case !strings.HasPrefix(version, sourceGroup):
		return
	case kind == KindHelmChart:
		r.refer(o, "spec.sourceRef", strict.Child(spec, "sourceRef"), KindHelm)
		r.pulls(o, spec, "version")
	case kind == KindOCI:
		o.Layer = text(strict.Child(spec, "layerSelector"), "mediaType")
		r.pulls(o, spec, "url")
		r.pulls(o, strict.Child(spec, "ref"), "tag", "digest")
	case kind != KindHelm && kind != KindGit && kind != KindBucket:
		return
	}
	r.objects = append(r.objects, o)
}

// refer adds a reference, unless it isn't there. Kind is the default one.
func (r *reader) refer(o *Object, field string, n *strict.Node, kind string) {
	name := text(n, "name")
	if n == nil || name == "" {
		return
	}
	if given := text(n, "kind"); given != "" {
		kind = given
	}
	ref := Ref{Field: field, Line: r.line(n), Kind: kind, Name: pinsetter.Name{Namespace: text(n, "namespace"), Name: name}}
	if ref.Name.Namespace == "" {
		ref.Name.Namespace = o.Name.Namespace
	}
	o.Refs = append(o.Refs, ref)
}

// pulls notes the fields that name what an object pulls.
func (r *reader) pulls(o *Object, in *strict.Node, fields ...string) {
	for _, field := range fields {
		if n := strict.Child(in, field); n != nil {
			o.Pulls = append(o.Pulls, r.line(n))
		}
	}
}

// text returns the text of a field, "" without one.
func text(n *strict.Node, field string) string {
	return strict.Text(strict.Target(strict.Child(n, field)))
}
