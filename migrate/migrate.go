// Package migrate translates the settings of other tools into markers and objects:
// Argo CD Image Updater, Keel and Renovate. It is pure: files in, new bytes out,
// and for each setting what becomes of it, or why it has no counterpart.
//
// An image is translated only if all that limits it is: what the other tool would
// refuse, ours must not write. What merely looks different is listed and left out.
package migrate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// File is a file that may hold settings or values. Path is relative to the folder,
// with slashes.
type File struct {
	Path string
	Data []byte
}

// Tree is what is migrated.
type Tree struct {
	Files     []File // sorted by path
	Namespace string // of the new objects
	Policies  string // the path of the file that they are appended to
	Git       Git
}

// Git is where the values are kept.
type Git struct {
	Name   string // of the GitRepository that automations name; "": unknown, and no automation is written
	URL    string // "": such an object is there already
	Branch string
	Folder string // of the tree in the repository; "" and "." are its root
	Host   string // of the remote

	Automation string            // the ImageUpdateAutomation that writes all of the tree already; "": none
	Labels     map[string]string // by which it selects policies; nil: all
}

// Entry is one setting and what becomes of it.
type Entry struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	Kind    string `json:"kind"` // image, setting, schedule, rule, preset…
	From    string `json:"from"`
	To      string `json:"to,omitempty"`
	Skipped string `json:"skipped,omitempty"` // why it has no counterpart
}

// Result is a translation.
type Result struct {
	Entries []Entry      // sorted by path and line
	Edits   []adopt.Edit // sorted by path
	Off     []string     // what must be switched off in the other tool
	Err     error        // settings that can't be read; the others are translated
}

// tools are the translators by the tool's name.
var tools = map[string]func(*translation){
	"argocd-image-updater": (*translation).imageUpdater,
	"keel":                 (*translation).keel,
	"renovate":             (*translation).renovate,
}

// Tools are the names of the tools that Translate knows, sorted.
func Tools() []string { return slices.Sorted(maps.Keys(tools)) }

// Wants reports whether a file may hold a tool's settings, or values that its
// settings move.
func Wants(name string) bool {
	return setters.IsCandidate(name) || isRenovateFile(name)
}

// Translate returns what a tool's settings become. The tool is one of Tools.
func Translate(tool string, tree Tree) *Result {
	t := &translation{tree: tree, byPath: map[string]*file{}}
	for i, f := range tree.Files {
		if !setters.IsCandidate(f.Path) || f.Path == tree.Policies {
			continue
		}
		if sheet, err := setters.Read(f.Path, f.Data); err == nil {
			sheet.Documents = slices.DeleteFunc(sheet.Documents, unbounded)
			t.files = append(t.files, &file{File: tree.Files[i], sheet: sheet})
			t.byPath[f.Path] = t.files[len(t.files)-1]
		}
	}
	tools[tool](t)
	return t.result()
}

// unbounded reports whether a document doesn't parse, or a walk over it might not
// end: an anchor that holds itself, or aliases of aliases.
func unbounded(d setters.Document) bool {
	left := strict.MaxTokens
	return d.Root == nil || strict.Measure(d.Root, &left) != nil
}

// translation is a translation at work.
type translation struct {
	tree    Tree
	files   []*file
	byPath  map[string]*file
	entries []Entry
	wanted  []*wanted
	off     []string
	err     error
}

// file is a YAML file.
type file struct {
	File
	sheet *setters.Sheet
	found []reference // nil: not looked for yet
}

// mark is a value that a policy should move, or a part of it.
type mark struct {
	file     *file
	document setters.Document
	node     *strict.Node
	part     pinsetter.Part
}

func (m mark) line() int { return m.document.LineOf(m.node) }

// wanted is a rule with the values that it should move together, and what is said
// of it. Entry.To is filled in by result.
type wanted struct {
	rule  *rule
	marks []mark
	entry Entry
}

// skip lists a setting without a counterpart.
func (t *translation) skip(at Entry, reason string) {
	at.Skipped = reason
	t.entries = append(t.entries, at)
}

// say lists a setting with what becomes of it.
func (t *translation) say(at Entry, to string) {
	at.To = to
	t.entries = append(t.entries, at)
}

// want asks for a rule at places that move together.
func (t *translation) want(at Entry, r *rule, marks []mark) {
	if err := r.check(); err != nil {
		t.skip(at, "its translation is no policy: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	if r.Digest == "" && slices.ContainsFunc(marks, func(m mark) bool { return m.part == pinsetter.PartDigest }) {
		copied := *r
		copied.Digest = spec.ReflectIfNotPresent // the digest moves with its tag
		r = &copied
	}
	if r.Digest == spec.ReflectAlways && !slices.ContainsFunc(marks, takesDigest) {
		t.skip(at, "a digest would be written, and the tag alone has no place for it: write it there once, as "+
			`"TAG@sha256:…" or in a field digest, and run this again`)
		return
	}
	t.wanted = append(t.wanted, &wanted{rule: r, marks: marks, entry: at})
}

// takesDigest reports whether a digest can be written at a mark.
func takesDigest(m mark) bool {
	return m.part == pinsetter.PartDigest || m.part == pinsetter.PartReference || strings.Contains(m.node.Value, "@sha256:")
}

// result writes markers and objects.
func (t *translation) result() *Result {
	t.dropRefused()
	edits, names := t.insert()
	if rules := t.rules(); len(rules) > 0 {
		edits = append(edits, t.appendObjects(names.objects(rules, t.tree.Git)))
	}
	for _, w := range t.wanted {
		w.entry.To = "ImagePolicy " + names.policy(w.rule).String() + ": " + w.rule.describe()
		t.entries = append(t.entries, w.entry)
	}
	slices.SortStableFunc(t.entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.From, b.From))
	})
	r := &Result{Entries: slices.Compact(t.entries), Edits: adopt.Edits(edits), Err: t.err}
	if len(r.Entries) > 0 {
		r.Off = t.off
	}
	if len(t.wanted) > 0 && t.tree.Git.Name == "" {
		r.Off = append(r.Off, "write a GitRepository and an ImageUpdateAutomation: this folder has no remote origin, so it isn't known where it is pushed (pinsetter set needs neither)")
	}
	if git := t.tree.Git; git.Automation != "" && git.Labels == nil && slices.ContainsFunc(t.wanted, func(w *wanted) bool { return !w.rule.Delivery.isCommon() }) {
		r.Off = append(r.Off, "give ImageUpdateAutomation "+git.Automation+" a policySelector: it selects every policy, and would push what others are to propose or to push elsewhere")
	}
	return r
}

