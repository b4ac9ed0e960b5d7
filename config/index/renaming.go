package index

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// renaming is a kustomization that gives its objects another namespace or name.
type renaming struct {
	path      string
	line      int // of the first such field
	namespace string
	names     []string // "namePrefix" and "nameSuffix" with their values
	entries   []string // cleaned paths of what it names
}

var (
	renamingFields = []string{"namespace", "namePrefix", "nameSuffix"}
	entryFields    = []string{"resources", "bases", "components"}
)

// Renames reports whether bytes may be a kustomization that sets namespaces or names
// of what it refers to. Load says so if the objects themselves are read.
func Renames(data []byte) bool { return hasField(data, renamingFields) && hasField(data, entryFields) }

// hasField reports whether a line begins with one of these keys.
func hasField(data []byte, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		key := []byte(name + ":")
		return bytes.HasPrefix(data, key) || bytes.Contains(data, append([]byte("\n"), key...))
	})
}

// renamings notes a file if it is a kustomization that renames.
func (x *Index) renamings(f source.File) {
	switch filepath.Base(f.Path) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
	default:
		return
	}
	if f.Lines != nil || f.Stray != nil || !Renames(f.Data) {
		return
	}
	for _, c := range strict.Split(f.Data) {
		n, failure := c.Parse()
		left := strict.MaxTokens
		if failure != nil || n == nil || n.Kind != strict.Mapping || strict.Measure(n, &left) != nil {
			continue
		}
		r := renaming{path: f.Path}
		for _, name := range renamingFields {
			value := strict.Text(strict.Child(n, name))
			if value == "" {
				continue
			}
			r.line = cmp.Or(r.line, strict.Locate(n, 1, name)+c.Line-1)
			if name == "namespace" {
				r.namespace = value
			} else {
				r.names = append(r.names, fmt.Sprintf("%s %q", name, value))
			}
		}
		for _, name := range entryFields {
			if list := strict.Child(n, name); list != nil && list.Kind == strict.Sequence {
				for _, entry := range list.Content {
					r.entries = append(r.entries, path.Join(path.Dir(filepath.ToSlash(f.Path)), strict.Text(strict.Target(entry))))
				}
			}
		}
		if r.line > 0 {
			x.renaming = append(x.renaming, r)
		}
	}
}

// changes reports whether an object would be another one if it were built.
func (r renaming) changes(o *Object) bool {
	if r.namespace == o.Name.Namespace && len(r.names) == 0 {
		return false
	}
	file := path.Clean(filepath.ToSlash(o.Origin.Path))
	return slices.ContainsFunc(r.entries, func(entry string) bool {
		return file == entry || strings.HasPrefix(file, entry+"/")
	})
}

// reportRenamings warns of kustomizations that rename objects which are read as
// they are written.
func (x *Index) reportRenamings() {
	if len(x.renaming) == 0 {
		return
	}
	var objects []*Object
	for _, o := range x.Objects {
		if o.Kind == claim.KindGitRepository || claim.IsImageKind(o.Kind) || claim.IsOwnKind(o.Kind) {
			objects = append(objects, o)
		}
	}
	slices.SortFunc(objects, func(a, b *Object) int {
		return cmp.Or(cmp.Compare(a.Origin.Path, b.Origin.Path), cmp.Compare(a.Origin.Line, b.Origin.Line))
	})
	for _, r := range x.renaming {
		var first *Object
		others := -1
		for _, o := range objects {
			if r.changes(o) {
				first = cmp.Or(first, o)
				others++
			}
		}
		if first != nil {
			x.Findings = append(x.Findings, r.finding(first, others))
		}
	}
}

func (r renaming) finding(first *Object, others int) pinsetter.Finding {
	sets := r.names
	if r.namespace != "" {
		sets = append([]string{fmt.Sprintf("namespace %q", r.namespace)}, sets...)
	}
	of := fmt.Sprintf("%s (%s)", first, first.Place())
	if others > 0 {
		of += " and " + pinsetter.Count(others, "other object")
	}
	return pinsetter.Finding{
		Severity: pinsetter.Warning, Code: CodeRenamed, Path: r.path, Line: r.line,
		Message: pinsetter.Printable(fmt.Sprintf("this kustomization sets %s for %s, and -f reads files as they are written: build it instead (-k %s)",
			strings.Join(sets, " and "), of, path.Dir(filepath.ToSlash(r.path)))),
	}
}
