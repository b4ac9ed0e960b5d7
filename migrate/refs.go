package migrate

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// reference is a place that names an image with its version: one value, or a name
// with a tag, a digest or both beside it.
type reference struct {
	root  *strict.Node // of its document
	image string       // as it is written, without scheme
	name  string       // of a kustomization's entry: the image that it replaces
	tag   string
	sha   string // the digest
	marks []mark
}

// line returns the line of the value that changes.
func (r reference) line() int { return r.marks[0].line() }

func (r reference) path() string { return r.marks[0].file.Path }

// String returns the image as it is written.
func (r reference) String() string {
	return pinsetter.Image{Name: r.image, Tag: r.tag, Digest: r.sha}.String()
}

// plainName returns an image's name without what Docker adds: "nginx" for
// "docker.io/library/nginx".
func plainName(image string) string {
	_, image = pinsetter.CutScheme(image)
	for _, prefix := range []string{"docker.io/", "index.docker.io/"} {
		image = strings.TrimPrefix(image, prefix)
	}
	return strings.TrimPrefix(image, "library/")
}

// finder finds the references of a document.
type finder struct {
	file     *file
	document setters.Document
	found    []reference
	depth    int
}

// references returns the references of a file, in order.
func (f *file) references() []reference {
	if f.found == nil {
		f.found = f.find()
	}
	return f.found
}

func (f *file) find() []reference {
	all := []reference{} // not nil: they are known
	for _, d := range f.sheet.Documents {
		if d.Root == nil || d.Root.Kind != strict.Mapping {
			continue
		}
		v := &finder{file: f, document: d}
		if isKustomization(f.Path, d.Root) {
			v.kustomization()
		}
		v.visit(d.Root, "", "")
		all = append(all, v.found...)
	}
	return all
}

// isKustomization reports whether kustomize reads a document as its own.
func isKustomization(name string, root *strict.Node) bool {
	switch path.Base(name) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return !strings.HasPrefix(strict.Text(strict.Child(root, "apiVersion")), "kustomize.toolkit.fluxcd.io/")
	}
	return false
}

// maxWalk bounds how deep values are looked for; strict's own bound on an object.
const maxWalk = 100

// visit looks at a value below key, which is below above.
func (v *finder) visit(n *strict.Node, key, above string) {
	if v.depth == maxWalk {
		return
	}
	v.depth++
	defer func() { v.depth-- }()
	switch n.Kind {
	case strict.Sequence:
		for _, item := range n.Content {
			if item.Kind == strict.Scalar && key == "images" && above == "kustomize" {
				v.whole(item)
			}
			v.visit(item, key, above)
		}
	case strict.Mapping:
		v.mapping(n, key)
	}
}

// own returns the fields that a mapping has itself. Those that it merges stand
// elsewhere, and are found there.
func own(n *strict.Node) []strict.Field {
	var all []strict.Field
	for i := 0; i+1 < len(n.Content); i += 2 {
		all = append(all, strict.Field{Key: n.Content[i], Value: n.Content[i+1]})
	}
	return all
}

func (v *finder) mapping(n *strict.Node, key string) {
	split := v.split(n)
	for _, f := range own(n) {
		name := f.Key.Value
		switch {
		case f.Value.Kind != strict.Scalar:
			v.visit(f.Value, name, key)
		case split: // its parts are taken
		case name == "image", name == "reference" && key == "image":
			v.whole(f.Value)
		}
	}
}

// whole takes a value that names an image with its tag or digest.
func (v *finder) whole(n *strict.Node) {
	_, value := pinsetter.CutScheme(n.Value)
	image := setters.ParseReference(value)
	if n.Kind != strict.Scalar || image.Tag == "" && image.Digest == "" || holdsVariable(value) {
		return
	}
	v.found = append(v.found, reference{
		root: v.document.Root, image: image.Name, tag: image.Tag, sha: image.Digest,
		marks: []mark{v.mark(n, pinsetter.PartReference)},
	})
}

// holdsVariable reports whether something else fills in a value before it is read.
func holdsVariable(value string) bool {
	return strings.ContainsAny(value, "${}<> ") || value == ""
}

