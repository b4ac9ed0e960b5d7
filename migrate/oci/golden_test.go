package oci

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/migrate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// artifactsOf returns what the lines "-artifact [NAMESPACE/]NAME=REPOSITORY:TAG[//PATH]"
// of an archive name.
func artifactsOf(t *testing.T, comment []byte) []Artifact {
	t.Helper()
	var artifacts []Artifact
	for line := range strings.Lines(string(comment)) {
		text, is := strings.CutPrefix(strings.TrimSpace(line), "-artifact ")
		if !is {
			continue
		}
		git, at, _ := strings.Cut(text, "=")
		at, below, _ := strings.Cut(at, "//")
		repository, tag, _ := strings.Cut(at, ":")
		namespace, name, qualified := strings.Cut(git, "/")
		if !qualified {
			namespace, name = "", git
		}
		artifacts = append(artifacts, Artifact{Git: pinsetter.Name{Namespace: namespace, Name: name}, Repository: repository, Tag: tag, Path: below})
	}
	return artifacts
}

func filesOf(a *txtar.Archive) []migrate.File {
	var files []migrate.File
	for _, f := range a.Files {
		if name, is := strings.CutPrefix(f.Name, "in/"); is {
			files = append(files, migrate.File{Path: name, Data: f.Data})
		}
	}
	slices.SortFunc(files, func(a, b migrate.File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// written returns the files after the edits of a result.
func written(files []migrate.File, r *Result) []migrate.File {
	after := slices.Clone(files)
	for _, e := range r.Edits {
		i := slices.IndexFunc(after, func(f migrate.File) bool { return f.Path == e.Path })
		after[i].Data = e.New
	}
	return after
}

// TestGolden translates the trees of testdata: in/ is before, want/ has the files that
// change, said.json what is said of each object, and steps what is to do. Twice equals
// once, and what is refused stays.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Artifacts: artifactsOf(t, archive.Comment)}
			files := filesOf(archive)
			r := Translate(files, o)
			got := txtar.Archive{Comment: archive.Comment}
			got.Files = slices.DeleteFunc(slices.Clone(archive.Files), func(f txtar.File) bool { return !strings.HasPrefix(f.Name, "in/") })
			for _, e := range r.Edits {
				got.Files = append(got.Files, txtar.File{Name: "want/" + e.Path, Data: e.New})
			}
			got.Files = append(got.Files, txtar.File{Name: "said.json", Data: jsonOf(t, r.Entries)},
				txtar.File{Name: "steps", Data: []byte(strings.Join(r.Steps, "\n") + "\n")})
			if *update {
				if err := os.WriteFile(path, txtar.Format(&got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(&got))); diff != "" {
				t.Error(diff)
			}
			if again := Translate(written(files, r), o); len(again.Edits) > 0 {
				t.Errorf("twice differs: %s\n%s", again.Edits[0].Path, again.Edits[0].New)
			}
			o.Refused = map[string]string{}
			for _, s := range r.Sources {
				o.Refused[s.Key] = "it doesn't answer"
			}
			if none := Translate(files, o); len(none.Edits)+len(none.Sources) > 0 || !bytes.Contains(jsonOf(t, none.Entries), []byte("it doesn't answer")) {
				t.Errorf("what is refused is written: %+v", none)
			}
		})
	}
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
