package lint_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/lint"
)

// TestCheckWarnsOfMarkersElsewhere: each file whose name keeps it from being
// searched is named once, and documentation, programs and large files never.
func TestCheckWarnsOfMarkersElsewhere(t *testing.T) {
	const line = "x: 1 # {\"$imagepolicy\": \"ns:app\"}\n"
	large := bytes.Repeat([]byte("# filler of a file that is no settings\n"), 30_000)
	dir := t.TempDir()
	for name, data := range map[string]string{
		"Dockerfile": line + line, ".env": "\n" + line, "a.json": `{"x": "# {\"$imagepolicy\": \"ns:app\"}"}`, "a.tmpl": line, "a.yaml.gotmpl": line,
		"a.YAML": line, "a.Yml": line, "kustomization": line, "deep/.hidden/x.toml": line,
		"README.md": line, "main.go": line, "notes.TXT": line, ".git/x.toml": line,
		"prose": "the $imagepolicy markers\n", "near": "x: 1 # {\"$imagePolicy\": \"ns:app\"}\n",
		"out": "# FROM x:1\n#x: 1 # {\"$imagepolicy\": \"ns:app\"}\n", "large": string(large) + line,
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := lint.Check(context.Background(), config.Load(nil, config.Options{}), lint.Places{Dirs: []string{dir}})
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	found := map[string]int{}
	for _, f := range l.Findings {
		name, _ := filepath.Rel(dir, f.Path)
		if _, twice := found[name]; twice || f.Code != "marker-elsewhere" {
			t.Errorf("finding %+v", f)
		}
		found[name] = f.Line
	}
	want := map[string]int{
		"Dockerfile": 1, ".env": 2, "a.json": 1, "a.tmpl": 1, "a.yaml.gotmpl": 1, "a.YAML": 1, "a.Yml": 1, "kustomization": 1,
		filepath.Join("deep", ".hidden", "x.toml"): 1,
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
