package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// application is an Argo CD Application, or the template of an ApplicationSet.
type application struct {
	file     *file
	document setters.Document
	name     string
	labels   map[string]string
	notes    []strict.Field // its annotations
	spec     *strict.Node
}

// applications returns the Applications of all files.
func (t *translation) applications() []application {
	var all []application
	for _, f := range t.files {
		for _, d := range f.sheet.Documents {
			if d.Root == nil || !strings.HasPrefix(strict.Text(strict.Child(d.Root, "apiVersion")), "argoproj.io/") {
				continue
			}
			root := d.Root
			switch strict.Text(strict.Child(root, "kind")) {
			case "ApplicationSet":
				root = strict.Child(strict.Child(root, "spec"), "template")
			case "Application":
			default:
				continue
			}
			metadata := strict.Child(root, "metadata")
			a := application{
				file: f, document: d, name: strict.Text(strict.Child(metadata, "name")),
				labels: textsOf(strict.Child(metadata, "labels")), spec: strict.Child(root, "spec"),
			}
			if notes := strict.Child(metadata, "annotations"); notes != nil && notes.Kind == strict.Mapping {
				a.notes = strict.Fields(notes)
			}
			all = append(all, a)
		}
	}
	return all
}

// textsOf returns a mapping of texts.
func textsOf(n *strict.Node) map[string]string {
	all := map[string]string{}
	if n != nil && n.Kind == strict.Mapping {
		for _, f := range strict.Fields(n) {
			all[f.Key.Value] = strict.Text(f.Value)
		}
	}
	return all
}

// listOf returns the texts of a list, or the one text.
func listOf(n *strict.Node) []string {
	switch {
	case n == nil:
		return nil
	case n.Kind == strict.Scalar && strict.Text(n) != "":
		return []string{strict.Text(n)}
	}
	var all []string
	if n.Kind == strict.Sequence {
		for _, item := range n.Content {
			if text := strict.Text(strict.Target(item)); text != "" {
				all = append(all, text)
			}
		}
	}
	return all
}

// sources returns the sources of an Application.
func (a application) sources() []*strict.Node {
	var all []*strict.Node
	if one := child(a.spec, "source"); one != nil {
		all = append(all, one)
	}
	if several := child(a.spec, "sources"); several != nil && several.Kind == strict.Sequence {
		all = append(all, several.Content...)
	}
	return all
}

// target is where Argo CD Image Updater writes an image of an Application.
type target struct {
	app    application
	method string // argocd, or git with credentials behind a colon
	write  string // the write-back target: "", kustomization[:DIR] or helmvalues[:FILE]

	repository, branch string // where it is pushed
	proposal           string // a forge, if it is proposed there
}

// imageSetting is how Argo CD Image Updater follows one image.
type imageSetting struct {
	at         Entry
	image      string
	constraint string
	strategy   string
	allow      string
	ignore     []string
	secret     string
	platforms  []string
	force      bool

	helmName, helmTag, helmSpec string // paths in Helm's values
	kustomize                   string // the name of the entry in images
}

// places returns the values that the image's new version should be written to,
// or why there are none.
func (t *translation) places(to target, s imageSetting) ([][]mark, string) {
	kind, where, _ := strings.Cut(to.write, ":")
	for _, source := range to.app.sources() {
		dir := path.Clean(strict.Text(child(source, "path")))
		switch kind {
		case "helmvalues":
			file := below(dir, where)
			if where == "" {
				file = path.Join(dir, "values.yaml")
			}
			if f := t.file(file); f != nil {
				return t.inValues(f, s)
			}
		case "kustomization":
			if found := t.inKustomization(below(dir, where), s); len(found) > 0 {
				return found, ""
			}
		default:
			if found, reason := t.inSource(to.app, source, dir, s); len(found) > 0 || reason != "" {
				return found, reason
			}
		}
	}
	switch {
	case kind == "helmvalues":
		return nil, "its values file " + where + " is not in this folder" + elsewhere(to)
	case kind == "kustomization":
		return nil, "no entry of images in the kustomization names it: add one with name and newTag" + elsewhere(to)
	case strings.Contains(to.write+to.app.name, "{{"):
		return nil, "the Application is a template: translate what it makes"
	}
	return nil, "nothing below the Application's path names it with a tag" + elsewhere(to)
}

// elsewhere names the repository that the values may be in.
func elsewhere(to target) string {
	url := to.repository
	for _, source := range to.app.sources() {
		if url == "" {
			url = strict.Text(child(source, "repoURL"))
		}
	}
	if url == "" {
		return ""
	}
	return "; its repository is " + withoutUser(url) + ": if that is another one, run this there too, with the Application beside it"
}

// withoutUser cuts user and password off a URL.
func withoutUser(url string) string {
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		return url
	}
	authority, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	return scheme + "://" + authority + "/" + path
}

// below returns a path that is relative to dir, or to the root with a slash in
// front.
func below(dir, name string) string {
	if strings.HasPrefix(name, "/") {
		return path.Clean(strings.TrimPrefix(name, "/"))
	}
	return path.Join(dir, name)
}

// file returns the file at a path, or nil.
func (t *translation) file(name string) *file { return t.byPath[name] }

// inValues returns the marks in a file of Helm values: by the paths of the
// setting, else wherever the file names the image.
func (t *translation) inValues(f *file, s imageSetting) ([][]mark, string) {
	for _, d := range f.sheet.Documents {
		if d.Root == nil {
			continue
		}
		if marks := marksAt(f, d, d.Root, s); len(marks) > 0 {
			return [][]mark{marks}, ""
		}
	}
	if found := naming(t.references(f), s); len(found) > 0 {
		return found, ""
	}
	return nil, f.Path + " has no value at " + s.tagPath() + ": write it there once"
}

