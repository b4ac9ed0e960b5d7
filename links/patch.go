package links

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// Patch gives objects a verify, or another one, when a kustomization is built.
type Patch struct {
	Path string // as findings show it
	Line int    // of the verify

	selector
	release bool // the verify is that of a HelmRelease
}

// Fits reports whether the patch gives its verify to an object. Selectors of labels
// and annotations are taken to fit, and so is a namespace that one of them lacks.
func (p Patch) Fits(o *Object) bool {
	if len(o.Pulls) == 0 || p.release != (o.Kind == KindHelmRelease) {
		return false
	}
	for _, part := range []struct{ pattern, is string }{{p.kind, o.Kind}, {p.name, o.Name.Name}, {p.namespace, o.Name.Namespace}} {
		if !fits(part.pattern, part.is) {
			return false
		}
	}
	return true
}

// selector says which objects a patch is for. Its parts are patterns, "" for any.
type selector struct{ kind, name, namespace string }

// maxSelector bounds a pattern. Names of Kubernetes have 253 characters.
const maxSelector = 1000

// fits reports whether a pattern of kustomize fits a name. It matches the whole.
func fits(pattern, name string) bool {
	if pattern == "" || name == "" {
		return true
	}
	if len(pattern) > maxSelector {
		return false
	}
	compiled, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && compiled.MatchString(name)
}

// PatchFile is a file of patches that a kustomization names.
type PatchFile struct {
	Path string // relative to the kustomization's folder, as it is written

	target *selector // nil: the patch says which objects it is for
}

// Read returns the patches of the file that give a verify.
func (p PatchFile) Read(f source.File) []Patch {
	return readPatches(f.Data, p.target, func(line int) (string, int) { return f.Path, f.Line(line) })
}

// kustomizationNames are the files that kustomize looks for in a folder.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Kustomizations of Flux.
const fluxKustomizeGroup = "kustomize.toolkit.fluxcd.io/"

// MayPatch reports whether a file may have patches.
func MayPatch(data []byte) bool { return bytes.Contains(data, []byte("patch")) }

