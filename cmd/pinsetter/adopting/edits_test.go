package adopting

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
)

func TestWriteEdits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("a: 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edits := []adopt.Edit{
		{Path: "a.yaml", Old: []byte("a: 0\n"), New: []byte("a: 2\n")}, // somebody changed it
		{Path: "b.yaml", Old: []byte("a: 1\n"), New: []byte("a: 2\n")},
		{Path: "c/d.yaml", New: []byte("x: 1\n")},
	}
	if err := writeEdits(dir, edits); err == nil {
		t.Error("a file that changed meanwhile is no error")
	}
	for name, want := range map[string]string{"a.yaml": "a: 1\n", "b.yaml": "a: 2\n", "c/d.yaml": "x: 1\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	var out bytes.Buffer
	if err := printEdits(&out, cli.Painter{}, "x", edits[1:]); err != nil {
		t.Fatal(err)
	}
	const want = "--- a/x/b.yaml\n+++ b/x/b.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n--- /dev/null\n+++ b/x/c/d.yaml\n@@ -0,0 +1 @@\n+x: 1\n"
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}