// dropRefused drops what can't be marked as a whole, and what another rule moves.
func (t *translation) dropRefused() {
	owner := map[*strict.Node]*rule{}
	t.wanted = slices.DeleteFunc(t.wanted, func(w *wanted) bool {
		for _, m := range w.marks {
			other := owner[m.node]
			err := m.file.sheet.Refuses(m.document, m.node)
			switch {
			case err != nil:
				t.skip(w.entry, place(m)+": "+err.Error())
				return true
			case other != nil && other.key() != w.rule.key():
				t.skip(w.entry, place(m)+": another setting moves this value already, in another way: "+other.describe())
				return true
			}
		}
		for _, m := range w.marks {
			owner[m.node] = w.rule
		}
		return false
	})
}

// place names a mark's file and line.
func place(m mark) string { return placeOf(m.file.Path, m.line()) }

// rules returns the rules of what is wanted, each once, sorted by image and key.
func (t *translation) rules() []*rule {
	byKey := map[string]*rule{}
	for _, w := range t.wanted {
		byKey[w.rule.key()] = w.rule
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *rule) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.key(), b.key()))
	})
}

// inOrder returns the rules in the order of their settings.
func (t *translation) inOrder() []*rule {
	all := make([]*rule, len(t.wanted))
	for i, w := range t.wanted {
		all[i] = w.rule
	}
	return all
}

// taken returns the objects that are there already.
func (t *translation) taken() map[pinsetter.Object]bool {
	all := map[pinsetter.Object]bool{}
	for _, f := range t.tree.Files {
		if setters.IsCandidate(f.Path) && strings.Contains(string(f.Data), "toolkit.fluxcd.io") {
			maps.Copy(all, adopt.Names(f.Data, t.tree.Namespace))
		}
	}
	return all
}

// insert inserts the markers of all that is wanted, and returns what their policies
// are called. What can't be marked is skipped, with everything that moves with it.
func (t *translation) insert() ([]adopt.Edit, *names) {
	for {
		var edits []adopt.Edit
		before := len(t.wanted)
		names := newNames(t.tree.Namespace, t.taken(), t.inOrder())
		for _, f := range t.files {
			data, refused := t.insertInto(f, names)
			if len(refused) > 0 {
				t.wanted = slices.DeleteFunc(t.wanted, func(w *wanted) bool {
					if reason, is := refused[w]; is {
						t.skip(w.entry, reason)
						return true
					}
					return false
				})
				break
			}
			edits = append(edits, adopt.Edit{Path: f.Path, Old: f.Data, New: data})
		}
		if len(t.wanted) == before {
			return edits, names
		}
	}
}

// insertInto returns a file with its markers, and what can't be marked.
func (t *translation) insertInto(f *file, names *names) ([]byte, map[*wanted]string) {
	var marks []setters.Mark
	var of []*wanted
	seen := map[*strict.Node]bool{}
	for _, w := range t.wanted {
		for _, m := range w.marks {
			if m.file == f && !seen[m.node] {
				seen[m.node] = true
				marks = append(marks, setters.Mark{Document: m.document, Node: m.node, Policy: names.policy(w.rule), Part: m.part})
				of = append(of, w)
			}
		}
	}
	if len(marks) == 0 {
		return f.Data, nil
	}
	marked, errs := f.sheet.Insert(marks)
	refused := map[*wanted]string{}
	for i, err := range errs {
		if err != nil {
			refused[of[i]] = placeOf(f.Path, marks[i].Document.LineOf(marks[i].Node)) + ": " + err.Error()
		}
	}
	if len(refused) == 0 {
		t.unfit(marked.Sites, f, names, refused)
	}
	return marked.Data, refused
}

// unfit finds markers over values that would not be moved.
func (t *translation) unfit(sites []pinsetter.Site, f *file, names *names, refused map[*wanted]string) {
	for _, site := range sites {
		for _, w := range t.wanted {
			if names.policy(w.rule) != site.Policy || !slices.ContainsFunc(w.marks, func(m mark) bool { return m.file == f }) {
				continue
			}
			if misfit := setters.Unfit(site, w.rule.Image); misfit != nil {
				refused[w] = misfit.Reason
			}
		}
	}
}

// appendObjects appends objects to the file of policies.
func (t *translation) appendObjects(objects []adopt.Object) adopt.Edit {
	e := adopt.Edit{Path: t.tree.Policies}
	for _, f := range t.tree.Files {
		if f.Path == e.Path {
			e.Old = f.Data
		}
	}
	data, err := adopt.Append(e.Old, objects, t.tree.Namespace)
	if err != nil {
		panic(err) // the objects are texts, numbers and lists
	}
	e.New = data
	return e
}