func (v *finder) mark(n *strict.Node, part pinsetter.Part) mark {
	return mark{file: v.file, document: v.document, node: n, part: part}
}

// split takes a mapping that holds an image in parts, as Helm values do:
// registry, repository (or image, or name beside a tag) and tag or digest. An
// OCIRepository has its url above.
func (v *finder) split(n *strict.Node) bool {
	tag, digest := child(n, "tag"), child(n, "digest")
	repository := cmp.Or(child(n, "repository"), child(n, "image"))
	name := strict.Text(repository)
	if image := setters.ParseReference(name); name == "" || image.Tag != "" || image.Digest != "" || holdsVariable(name) {
		return v.artifact(n)
	}
	if registry := strict.Text(child(n, "registry")); registry != "" {
		name = strings.TrimSuffix(registry, "/") + "/" + name
	}
	return v.parts(name, "", tag, digest)
}

// artifact takes the spec of an OCIRepository.
func (v *finder) artifact(n *strict.Node) bool {
	ref, url := child(n, "ref"), strict.Text(child(n, "url"))
	if ref == nil || ref.Kind != strict.Mapping || !strings.HasPrefix(url, "oci://") || holdsVariable(url) {
		return false
	}
	return v.parts(strings.TrimPrefix(url, "oci://"), "", child(ref, "tag"), child(ref, "digest"))
}

// parts takes a tag and a digest of an image. One of them must be written.
func (v *finder) parts(image, name string, tag, digest *strict.Node) bool {
	r := reference{root: v.document.Root, image: image, name: name}
	if text := strict.Text(tag); text != "" && !holdsVariable(text) {
		r.tag, r.sha, _ = strings.Cut(text, "@")
		r.marks = append(r.marks, v.mark(tag, pinsetter.PartTag))
	}
	if text := strict.Text(digest); strings.HasPrefix(text, "sha256:") {
		r.sha = text
		r.marks = append(r.marks, v.mark(digest, pinsetter.PartDigest))
	}
	if len(r.marks) == 0 {
		return false
	}
	v.found = append(v.found, r)
	return true
}

// kustomization takes the entries of images.
func (v *finder) kustomization() {
	images := child(v.document.Root, "images")
	if images == nil || images.Kind != strict.Sequence {
		return
	}
	for _, item := range images.Content {
		if item.Kind != strict.Mapping {
			continue
		}
		name := strict.Text(child(item, "name"))
		image := cmp.Or(strict.Text(child(item, "newName")), name)
		if name != "" && !holdsVariable(image) {
			v.parts(image, name, child(item, "newTag"), child(item, "digest"))
		}
	}
}

// child returns the value of a mapping's own field, no alias and of no merge key:
// what stands there can be changed there.
func child(n *strict.Node, name string) *strict.Node {
	if n == nil || n.Kind != strict.Mapping {
		return nil
	}
	return strict.Direct(n, name)
}

// lookup returns the value at a path of keys with dots, such as "image.tag" and
// "images[0].tag". A key that has the dots itself comes first, as in Helm's values.
func lookup(n *strict.Node, keys string) *strict.Node {
	if n == nil || keys == "" {
		return n
	}
	if whole := child(n, keys); whole != nil {
		return whole
	}
	for i := len(keys) - 1; i > 0; i-- {
		if keys[i] != '.' {
			continue
		}
		if at := item(n, keys[:i]); at != nil {
			if found := lookup(at, keys[i+1:]); found != nil {
				return found
			}
		}
	}
	return item(n, keys)
}

// item returns the value of "key" or "key[2]".
func item(n *strict.Node, key string) *strict.Node {
	name, rest, indexed := strings.Cut(key, "[")
	n = child(n, name)
	for indexed && n != nil {
		var index int
		number, more, closed := strings.Cut(rest, "]")
		if _, err := fmt.Sscanf(number, "%d", &index); err != nil || !closed || n.Kind != strict.Sequence || index < 0 || index >= len(n.Content) {
			return nil
		}
		n = n.Content[index]
		_, rest, indexed = strings.Cut(more, "[")
	}
	return n
}

// placeOf writes a file and a line as people do.
func placeOf(path string, line int) string { return fmt.Sprintf("%s:%d", path, line) }
