package folder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/folder"
)

// open opens a new folder with these files; a path that ends in a slash is a
// directory.
func open(t *testing.T, files map[string]string) (*folder.Folder, string) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, dir
}

// contents returns "path=data" for every file that is handed on.
func contents(t *testing.T, f *folder.Folder, o folder.Options) ([]string, error) {
	t.Helper()
	return folder.Each(context.Background(), f, o, func(path string, data []byte) (string, bool) {
		return path + "=" + string(data), true
	})
}

func TestEachIsSortedByPath(t *testing.T) {
	files := map[string]string{"b.yaml": "b", "a/z.yaml": "az", "a.yaml": "a", "a/b/c/d.yaml": "abcd", "a-b.yaml": "a-b", "empty.yaml": ""}
	for i := range 300 {
		files[fmt.Sprintf("flat/%03d.yaml", i)] = "flat"
	}
	f, _ := open(t, files)
	want := []string{"a-b.yaml=a-b", "a.yaml=a", "a/b/c/d.yaml=abcd", "a/z.yaml=az", "b.yaml=b", "empty.yaml="}
	for i := range 300 {
		want = append(want, fmt.Sprintf("flat/%03d.yaml=flat", i))
	}
	for range 20 {
		got, err := contents(t, f, folder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("files (-want +got):\n%s", diff)
		}
	}
}

func TestEachAsksWantAndScreen(t *testing.T) {
	f, _ := open(t, map[string]string{"a.yaml": "yes", "b.yaml": "no", "c.txt": "yes", "d/e.yaml": "yes"})
	got, err := contents(t, f, folder.Options{
		Want:   func(name string) bool { return strings.HasSuffix(name, ".yaml") },
		Screen: func(data []byte) bool { return string(data) == "yes" },
	})
	if diff := cmp.Diff([]string{"a.yaml=yes", "d/e.yaml=yes"}, got); err != nil || diff != "" {
		t.Errorf("%v, files (-want +got):\n%s", err, diff)
	}
}

func TestEachKeepsNothing(t *testing.T) {
	f, _ := open(t, map[string]string{"a.yaml": "a"})
	got, err := folder.Each(context.Background(), f, folder.Options{}, func(string, []byte) (int, bool) { return 1, false })
	if err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEachLeavesOutGitAndLinks(t *testing.T) {
	f, dir := open(t, map[string]string{
		"a.yaml": "a", ".git/config.yaml": "git", "sub/.git/x.yaml": "git", ".github/w.yaml": "w", "d/real.yaml": "real",
	})
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"link.yaml": "a.yaml", "outside.yaml": outside, "dangling.yaml": "nowhere", "dirlink": "d", "loop": ".", "up": "..",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := contents(t, f, folder.Options{})
	if diff := cmp.Diff([]string{".github/w.yaml=w", "a.yaml=a", "d/real.yaml=real"}, got); err != nil || diff != "" {
		t.Errorf("%v, files (-want +got):\n%s", err, diff)
	}
}

func TestEachGoesOnPastABadFile(t *testing.T) {
	f, dir := open(t, map[string]string{"a.yaml": "a", "big.yaml": "0123456789", "c/big.yaml": "0123456789", "d.yaml": "d"})
	got, err := contents(t, f, folder.Options{MaxSize: 9})
	if diff := cmp.Diff([]string{"a.yaml=a", "d.yaml=d"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	want := fmt.Sprintf("read %s/big.yaml: too large: more than 9 bytes\nread %s/c/big.yaml: too large: more than 9 bytes", dir, dir)
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestEachReportsWhatMayNotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		return // root may read everything
	}
	f, dir := open(t, map[string]string{"a.yaml": "a", "b.yaml": "b", "c/d.yaml": "d"})
	for _, name := range []string{"b.yaml", "c"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "c"), 0o755) }) // so that it can be removed
	got, err := contents(t, f, folder.Options{})
	if len(got) != 1 || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEachReadsFilesOfEverySize(t *testing.T) {
	files := map[string]string{}
	want := []string{}
	for _, size := range []int{0, 1, 65535, 65536, 65537, 131072, 1 << 20} {
		name := fmt.Sprintf("%08d", size)
		files[name] = strings.Repeat("x", size)
		want = append(want, name+"="+files[name])
	}
	f, _ := open(t, files)
	got, err := contents(t, f, folder.Options{})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, files differ", err)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("%d/a.yaml", i)] = "a"
	}
	f, _ := open(t, files)
	ctx, cancel := context.WithCancel(context.Background())
	got, err := folder.Each(ctx, f, folder.Options{}, func(string, []byte) (int, bool) {
		cancel()
		return 1, true
	})
	if got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%d results, %v", len(got), err)
	}
}

func TestOpenNoFolder(t *testing.T) {
	_, dir := open(t, map[string]string{"file": "x"})
	for _, name := range []string{"missing", "file"} {
		if f, err := folder.Open(filepath.Join(dir, name)); err == nil {
			f.Close()
			t.Errorf("opened %s", name)
		} else if !strings.HasPrefix(err.Error(), "open folder ") {
			t.Errorf("error: %v", err)
		}
	}
}

// TestSizes: files are read whole, whatever their size is beside the buffer's.
func TestSizes(t *testing.T) {
	const buffer = 64 << 10
	dir := t.TempDir()
	sizes := map[string]int{}
	for i, size := range []int{0, 1, buffer - 1, buffer, buffer + 1, 2*buffer - 1, 2 * buffer, 2*buffer + 1, 5 * buffer, 7} {
		name := fmt.Sprintf("%d.yaml", i)
		sizes[name] = size
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, err := folder.Each(t.Context(), f, folder.Options{}, func(path string, data []byte) (string, bool) {
		if len(data) != sizes[path] {
			t.Errorf("%s: %d bytes, want %d", path, len(data), sizes[path])
		}
		return path, true
	})
	if err != nil || len(read) != len(sizes) {
		t.Errorf("%d files, error %v", len(read), err)
	}
}
