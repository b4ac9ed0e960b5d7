package folder_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/folder"
)

func TestReplace(t *testing.T) {
	f, dir := open(t, map[string]string{"a/b.yaml": "old", "c.yaml": "old"})
	for name, mode := range map[string]fs.FileMode{"a/b.yaml": 0o640, "c.yaml": 0o777} {
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := f.Replace(name, []byte("old"), []byte("new")); err != nil {
			t.Fatal(err)
		}
		data, err := f.Read(name)
		if err != nil || string(data) != "new" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	leftNothing(t, dir, "a", "a/b.yaml", "c.yaml")
}

// leftNothing checks that a directory holds these entries alone.
func leftNothing(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); name != "." {
			got = append(got, filepath.ToSlash(name))
		}
		return err
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, entries (-want +got):\n%s", err, diff)
	}
}

func TestReplaceRefusesAChangedFile(t *testing.T) {
	f, dir := open(t, map[string]string{"a.yaml": "theirs"})
	err := f.Replace("a.yaml", []byte("old"), []byte("new"))
	if !errors.Is(err, folder.ErrChanged) {
		t.Errorf("error: %v", err)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "a.yaml")); string(data) != "theirs" {
		t.Errorf("file holds %q", data)
	}
	leftNothing(t, dir, "a.yaml")
}

func TestReplaceRefusesLinks(t *testing.T) {
	f, dir := open(t, map[string]string{"a.yaml": "old", "d/b.yaml": "old", "e.yaml": "old"})
	for link, target := range map[string]string{"link.yaml": "a.yaml", "dirlink": "d"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "e.yaml"), filepath.Join(dir, "f.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link.yaml", "dirlink/b.yaml", "e.yaml"} {
		if err := f.Replace(name, []byte("old"), []byte("new")); err == nil {
			t.Errorf("%s was replaced", name)
		} else if !strings.HasPrefix(err.Error(), "replace "+dir) {
			t.Errorf("error: %v", err)
		}
	}
	leftNothing(t, dir, "a.yaml", "d", "d/b.yaml", "dirlink", "e.yaml", "f.yaml", "link.yaml")
}

func TestPathsStayInTheFolder(t *testing.T) {
	f, dir := open(t, map[string]string{"in/a.yaml": "old", "out.yaml": "old"})
	inner, err := folder.Open(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	for _, name := range []string{"../out.yaml", "/out.yaml", filepath.Join(dir, "out.yaml"), "", ".", "..", "./a.yaml", "x/../a.yaml", "a.yaml/", "missing/a.yaml", "a.yaml/b"} {
		if data, err := inner.Read(name); err == nil {
			t.Errorf("read %q: %q", name, data)
		}
		if err := inner.Replace(name, []byte("old"), []byte("new")); err == nil {
			t.Errorf("replaced %q", name)
		}
	}
	if data, err := f.Read("out.yaml"); err != nil || string(data) != "old" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestReplaceInAReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		return // root may write everywhere
	}
	f, dir := open(t, map[string]string{"a.yaml": "old"})
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) }) // so that it can be removed
	err := f.Replace("a.yaml", []byte("old"), []byte("new"))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "write a new file beside it") {
		t.Errorf("error: %v", err)
	}
}

// An Editor goes on after a file that it refuses, and through directories in any order.
func TestEditor(t *testing.T) {
	f, dir := open(t, map[string]string{"a/b.yaml": "old", "a/c.yaml": "theirs", "a/d/e.yaml": "old", "f.yaml": "old"})
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	e := f.Edit()
	refused := map[string]error{"a/c.yaml": folder.ErrChanged, "missing/g.yaml": fs.ErrNotExist, "a/missing.yaml": fs.ErrNotExist, "link/b.yaml": nil}
	for _, name := range []string{"a/b.yaml", "a/c.yaml", "link/b.yaml", "a/d/e.yaml", "missing/g.yaml", "a/missing.yaml", "f.yaml"} {
		err := e.Replace(name, []byte("old"), []byte("new"))
		want, refuses := refused[name]
		if (err != nil) != refuses || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		content := "new"
		if refuses {
			content = "theirs"
		}
		if data, err := e.Read(name); err == nil && string(data) != content {
			t.Errorf("%s holds %q, want %q", name, data, content)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Replace("a/b.yaml", []byte("new"), []byte("newer")); err != nil {
		t.Errorf("after Close: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	leftNothing(t, dir, "a", "a/b.yaml", "a/c.yaml", "a/d", "a/d/e.yaml", "f.yaml", "link")
}
