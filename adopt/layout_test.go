package adopt_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// layout is a repository of a golden file: its files, and what registries list.
// The comment has the flags, a line each: "range patch", "pin".
type layout struct {
	archive *txtar.Archive
	files   map[string][]byte
	names   []string
	tags    map[string]string // by image
	options adopt.Options
	pin     bool

	rehearsed bool // propose rehearses
}

func readLayout(t *testing.T, path string) *layout {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := &layout{archive: archive, files: map[string][]byte{}, tags: map[string]string{}}
	l.options = adopt.Options{Namespace: "default", Step: spec.BumpMinor}
	for line := range strings.Lines(string(archive.Comment)) {
		switch words := strings.Fields(line); {
		case len(words) == 2 && words[0] == "range":
			l.options.Step = spec.Bump(words[1])
		case len(words) == 1 && words[0] == "pin":
			l.pin, l.options.Pin = true, true
		}
	}
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
		case "tags":
			for line := range strings.Lines(string(f.Data)) {
				image, tags, _ := strings.Cut(strings.TrimSpace(line), " ")
				l.tags[image] = tags
			}
		case "renovate.json", "renovate.json5":
			settings, err := adopt.ReadRenovate(f.Name, f.Data)
			if err != nil {
				t.Fatal(err)
			}
			l.options.Rules = adopt.Rules(settings)
		default:
			l.files[f.Name] = f.Data
			l.names = append(l.names, f.Name)
		}
	}
	slices.Sort(l.names)
	return l
}

// listing is what the registry says: nothing of images that it doesn't know.
func (l *layout) listing(image string) adopt.Listing {
	canonical := strings.TrimPrefix(strings.TrimPrefix(image, "docker.io/"), "library/")
	tags, ok := l.tags[canonical]
	if !ok {
		return adopt.Listing{Canonical: canonical, Err: errors.New("its registry doesn't have it")}
	}
	return adopt.Listing{Canonical: canonical, Tags: strings.Fields(tags)}
}

// index is what a chart repository says: its line of "tags" has its URL before the
// chart.
func (l *layout) index(image string) adopt.Listing {
	for name, tags := range l.tags {
		if at := strings.LastIndex(name, "/"); strings.Contains(name, "://") && pinsetter.ChartImage(name[:at], name[at+1:]) == image {
			return adopt.Listing{Canonical: adopt.IndexKey(image), Tags: strings.Fields(tags)}
		}
	}
	return adopt.Listing{Canonical: adopt.IndexKey(image), Err: errors.New("the index doesn't have it")}
}

// listed is the listing of an object.
func (l *layout) listed(r *fleet.Repository) adopt.Listing {
	if r.Index != nil {
		return l.index(r.Image)
	}
	return l.listing(r.Image)
}

// propose proposes for the files, with the objects that are loaded already.
func (l *layout) propose(t *testing.T, files map[string][]byte, there *fleet.Set) *adopt.Proposal {
	var found []*adopt.File
	for _, name := range l.names {
		if setters.IsCandidate(name) && adopt.MayHold(files[name]) {
			found = append(found, adopt.Find(name, files[name], adopt.FindOptions{Namespace: "default", Pin: l.pin}))
		}
	}
	adopt.Resolve(found)
	if l.rehearsed {
		adopt.Rehearse(t.Context(), found)
	}
	listings := map[string]adopt.Listing{}
	for _, image := range adopt.Images(found) {
		listings[image] = l.listing(image)
	}
	for _, index := range adopt.Indexes(found) {
		listings[adopt.IndexKey(index.Image)] = l.index(index.Image)
	}
	o := l.options
	if there != nil {
		o.Repositories = map[string]pinsetter.Name{}
		o.Taken = map[string]bool{}
		for _, p := range there.Policies {
			if p.Repository == nil {
				continue
			}
			o.Policies = append(o.Policies, adopt.Standing{Name: p.Name, Canonical: l.listed(p.Repository).Canonical, Spec: p.Spec})
			o.Taken[p.Name.Name] = true
		}
		for _, r := range there.Repositories {
			if r.Name.Namespace == o.Namespace {
				o.Repositories[l.listed(r).Canonical] = r.Name
				o.Taken[r.Name.Name] = true
			}
		}
	}
	return adopt.Propose(found, listings, o)
}

func load(files map[string][]byte) *fleet.Set {
	var all []source.File
	for name, data := range files {
		if claim.MayHold(data) {
			all = append(all, source.File{Path: name, Data: data})
		}
	}
	return config.Load(all, config.Options{Namespace: "default"})
}

// TestLayouts compares what is proposed for repositories as people have them with
// golden files, and holds for each what must be true of all.
func TestLayouts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d layouts: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			l := readLayout(t, path)
			there := load(l.files)
			proposal := l.propose(t, l.files, there)
			l.compare(t, path, l.describe(t, proposal))
			l.judge(t, proposal, there)
			l.rehearsed = true
			if diff := cmp.Diff(l.describe(t, proposal), l.describe(t, l.propose(t, l.files, there))); diff != "" {
				t.Errorf("rehearsed (-without +with):\n%s", diff)
			}
		})
	}
}

