package adopt

import (
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// values finds images in Helm values and in objects of any kind: references in
// one value, below containers and elsewhere, and tags beside their repositories.
func (f *finder) values(n *strict.Node) {
	if n = strict.Target(n); n == nil {
		return
	}
	switch n.Kind {
	case strict.Sequence:
		for _, item := range n.Content {
			f.values(item)
		}
	case strict.Scalar:
		f.text(n)
	case strict.Mapping:
		f.mapping(n)
	}
}

// containers are the keys of a pod's containers.
var containers = []string{"containers", "initContainers", "ephemeralContainers"}

func (f *finder) mapping(n *strict.Node) {
	fields := strict.Fields(n)
	used := map[*strict.Node]bool{}
	for _, field := range fields {
		f.pair(fields, field, used)
	}
	for _, field := range fields {
		key, value := field.Key.Value, field.Value
		switch {
		case used[value]:
		case slices.Contains(containers, key) && value.Kind == strict.Sequence:
			for _, container := range items(value) {
				f.container(container)
			}
		case value.Kind == strict.Scalar && (key == "image" || strings.HasSuffix(key, "Image") || strings.HasSuffix(key, "_image")):
			f.whole(value, false)
		default:
			f.values(value)
		}
	}
}

// container adds the image of a container, whose other fields have none.
func (f *finder) container(n *strict.Node) {
	image := strict.Child(n, "image")
	if image != nil && image.Kind == strict.Mapping { // an operator's own type
		f.mapping(image)
	}
	if image := scalarOf(n, "image"); image != nil {
		f.whole(image, true)
	}
}

// pair adds the image whose repository is in a field, if the tag or digest is in
// another one of the same mapping.
func (f *finder) pair(fields []strict.Field, field strict.Field, used map[*strict.Node]bool) {
	key := "repository"
	stem, ok := cutSuffixFold(field.Key.Value, key)
	if !ok {
		key = "image"
		if stem, ok = cutSuffixFold(field.Key.Value, key); !ok {
			return
		}
	}
	repository := field.Value
	if repository.Kind != strict.Scalar || repository.Value == "" || strings.Contains(repository.Value, "://") {
		return
	}
	beside := func(names ...string) *strict.Node {
		for _, name := range names {
			if at := strict.Lookup(fields, name); at != nil && at.Value.Kind == strict.Scalar && !strict.IsNull(at.Value) {
				return at.Value
			}
		}
		return nil
	}
	tags := []string{stem + "tag", stem + "Tag", field.Key.Value + "Tag", field.Key.Value + "_tag"}
	digests := []string{stem + "digest", stem + "Digest", field.Key.Value + "Digest"}
	tag, digest := beside(tags...), beside(digests...)
	if tag == nil {
		return
	}
	image := setters.ParseReference(repository.Value)
	if key == "image" && (image.Tag != "" || !isImageName(image.Name) && !strings.ContainsAny(image.Name, "{$")) {
		return
	}
	if digest != nil && digest.Value == "" && !f.pin {
		digest = nil
	}
	registry := strict.Text(beside(stem+"registry", stem+"Registry"))
	if registry == "" {
		registry = f.registry
	}
	used[repository], used[tag] = true, true
	if tag.Value == "" {
		f.add(KindTag, pinsetter.Image{Name: join(registry, repository.Value)}, Value{tag, pinsetter.PartTag}).Skipped = "its tag is empty: the chart decides"
		return
	}
	f.parts(KindTag, join(registry, repository.Value), tag, digest)
}

// texts visits the texts of a list, or one text.
func (f *finder) texts(n *strict.Node) {
	if n = strict.Target(n); n == nil {
		return
	}
	switch n.Kind {
	case strict.Scalar:
		f.text(n)
	case strict.Sequence:
		for _, item := range n.Content {
			f.texts(item)
		}
	case strict.Mapping:
		for _, field := range strict.Fields(n) {
			f.texts(field.Value)
		}
	}
}

// text says of the images in a text block that they can't get markers: a comment
// in it would be part of the text.
func (f *finder) text(n *strict.Node) {
	if !strings.Contains(n.Value, "\n") || !strings.Contains(n.Value, "image:") && !strings.Contains(n.Value, "repository:") || f.depth > 0 {
		return
	}
	inner := &File{Path: f.path, HelmRepositories: map[pinsetter.Name]string{}}
	sheet, err := setters.Read(path.Base(f.path), []byte(n.Value))
	if err != nil {
		return
	}
	g := &finder{path: f.path, sheet: sheet, file: inner, depth: 1}
	for _, d := range sheet.Documents {
		left := strict.MaxTokens
		if d.Root == nil || d.Root.Kind != strict.Mapping || strict.Measure(d.Root, &left) != nil {
			continue
		}
		g.document = d
		g.values(d.Root)
	}
	for _, r := range inner.References {
		r.Line += f.document.LineOf(n)
		r.Object, r.Values, r.Skipped = f.object, nil, "it is part of a text block, in which a comment would be text"
		f.file.References = append(f.file.References, r)
	}
}

// join returns the name of an image in a registry. Docker Hub's names may stay
// short.
func join(registry, repository string) string {
	registry = strings.TrimRight(registry, "/")
	if registry == "" {
		return repository
	}
	return registry + "/" + repository
}

// cutSuffixFold is strings.CutSuffix for a word at the end of a camel-case or
// dotted key.
func cutSuffixFold(key, word string) (before string, ok bool) {
	if len(key) < len(word) || !strings.EqualFold(key[len(key)-len(word):], word) {
		return "", false
	}
	return key[:len(key)-len(word)], true
}

// firstOf returns the first text that isn't empty of some keys.
func firstOf(values map[string]string, keys ...string) string {
	for _, key := range keys {
		if values[key] != "" {
			return values[key]
		}
	}
	return ""
}
