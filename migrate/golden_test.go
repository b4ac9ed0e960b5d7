package migrate_test

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

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const policies = "pinsetter/policies.yaml"

// treeOf returns the files of an archive below a folder, ready to translate.
func treeOf(a *txtar.Archive, below string) migrate.Tree {
	tree := migrate.Tree{
		Namespace: "apps", Policies: policies,
		Git: migrate.Git{Name: "fleet", URL: "https://github.com/acme/fleet", Branch: "main", Host: "github.com"},
	}
	for _, f := range a.Files {
		if name, is := strings.CutPrefix(f.Name, below); is && migrate.Wants(filepath.Base(name)) {
			tree.Files = append(tree.Files, migrate.File{Path: name, Data: f.Data})
		}
	}
	slices.SortFunc(tree.Files, func(a, b migrate.File) int { return strings.Compare(a.Path, b.Path) })
	return tree
}

// written returns a tree after its edits.
func written(tree migrate.Tree, r *migrate.Result) migrate.Tree {
	after := tree
	after.Files = slices.Clone(tree.Files)
	for _, e := range r.Edits {
		i := slices.IndexFunc(after.Files, func(f migrate.File) bool { return f.Path == e.Path })
		if i < 0 {
			after.Files = append(after.Files, migrate.File{Path: e.Path, Data: e.New})
		} else {
			after.Files[i].Data = e.New
		}
	}
	slices.SortFunc(after.Files, func(a, b migrate.File) int { return strings.Compare(a.Path, b.Path) })
	return after
}

// TestGolden translates the trees of testdata: in/ is before, want/ has the files
// that change, and entries.json what is said of each setting. What was written is
// clean for lint, and twice equals once.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tool := toolOf(name)
			before := treeOf(archive, "in/")
			r := migrate.Translate(tool, before)
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			got := *archive
			got.Files = slices.DeleteFunc(slices.Clone(archive.Files), func(f txtar.File) bool { return !strings.HasPrefix(f.Name, "in/") })
			for _, e := range r.Edits {
				got.Files = append(got.Files, txtar.File{Name: "want/" + e.Path, Data: e.New})
			}
			got.Files = append(got.Files, txtar.File{Name: "entries.json", Data: entriesOf(t, r)})
			if *update {
				if err := os.WriteFile(path, txtar.Format(&got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(&got))); diff != "" {
				t.Error(diff)
			}
			after := written(before, r)
			if again := migrate.Translate(tool, after); len(again.Edits) > 0 {
				t.Errorf("twice differs: %s", again.Edits[0].New)
			}
			lintClean(t, after)
		})
	}
}

// toolOf returns the tool that a case is named after.
func toolOf(name string) string {
	for _, tool := range migrate.Tools() {
		if strings.HasPrefix(name, tool) {
			return tool
		}
	}
	return ""
}

func entriesOf(t *testing.T, r *migrate.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(append([]migrate.Entry{}, r.Entries...)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lintClean holds that lint finds nothing wrong in a tree.
func lintClean(t *testing.T, tree migrate.Tree) {
	t.Helper()
	dir := t.TempDir()
	var objects []source.File
	for _, f := range tree.Files {
		at := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		if f.Path == policies {
			objects = append(objects, source.File{Path: f.Path, Data: f.Data})
		}
	}
	secret := "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: reg, namespace: apps}\nstringData: {.dockerconfigjson: '{\"auths\":{}}'}\n"
	objects = append(objects, source.File{Path: "secret.yaml", Data: []byte(secret)})
	set := config.Load(objects, config.Options{Namespace: "apps"})
	report := lint.Check(t.Context(), set, lint.Places{Dirs: []string{dir}})
	for _, f := range report.Findings {
		if f.Code != "secret-missing" || !strings.Contains(f.Message, "PullRequest") && !strings.Contains(f.Message, "GitRepository") {
			t.Errorf("lint: %s:%d: %s [%s]", f.Path, f.Line, f.Message, f.Code)
		}
	}
	if report.Err != nil {
		t.Error(report.Err)
	}
}
