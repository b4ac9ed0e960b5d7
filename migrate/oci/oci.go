// Package oci lets objects of Flux take what they pull from OCI artifacts: a
// HelmRelease its chart from an OCIRepository in place of a HelmRepository of type
// oci, and a Kustomization its files from one in place of a GitRepository. It is
// pure: files in, new bytes out, and for each object what becomes of it, or why it
// stays.
//
// An OCIRepository is written beside the source whose place it takes, and nothing is
// removed but a HelmRelease's spec.chart. Whoever calls asks the registry whether
// each one answers, and translates again without those that don't.
package oci

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/strict"
)

// Options say what is translated.
type Options struct {
	Artifacts []Artifact        // that have the content of GitRepositories
	Refused   map[string]string // why a Source isn't taken, by its Key
}

// Artifact is the artifact that has the content of a GitRepository.
type Artifact struct {
	Git        pinsetter.Name // without a namespace: in any
	Repository string         // such as ghcr.io/org/fleet
	Tag        string
	Path       string // the folder of the repository that is pushed, without slashes around it; "": all of it
	Provider   string // of the OCIRepository; "": none
	Secret     string // of its secretRef; "": none
}

// Source is an OCIRepository that is written if it answers.
type Source struct {
	Key      string // identifies it from one Translate to the next
	Name     pinsetter.Name
	Document []byte
}

// Result is a translation.
type Result struct {
	Entries []migrate.Entry // sorted by path and line
	Edits   []adopt.Edit    // sorted by path
	Sources []Source        // of Edits, sorted by Key
	Steps   []string        // what is to do beside, in this order
}

// move is an object that takes its content from another source.
type move struct {
	user, from *object
	entry      migrate.Entry
	source     *proposal
	artifact   *Artifact // of a Kustomization
	edits      []edit    // of the user's file
}

// proposal is an OCIRepository that is to be written.
type proposal struct {
	key  string
	name pinsetter.Name
	text []byte
	file *file
	line int // before which it is written
}

// translation is a translation at work.
type translation struct {
	world
	options Options
	entries []migrate.Entry
	moves   []*move
	pushed  []*Artifact // that some Kustomization would take, if it answers
	byKey   map[string]*proposal
}

// Translate returns what becomes of the files, which are sorted by path.
func Translate(files []migrate.File, o Options) *Result {
	t := &translation{world: read(files), options: o, byKey: map[string]*proposal{}}
	for _, user := range t.objects {
		t.move(user)
		t.passOver(user)
	}
	t.unknownArtifacts()
	t.dropRefused()
	r := &Result{Edits: t.write()}
	for _, m := range t.moves {
		t.entries = append(t.entries, m.entry)
		r.Sources = append(r.Sources, Source{Key: m.source.key, Name: m.source.name, Document: m.source.text})
	}
	slices.SortFunc(r.Sources, func(a, b Source) int { return strings.Compare(a.Key, b.Key) })
	r.Sources = slices.CompactFunc(r.Sources, func(a, b Source) bool { return a.Key == b.Key })
	slices.SortStableFunc(t.entries, func(a, b migrate.Entry) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	r.Entries, r.Steps = t.entries, t.steps()
	return r
}

// move moves an object that can be, and says why one stays.
func (t *translation) move(user *object) {
	switch {
	case user.is(helmGroup, "HelmRelease"):
		t.release(user)
	case user.is(kustomizeGroup, "Kustomization"):
		t.kustomization(user)
	}
}

// passOver says of each object in a List that it stays.
func (t *translation) passOver(list *object) {
	items := strict.Target(strict.Child(list.root, "items"))
	if list.kind != "List" || items == nil || items.Kind != strict.Sequence {
		return
	}
	for _, item := range items.Content {
		item = strict.Target(item)
		kind, metadata := textOf(item, "kind"), strict.Child(item, "metadata")
		if kind != "HelmRelease" && kind != "Kustomization" {
			continue
		}
		t.entries = append(t.entries, migrate.Entry{
			Path: list.file.Path, Line: list.document.LineOf(item), Kind: kind, From: strings.TrimSpace(kind + " " + textOf(metadata, "name")),
			Skipped: "it is in a List: make it a document of its own, between lines of ---",
		})
	}
}

// skip says that an object stays as it is, and why.
func (t *translation) skip(user *object, from, reason string, args ...any) {
	t.entries = append(t.entries, migrate.Entry{Path: user.file.Path, Line: user.line, Kind: user.kind, From: from, Skipped: fmt.Sprintf(reason, args...)})
}

// dropRefused leaves out what the caller refuses.
func (t *translation) dropRefused() {
	t.moves = slices.DeleteFunc(t.moves, func(m *move) bool {
		why, refused := t.options.Refused[m.source.key]
		if refused {
			t.skip(m.user, m.entry.From, "%s", why)
		}
		return refused
	})
}

// propose returns the OCIRepository of a name beside a source. One that is proposed
// already is shared if it is the same. Other names are tried if the first is taken;
// nil if all are.
func (t *translation) propose(beside *object, file *file, line int, namespace string, names []string, text func(name string) []byte) *proposal {
	for _, name := range names {
		p := &proposal{name: pinsetter.Name{Namespace: namespace, Name: name}, text: text(name), file: file, line: line}
		p.key = strings.Join([]string{file.Path, beside.place(), namespace, name}, " ")
		there := t.byKey[p.key]
		switch {
		case there != nil && string(there.text) == string(p.text):
			return there
		case there != nil, t.isTaken(p):
			continue
		}
		t.byKey[p.key] = p
		return p
	}
	return nil
}

// isTaken reports whether an OCIRepository of that name may be there.
func (t *translation) isTaken(p *proposal) bool {
	if len(t.find("OCIRepository", p.name)) > 0 {
		return true
	}
	for _, other := range t.byKey {
		if other.name == p.name && other.file == p.file {
			return true
		}
	}
	return false
}

// write returns the files that change.
func (t *translation) write() []adopt.Edit {
	byFile := map[*file][]edit{}
	written := map[string]bool{}
	for _, m := range t.moves {
		byFile[m.user.file] = append(byFile[m.user.file], m.edits...)
		if p := m.source; !written[p.key] {
			written[p.key] = true
			byFile[p.file] = append(byFile[p.file], edit{from: p.line, to: p.line, text: "---\n" + string(p.text)})
		}
	}
	var edits []adopt.Edit
	for _, f := range t.files {
		if len(byFile[f]) > 0 {
			edits = append(edits, adopt.Edit{Path: f.Path, Old: f.Data, New: f.apply(byFile[f])})
		}
	}
	return adopt.Edits(edits)
}
