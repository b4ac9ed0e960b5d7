package migrate

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// reference is a place that names an image or a chart with its version: one value,
// or a name with a tag, a digest or both beside it.
type reference struct {
	image string // as it is written, without scheme
	tag   string
	sha   string // the digest
	marks []mark

	at      Entry  // of the value that changes
	chart   bool   // it is a Helm chart
	skipped string // why it can't be marked
}

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

// find finds the references of all files. Charts are resolved across them.
func (t *translation) find() {
	found := make([]*adopt.File, len(t.files))
	for i, f := range t.files {
		found[i] = adopt.Find(f.Path, f.Data, adopt.FindOptions{Namespace: t.tree.Namespace})
	}
	adopt.Resolve(found)
	for i, f := range t.files {
		f.found = make([]reference, 0, len(found[i].References))
		for _, r := range found[i].References {
			ref := reference{
				image: r.Image.Name, tag: r.Image.Tag, sha: r.Image.Digest, chart: r.Kind == adopt.KindChart,
				at: Entry{Path: f.Path, Line: r.Line, Kind: string(r.Kind)}, skipped: r.Skipped,
			}
			if r.Index != nil {
				ref.image, ref.skipped = r.Index.Chart, "the chart comes from an HTTP index: pinsetter init proposes a ChartRepository for it"
			}
			for _, m := range r.Marks(pinsetter.Name{}) {
				ref.marks = append(ref.marks, mark{file: f, document: m.Document, node: m.Node, part: m.Part})
			}
			f.found = append(f.found, ref)
		}
	}
}

// references returns the references of a file, in order.
func (t *translation) references(f *file) []reference {
	if f.found == nil {
		t.find()
	}
	return f.found
}

// wholeAt reads a value that names an image with its tag or digest. Ok is false if
// it doesn't.
func wholeAt(f *file, d setters.Document, n *strict.Node) (r reference, ok bool) {
	image := setters.ParseReference(n.Value)
	if n.Kind != strict.Scalar || image.Tag == "" && image.Digest == "" || holdsVariable(n.Value) {
		return reference{}, false
	}
	return reference{image: image.Name, tag: image.Tag, sha: image.Digest, marks: []mark{{f, d, n, pinsetter.PartReference}}}, true
}

// partsAt reads a tag and a digest of an image; digest may be nil.
func partsAt(f *file, d setters.Document, image string, tag, digest *strict.Node) reference {
	r := reference{image: image, marks: []mark{{f, d, tag, pinsetter.PartTag}}}
	r.tag, r.sha, _ = strings.Cut(strict.Text(tag), "@")
	if text := strict.Text(digest); strings.HasPrefix(text, "sha256:") {
		r.sha = text
		r.marks = append(r.marks, mark{f, d, digest, pinsetter.PartDigest})
	}
	return r
}

// holdsVariable reports whether something else fills in a value before it is read.
func holdsVariable(value string) bool {
	return strings.ContainsAny(value, "${}<> ") || value == ""
}

// maxWalk bounds how deep values are looked for, as strict bounds objects.
const maxWalk = 100

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