// describe returns a proposal as text: the references, the diff, the objects.
func (l *layout) describe(t *testing.T, p *adopt.Proposal) string {
	t.Helper()
	var b strings.Builder
	for _, e := range p.Entries {
		outcome := fmt.Sprintf("%s %s: %s -> %s", e.Policy, e.Range, e.Current, e.Best)
		if e.Skipped != "" {
			outcome = "skipped: " + e.Skipped
		}
		fmt.Fprintf(&b, "%s:%d %s %s\n    %s\n", e.Path, e.Line, e.Kind, e.Reference, outcome)
	}
	for _, e := range p.Edits {
		b.WriteString(plan.Patch(e.Path, e.Old, e.New))
	}
	objects, err := adopt.Render(p.Objects)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(objects)
	return b.String()
}

func (l *layout) compare(t *testing.T, path, got string) {
	t.Helper()
	archive := *l.archive
	archive.Files = slices.DeleteFunc(slices.Clone(archive.Files), func(f txtar.File) bool { return f.Name == "want" })
	want := ""
	for _, f := range l.archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
		}
	}
	if *update {
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(&archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// judge holds that only comments are inserted, that setters finds each marker
// with the value that was proposed and would write the best tag, that the objects
// load, and that twice equals once.
func (l *layout) judge(t *testing.T, p *adopt.Proposal, there *fleet.Set) {
	t.Helper()
	after := map[string][]byte{}
	for name, data := range l.files {
		after[name] = data
	}
	for _, e := range p.Edits {
		if string(withoutNew(e.Old, e.New)) != string(e.Old) {
			t.Errorf("%s: other bytes than comments changed", e.Path)
		}
		after[e.Path] = e.New
	}
	objects, err := adopt.Render(p.Objects)
	if err != nil {
		t.Fatal(err)
	}
	after["policies.yaml"] = objects
	set := load(after)
	for _, f := range set.Findings {
		if !slices.ContainsFunc(there.Findings, func(g pinsetter.Finding) bool { return f.Message == g.Message }) {
			t.Errorf("%s", f)
		}
	}
	for _, e := range p.Entries {
		added := 0 // lines for digests above it
		for _, d := range p.Entries {
			if d.Path == e.Path && d.Kind == adopt.KindDigest && d.Current == "" && d.Line < e.Line {
				added++
			}
		}
		e.Line += added
		if e.Skipped == "" {
			l.moves(t, e, after[e.Path], set)
		}
	}
	delete(after, "policies.yaml")
	if again := l.propose(t, after, set); len(again.Edits)+len(again.Objects) > 0 {
		t.Errorf("twice differs from once:\n%s", l.describe(t, again))
	}
}

// withoutNew returns the new bytes without the markers that the old ones lack.
func withoutNew(old, data []byte) []byte {
	if strings.Contains(string(old), "$imagepolicy") {
		return old // marked files are judged by FuzzInsert
	}
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if i := strings.Index(line, ` # {"$imagepolicy": "`); i >= 0 {
			end := strings.Index(line[i:], `"}`)
			line = line[:i] + line[i+end+2:]
			if strings.TrimSpace(line) == `digest: ""` && !strings.Contains(string(old), line) {
				continue
			}
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

// moves holds that the site of an entry isn't held, and that its policy selects
// the best tag.
func (l *layout) moves(t *testing.T, e adopt.Entry, data []byte, set *fleet.Set) {
	t.Helper()
	for _, site := range setters.Find(e.Path, data).Sites {
		if site.Policy.String() != e.Policy || !slices.ContainsFunc(site.Markers, func(m pinsetter.Marker) bool { return m.Line == e.Line }) {
			continue
		}
		p := set.Policy(site.Policy)
		if p == nil || p.Err != nil {
			t.Errorf("%s:%d: policy %s isn't usable", e.Path, e.Line, e.Policy)
			return
		}
		if misfit := setters.Unfit(site, p.Repository.Image); misfit != nil {
			t.Errorf("%s:%d would be held: %s", e.Path, e.Line, misfit.Reason)
		}
		ranking, err := p.Rules.Rank(policy.NewTags(l.listed(p.Repository).Tags))
		if err != nil {
			t.Fatal(err)
		}
		best, _ := ranking.Best()
		if wanted := strings.ReplaceAll(e.Best, "+", "_"); best.Tag != wanted && !strings.HasPrefix(wanted, "sha256:") && e.Kind != adopt.KindDigest {
			t.Errorf("%s:%d: policy %s selects %s, not %s", e.Path, e.Line, e.Policy, best.Tag, e.Best)
		}
		return
	}
	t.Errorf("%s:%d: no marker of policy %s is found", e.Path, e.Line, e.Policy)
}