// tagPath is the path of the value that changes.
func (s imageSetting) tagPath() string {
	switch {
	case s.helmSpec != "":
		return s.helmSpec
	case s.helmTag != "":
		return s.helmTag
	}
	return "image.tag"
}

// marksAt returns the marks at the setting's paths below root. The name that
// stands beside the tag must be the image's, if there is one.
func marksAt(f *file, d setters.Document, root *strict.Node, s imageSetting) []mark {
	n := lookup(root, s.tagPath())
	if n == nil || n.Kind != strict.Scalar {
		return nil
	}
	if s.helmSpec != "" {
		return []mark{{f, d, n, pinsetter.PartReference}}
	}
	namePath := s.helmName
	if namePath == "" {
		namePath = "image.name"
	}
	if name := strict.Text(lookup(root, namePath)); name != "" && s.helmTag == "" && plainName(name) != plainName(s.image) {
		return nil
	}
	if s.helmTag == "" && lookup(root, namePath) == nil {
		return nil // the default paths, in values of another shape
	}
	return []mark{{f, d, n, pinsetter.PartTag}}
}

// inKustomization returns the marks in the kustomization of a folder.
func (t *translation) inKustomization(dir string, s imageSetting) [][]mark {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		f := t.file(path.Join(dir, name))
		if f == nil {
			continue
		}
		var found [][]mark
		for _, d := range f.sheet.Documents {
			images := child(d.Root, "images")
			if images == nil || images.Kind != strict.Sequence {
				continue
			}
			for _, item := range images.Content {
				name, tag := strict.Text(child(item, "name")), child(item, "newTag")
				if slices.Contains(s.names(), plainName(name)) && strict.Text(tag) != "" {
					found = append(found, partsAt(f, d, name, tag, child(item, "digest")).marks)
				}
			}
		}
		return found
	}
	return nil
}

// names are the names that an entry of images may have.
func (s imageSetting) names() []string {
	if s.kustomize != "" {
		return []string{plainName(s.kustomize)}
	}
	return []string{plainName(s.image)}
}

// inSource returns the marks in what an Application's source names: the
// Application itself, the file that Image Updater writes, values, kustomization,
// and at last every file below the path.
func (t *translation) inSource(a application, source *strict.Node, dir string, s imageSetting) ([][]mark, string) {
	if marks := parameters(a.file, a.document, source, s); len(marks) > 0 {
		return [][]mark{marks}, ""
	}
	if child(child(source, "helm"), "valuesObject") != nil {
		for _, marks := range naming(t.references(a.file), s) {
			if marks[0].document.Line == a.document.Line {
				return [][]mark{marks}, ""
			}
		}
	}
	if f := t.file(path.Join(dir, ".argocd-source-"+a.name+".yaml")); f != nil {
		for _, d := range f.sheet.Documents {
			if marks := parameters(f, d, d.Root, s); len(marks) > 0 {
				return [][]mark{marks}, ""
			}
		}
	}
	helm := child(source, "helm")
	if text := strict.Text(child(helm, "values")); strings.Contains(text, plainName(s.image)) {
		return nil, "the image stands in helm.values, which is one block of text: move it to helm.valuesObject"
	}
	if child(source, "path") == nil || dir == ".." || strings.HasPrefix(dir, "../") {
		return nil, ""
	}
	for _, name := range append([]string{"values.yaml"}, listOf(child(helm, "valueFiles"))...) {
		if f := t.file(below(dir, name)); f != nil {
			if found, _ := t.inValues(f, s); len(found) > 0 {
				return found, ""
			}
		}
	}
	if found := t.inKustomization(dir, s); len(found) > 0 {
		return found, ""
	}
	var found [][]mark
	for _, f := range t.files {
		if dir == "." || strings.HasPrefix(f.Path, dir+"/") {
			found = append(found, naming(t.references(f), s)...)
		}
	}
	return found, ""
}

// naming returns the marks of the references that name the setting's image.
func naming(references []reference, s imageSetting) [][]mark {
	var found [][]mark
	for _, r := range references {
		if r.skipped == "" && !r.chart && plainName(r.image) == plainName(s.image) {
			found = append(found, r.marks)
		}
	}
	return found
}

// parameters returns the marks in a source's own overrides: Helm's parameters and
// valuesObject, and kustomize's images.
func parameters(f *file, d setters.Document, source *strict.Node, s imageSetting) []mark {
	helm := child(source, "helm")
	if list := child(helm, "parameters"); list != nil && list.Kind == strict.Sequence {
		for _, item := range list.Content {
			value := child(item, "value")
			if strict.Text(child(item, "name")) != s.tagPath() || value == nil {
				continue
			}
			if s.helmSpec != "" {
				return []mark{{f, d, value, pinsetter.PartReference}}
			}
			return []mark{{f, d, value, pinsetter.PartTag}}
		}
	}
	if values := child(helm, "valuesObject"); values != nil {
		if marks := marksAt(f, d, values, s); len(marks) > 0 {
			return marks
		}
	}
	if images := child(child(source, "kustomize"), "images"); images != nil && images.Kind == strict.Sequence {
		for _, item := range images.Content {
			if image := setters.ParseReference(strict.Text(item)); slices.Contains(s.names(), plainName(image.Name)) {
				return []mark{{f, d, item, pinsetter.PartReference}}
			}
		}
	}
	return nil
}
