package adopt_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
)

// anything is a listing that has a tag and its likes, so that a policy is found for
// whatever a file shows.
func anything(image, tag string) adopt.Listing {
	return adopt.Listing{Canonical: image, Tags: []string{tag, "1.0.0", "1.0.1", "1.1.0", "1.2.0-alpine", "1.2.1-alpine", "1.2.2-alpine", "main-1", "main-2", "main-30"}}
}

// FuzzPropose holds for any file that bytes outside of inserted markers never
// change, that each marker that was proposed is found with the value that was
// proposed, and that twice equals once.
func FuzzPropose(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if setters.IsCandidate(file.Name) {
				f.Add(filepath.Base(file.Name), file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if len(data) > 8<<10 || bytes.Contains(data, []byte("$imagepolicy")) {
			return
		}
		file, p := proposeFor(name, data, nil, nil)
		_, rehearsed := proposeFor(name, data, nil, adopt.Rehearse)
		if diff := cmp.Diff(p, rehearsed); diff != "" {
			t.Fatalf("a rehearsal changes it:\n%s", diff)
		}
		if len(p.Edits) == 0 {
			return
		}
		edit := p.Edits[0]
		if got := strings.ReplaceAll(string(unmarked(edit.New)), "\x00", ""); got != string(data) && !bytes.Contains(data, []byte{0}) {
			t.Fatalf("other bytes changed:\n%q\n%q", data, edit.New)
		}
		sites := setters.Find(file.Path, edit.New).Sites
		for _, e := range p.Entries {
			if e.Skipped == "" && !shows(sites, e) {
				t.Fatalf("the marker of %+v isn't found in\n%s", e, edit.New)
			}
		}
		var standing []adopt.Standing
		for _, o := range p.Objects {
			if s, ok := o.Spec.(spec.ImagePolicySpec); ok {
				standing = append(standing, adopt.Standing{Name: o.Name, Canonical: "none", Spec: s})
			}
		}
		if _, again := proposeFor(name, edit.New, standing, nil); len(again.Edits) > 0 {
			t.Fatalf("twice differs from once:\n%s\n%s", edit.New, again.Edits[0].New)
		}
	})
}

// proposeFor proposes for one file. Rehearse may be nil.
func proposeFor(name string, data []byte, standing []adopt.Standing, rehearse func(context.Context, []*adopt.File)) (*adopt.File, *adopt.Proposal) {
	file := adopt.Find(name, data, adopt.FindOptions{Namespace: "default"})
	adopt.Resolve([]*adopt.File{file})
	if rehearse != nil {
		rehearse(context.Background(), []*adopt.File{file})
	}
	listings := map[string]adopt.Listing{}
	for _, r := range file.References {
		listings[r.Image.Name] = anything(r.Image.Name, r.Image.Tag)
	}
	return file, adopt.Propose([]*adopt.File{file}, listings, adopt.Options{Namespace: "default", Step: spec.BumpMinor, Policies: standing})
}

// unmarked returns a file without its markers.
func unmarked(data []byte) []byte {
	for {
		i := bytes.Index(data, []byte(` # {"$imagepolicy": "`))
		if i < 0 {
			return data
		}
		end := bytes.Index(data[i:], []byte(`"}`))
		data = slices.Concat(data[:i], data[i+end+2:])
	}
}

// shows reports whether a site of an entry's policy has its present value.
func shows(sites []pinsetter.Site, e adopt.Entry) bool {
	for _, site := range sites {
		for _, m := range site.Markers {
			if site.Policy.String() == e.Policy && (m.Line == e.Line || e.Kind == adopt.KindDigest) && strings.Contains(m.Value, e.Current) {
				return true
			}
		}
	}
	return false
}

// FuzzClimb holds that a rung's policy takes the tag and its best, which isn't lower.
func FuzzClimb(f *testing.F) {
	for _, tag := range []string{"1.2.3", "v1.2.3-alpine", "2024.08.15", "24.04", "main-3f2c1ab-1700000000", "8.0.1-debian-11-r57", "4.0.9.2244", "release-1.2", "RELEASE.2024-01-01T00-00-00Z", "16"} {
		f.Add(tag, "1.2.4 v1.3.0-alpine 2024.09.01 24.10 main-1 9.9.9", false)
	}
	f.Fuzz(func(t *testing.T, tag, list string, chart bool) {
		if !pinsetter.ValidTag(tag) || len(list) > 1000 {
			return
		}
		tags := []string{tag, "1.0.0", "1.0.1", "v1.0.0", "main-1", "20240101"}
		for _, other := range strings.Fields(list) {
			if pinsetter.ValidTag(other) {
				tags = append(tags, other)
			}
		}
		for _, step := range []spec.Bump{spec.BumpPatch, spec.BumpMinor, spec.BumpMajor} {
			rung, why := adopt.Climb{Tag: tag, Listed: tags, Chart: chart, Step: step}.Climb()
			if (why == "") == (rung.Best == "") {
				t.Fatalf("%q: best %q and reason %q", tag, rung.Best, why)
			}
			if why == "" && !slices.Contains(tags, rung.Best) {
				t.Fatalf("%q: best %q isn't listed", tag, rung.Best)
			}
		}
	})
}

// FuzzReadRenovate holds that no settings panic.
func FuzzReadRenovate(f *testing.F) {
	f.Add([]byte(`{renovate: {"packageRules": [{"matchPackageNames": ["/a(/", "b/**"], "allowedVersions": "<2", "minimumReleaseAge": "3 days"}], /* old */ stabilityDays: 3}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		root, err := adopt.ReadRenovate("package.json", data)
		if err != nil || root == nil {
			return
		}
		file := adopt.Find("a.yaml", []byte("image: b/c:1.0.0\n"), adopt.FindOptions{})
		adopt.Propose([]*adopt.File{file}, map[string]adopt.Listing{"b/c": anything("b/c", "1.0.0")}, adopt.Options{Namespace: "default", Step: spec.BumpMinor, Rules: adopt.Rules(root)})
	})
}