// Patches returns the patches in the kustomizations of a file, kustomize's and
// Flux's, that give a verify, and the files of patches that these name.
func Patches(f source.File) ([]Patch, []PatchFile) {
	isKustomization := slices.Contains(kustomizationNames, path.Base(strings.ReplaceAll(f.Path, `\`, "/")))
	if !MayPatch(f.Data) || len(f.Data) > source.MaxFileBytes || !isKustomization && !bytes.Contains(f.Data, []byte(fluxKustomizeGroup)) {
		return nil, nil
	}
	r := &patchReader{file: f}
	for _, document := range strict.Split(f.Data) {
		root := parsed(document)
		if root == nil || !MayPatch(document.Data) {
			continue
		}
		r.offset = document.Line - 1
		switch {
		case strings.HasPrefix(text(root, "apiVersion"), fluxKustomizeGroup):
			r.kustomization(strict.Child(root, "spec"))
		case isKustomization:
			r.kustomization(root)
		}
	}
	return r.given, r.files
}

// parsed returns the root of a document that can be read, else nil.
func parsed(document strict.Document) *strict.Node {
	if strict.IsTemplate(document.Data) {
		return nil
	}
	root, failure := document.Parse()
	left := strict.MaxTokens
	if failure != nil || root == nil || strict.Measure(root, &left) != nil {
		return nil
	}
	return root
}

// patchReader reads kustomizations.
type patchReader struct {
	file   source.File
	offset int // from the parser's line to the file's
	given  []Patch
	files  []PatchFile
}

// kustomization reads the patches of a kustomization.
func (r *patchReader) kustomization(k *strict.Node) {
	for _, field := range []string{"patches", "patchesJson6902"} {
		for _, entry := range items(strict.Child(k, field)) {
			var target *selector
			if t := strict.Child(entry, "target"); t != nil {
				target = &selector{text(t, "kind"), text(t, "name"), text(t, "namespace")}
			}
			r.patch(strict.Child(entry, "patch"), target)
			if file := text(entry, "path"); file != "" {
				r.files = append(r.files, PatchFile{file, target})
			}
		}
	}
	for _, entry := range items(strict.Child(k, "patchesStrategicMerge")) {
		if file := strict.Text(entry); file != "" && !strings.Contains(file, "\n") {
			r.files = append(r.files, PatchFile{Path: file})
			continue
		}
		r.patch(entry, nil)
	}
}

// patch reads a patch in a kustomization: a text, or what the text would say.
func (r *patchReader) patch(n *strict.Node, target *selector) {
	if n == nil {
		return
	}
	at := func(line int) (string, int) { return r.file.Path, r.file.Line(line + r.offset) }
	if n.Kind != strict.Scalar {
		r.given = append(r.given, patchesIn(n, target, at)...)
		return
	}
	if !bytes.Contains([]byte(n.Value), []byte("verify")) {
		return
	}
	inText := func(line int) (string, int) {
		if strings.Contains(n.Value, "\n") {
			return at(n.Line + line) // a block begins below its key
		}
		return at(n.Line)
	}
	r.given = append(r.given, readPatches([]byte(n.Value), target, inText)...)
}

// readPatches reads a text of patches; at says where its lines are.
func readPatches(data []byte, target *selector, at func(line int) (string, int)) []Patch {
	if !bytes.Contains(data, []byte("verify")) || len(data) > source.MaxFileBytes {
		return nil
	}
	var all []Patch
	for _, document := range strict.Split(data) {
		if root := parsed(document); root != nil {
			all = append(all, patchesIn(root, target, func(line int) (string, int) { return at(line + document.Line - 1) })...)
		}
	}
	return all
}

// verifies are the places of a verify in an object.
var verifies = []struct {
	path    []string
	release bool
}{
	{[]string{"spec", "verify"}, false},
	{[]string{"spec", "chart", "spec", "verify"}, true},
}

// patchesIn returns what a patch gives: an object, whose fields are merged, or a list
// of operations.
func patchesIn(root *strict.Node, target *selector, at func(line int) (string, int)) []Patch {
	var all []Patch
	for _, v := range verifies {
		var given *strict.Node
		of := target
		switch {
		case root.Kind == strict.Sequence && target != nil:
			for _, op := range root.Content {
				if found := operation(strict.Target(op), v.path); found != nil {
					given = found
				}
			}
		case root.Kind == strict.Mapping:
			given = below(root, v.path)
			if of == nil {
				meta := strict.Child(root, "metadata")
				of = &selector{regexp.QuoteMeta(text(root, "kind")), regexp.QuoteMeta(text(meta, "name")), regexp.QuoteMeta(text(meta, "namespace"))}
			}
		}
		if given == nil || of.name == "" && target == nil {
			continue
		}
		file, line := at(given.Line)
		all = append(all, Patch{Path: file, Line: line, selector: *of, release: v.release})
	}
	return all
}

// below returns the verify at a path of a node; nil if there is none, or if it is
// taken away.
func below(n *strict.Node, path []string) *strict.Node {
	for _, key := range path {
		n = strict.Child(n, key)
	}
	if n == nil || strict.IsNull(n) || text(n, "$patch") == "delete" {
		return nil
	}
	return n
}

// operation returns what an operation of a JSON patch (RFC 6902) puts at a path or
// below it, nil for nothing.
func operation(op *strict.Node, path []string) *strict.Node {
	if name := text(op, "op"); name == "remove" || name == "test" {
		return nil
	}
	var to []string
	if pointer := text(op, "path"); pointer != "" {
		to = strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	}
	for i, part := range to {
		to[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	switch {
	case len(to) >= len(path) && slices.Equal(to[:len(path)], path):
		return strict.Child(op, "path")
	case len(to) < len(path) && slices.Equal(to, path[:len(to)]) && strict.Child(op, "value") != nil:
		return below(strict.Child(op, "value"), path[len(to):])
	}
	return nil
}

// items returns the items of a sequence, without aliases; none for other nodes.
func items(n *strict.Node) []*strict.Node {
	if n == nil || n.Kind != strict.Sequence {
		return nil
	}
	all := make([]*strict.Node, 0, len(n.Content))
	for _, item := range n.Content[:min(len(n.Content), maxItems)] {
		all = append(all, strict.Target(item))
	}
	return all
}
