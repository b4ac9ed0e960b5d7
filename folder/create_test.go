package folder_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinsetter/pinsetter/folder"
)

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	f, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Create("a/b/c.yaml", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := f.Create("a/b/c.yaml", []byte("y")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created over a file: %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a/b/c.yaml")); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "a/b")); len(entries) != 1 {
		t.Errorf("files are left: %v", entries)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link/b/d.yaml", "../x.yaml", "/x.yaml", "link"} {
		if err := f.Create(name, []byte("z")); err == nil {
			t.Errorf("%s was created", name)
		}
	}
}
