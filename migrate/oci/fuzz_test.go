package oci

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// FuzzTranslate holds, for any file: what is written parses, each object means what it
// meant but for its source, each new OCIRepository is there once, every line outside of
// edits stays in its place, no comment is lost, and twice equals once.
func FuzzTranslate(f *testing.F) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range cases {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var all []byte
		for _, file := range filesOf(txtar.Parse(data)) {
			f.Add(file.Data)
			all = append(all, "\n---\n"...)
			all = append(all, file.Data...)
		}
		f.Add(all)
		f.Add(bytes.ReplaceAll(all, []byte("\n"), []byte("\r\n")))
		f.Add(bytes.TrimSpace(all))
	}
	f.Add([]byte("apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: shop}\nspec: {interval: 1m}\n---\n" +
		"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec:\n  interval: 1m\n  path: deploy\n  sourceRef: {name: shop,\n    kind: GitRepository}\n"))
	artifact := Artifact{Repository: "ghcr.io/org/fleet", Tag: "latest", Path: "deploy"}
	o := Options{}
	for _, name := range []string{"flux-system", "shop", "ranged", "signed"} {
		artifact.Git = pinsetter.Name{Name: name}
		o.Artifacts = append(o.Artifacts, artifact)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			files := []migrate.File{{Path: "clusters/all.yaml", Data: data}}
			r := Translate(files, o)
			if len(r.Edits) == 0 {
				return
			}
			after := written(files, r)
			if again := Translate(after, o); len(again.Edits) > 0 {
				t.Fatalf("twice differs:\n%s\n%s", after[0].Data, again.Edits[0].New)
			}
			compareObjects(t, r, data, after[0].Data)
			compareLines(t, files, o, after[0].Data)
		})
	})
}

// compareObjects holds that objects mean the same but for where their content comes
// from.
func compareObjects(t *testing.T, r *Result, before, after []byte) {
	t.Helper()
	old, now := objectsOf(t, before), objectsOf(t, after)
	for _, s := range r.Sources {
		want := objectsOf(t, s.Document)[0]
		i := slices.IndexFunc(now, func(o any) bool { return cmp.Equal(o, want) })
		if i < 0 {
			t.Fatalf("%s isn't there:\n%s", s.Document, after)
		}
		now = slices.Delete(now, i, i+1)
	}
	for _, objects := range [][]any{old, now} {
		for _, o := range objects {
			withoutSource(o)
		}
	}
	if diff := cmp.Diff(old, now); diff != "" {
		t.Fatalf("objects changed:\n%s\n%s", diff, after)
	}
}

// withoutSource removes what may change.
func withoutSource(o any) {
	object, _ := o.(map[string]any)
	spec, _ := object["spec"].(map[string]any)
	switch object["kind"] {
	case "HelmRelease":
		delete(spec, "chart")
		delete(spec, "chartRef")
	case "Kustomization":
		delete(spec, "path")
		ref, _ := spec["sourceRef"].(map[string]any)
		delete(ref, "kind")
	}
}

// objectsOf decodes the documents of a file, those that can be.
func objectsOf(t *testing.T, data []byte) []any {
	t.Helper()
	sheet, err := setters.Read("all.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	var objects []any
	for _, d := range sheet.Documents {
		var o any
		left := strict.MaxTokens
		if d.Root == nil || strict.Measure(d.Root, &left) != nil {
			objects = append(objects, d.Err != nil)
		} else if d.Root.Decode(&o) == nil {
			objects = append(objects, o)
		}
	}
	return objects
}

// compareLines holds that the lines that no edit replaces are there in their order,
// and every comment of the others.
func compareLines(t *testing.T, files []migrate.File, o Options, after []byte) {
	t.Helper()
	again := &translation{world: read(files), options: o, byKey: map[string]*proposal{}}
	for _, user := range again.objects {
		again.move(user)
	}
	replaced := map[int]bool{}
	for _, m := range again.moves {
		for _, e := range m.edits {
			for n := e.from; n < e.to; n++ {
				replaced[n] = true
			}
		}
	}
	rest := string(after)
	for i, line := range again.files[0].lines {
		if replaced[i+1] {
			if said := comment(strings.TrimRight(string(line), "\r\n")); said != "" && !strings.Contains(string(after), said) {
				t.Fatalf("line %d: the comment %q is lost:\n%s", i+1, said, after)
			}
			continue
		}
		text := strings.TrimRight(string(line), "\r\n")
		_, behind, found := strings.Cut(rest, text)
		if !found {
			t.Fatalf("line %d, %q, isn't there any more:\n%s", i+1, line, after)
		}
		rest = behind
	}
}

func TestEndsOfLines(t *testing.T) {
	const before = "apiVersion: source.toolkit.fluxcd.io/v1\r\nkind: HelmRepository\r\nmetadata: {name: c}\r\nspec: {type: oci, url: oci://h.example/c}\r\n" +
		"---\r\napiVersion: helm.toolkit.fluxcd.io/v2\r\nkind: HelmRelease\r\nmetadata: {name: a}\r\nspec:\r\n  interval: 1h\r\n  chart:\r\n    spec:\r\n" +
		"      chart: app\r\n      version: 1.0.0\r\n      sourceRef: {kind: HelmRepository, name: c}"
	r := Translate([]migrate.File{{Path: "a.yaml", Data: []byte(before)}}, Options{})
	if len(r.Edits) != 1 {
		t.Fatalf("%+v", r)
	}
	got := string(r.Edits[0].New)
	if strings.Count(got, "\n") != strings.Count(got, "\r\n") || !strings.HasSuffix(got, "\r\n    kind: OCIRepository\r\n    name: a") {
		t.Errorf("%q", got)
	}
}
