package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// archive returns a tar with entries that have a few bytes each.
func archive(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg && h.Size == 0 {
			h.Size = 4
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = w.Write([]byte("a: 1 and more")[:min(h.Size, 13)])
		}
	}
	_ = w.Close() // the files of some are cut
	return out.Bytes()
}

func zipped(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}

func file(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}
}

// unpackTar unpacks a tar below a folder, as Unpack does.
func unpackTar(t testing.TB, data []byte, dir string) (left []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	u := &unpacker{root: root, buffer: make([]byte, 32<<10)}
	defer u.close()
	err = walkTar(t.Context(), bytes.NewReader(data), func(e Entry) error {
		if e.Unusual != "" {
			left = append(left, e.Name+" is "+e.Unusual)
			return nil
		}
		return u.write(e)
	})
	return left, err
}

func TestHostileTars(t *testing.T) {
	const block = 512 // a header without content
	folder := archive(t, &tar.Header{Typeflag: tar.TypeDir, Name: "d"})[:block]
	for name, test := range map[string]struct {
		tar  []byte
		want string
	}{
		"upwards":         {archive(t, file("../x")), "leads upwards"},
		"upwards, inside": {archive(t, file("a/../b")), "leads upwards"},
		"folder upwards":  {archive(t, &tar.Header{Typeflag: tar.TypeDir, Name: "../x"}), "leads upwards"},
		"absolute":        {archive(t, file("/etc/x")), "has the name"},
		"backslash":       {archive(t, file(`a\b`)), "has the name"},
		"no name":         {archive(t, file(".")), "a file without a name"},
		"deep":            {archive(t, file(strings.Repeat("a/", maxDepth)+"x")), "more than 64 folders"},
		"large":           {archive(t, &tar.Header{Typeflag: tar.TypeReg, Name: "x", Size: maxUnpacked + 1}), "more than 4 GiB"},
		"many":            {bytes.Repeat(folder, maxEntries+1), "more than 200000 entries"},
		"cut":             {archive(t, file("a"))[:block+2], "unexpected EOF"},
		"no tar":          {bytes.Repeat([]byte("x"), 1024), "read tar"},
	} {
		for way, data := range map[string][]byte{"": test.tar, ", compressed": zipped(test.tar)} {
			t.Run(name+way, func(t *testing.T) {
				dir := t.TempDir()
				inside := filepath.Join(dir, "inside")
				if err := os.Mkdir(inside, 0o755); err != nil {
					t.Fatal(err)
				}
				_, err := unpackTar(t, data, inside)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v; want %q", err, test.want)
				}
				if entries, _ := os.ReadDir(dir); len(entries) != 1 {
					t.Errorf("%v are beside the folder", entries)
				}
			})
		}
	}
}

func TestLinksAndDevicesAreLeft(t *testing.T) {
	dir := t.TempDir()
	left, err := unpackTar(t, archive(t,
		&tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc"}, file("link/passwd"),
		&tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "/etc/passwd"},
		&tar.Header{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3},
		&tar.Header{Typeflag: tar.TypeFifo, Name: "pipe"},
	), dir)
	if want := "[link is a symbolic link hard is a hard link null is a device pipe is a pipe]"; err != nil || fmt.Sprint(left) != want {
		t.Errorf("left %v, %v; want %s", left, err, want)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "link/passwd")); err != nil || string(data) != "a: 1" {
		t.Errorf("link/passwd holds %q, %v: the link was followed", data, err)
	}
}

// FuzzWalkTar: whatever an artifact holds, nothing but its folder changes, and what is
// there are files and folders.
func FuzzWalkTar(f *testing.F) {
	f.Add(archive(f, file("a.yaml"), file("sub/b.yaml")))
	f.Add(zipped(archive(f, file("a.yaml"), &tar.Header{Typeflag: tar.TypeDir, Name: "a.yaml"})))
	f.Add(archive(f, &tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: ".."}, file("l/x")))
	f.Add(archive(f, file("../x"), file("/x")))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		inside := filepath.Join(dir, "inside")
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		budget.Affords(t, len(data), func() { _, _ = unpackTar(t, data, inside) })
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path != dir && path != inside && !strings.HasPrefix(path, inside+string(filepath.Separator)):
				return fmt.Errorf("%s is outside", path)
			case !entry.IsDir() && !entry.Type().IsRegular():
				return fmt.Errorf("%s is %s", path, entry.Type())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// FuzzParseManifest: what is read has one of config and manifests.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{},"layers":[{"digest":"x","size":-1}],"annotations":{"a":"b"}}`))
	f.Add([]byte(`{"manifests":[]}`))
	f.Add([]byte(`{"config":{},"manifests":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			m, err := parseManifest(data)
			if err == nil && (m.Config == nil) == (m.Manifests == nil) {
				t.Errorf("it is read as %+v", m)
			}
			if err == nil && m.kind() == "" {
				t.Error("it has no kind")
			}
		})
	})
}

func TestSameContentComparesToTheEnd(t *testing.T) {
	large := strings.Repeat("x", 200<<10)
	for _, test := range []struct {
		a, b string
		want bool
	}{{large, large, true}, {large, large + "x", false}, {large + "x", large, false}, {large[1:] + "y", large, false}, {"", "", true}} {
		if got, err := sameContent(strings.NewReader(test.a), strings.NewReader(test.b)); err != nil || got != test.want {
			t.Errorf("%d and %d bytes: %t, %v", len(test.a), len(test.b), got, err)
		}
	}
	broken := errors.New("broken")
	if _, err := sameContent(strings.NewReader("x"), io.MultiReader(strings.NewReader("x"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestFiles(t *testing.T) {
	entries := [][]byte{
		archive(t, file("in/b.yaml"), file("in/a.yaml"), file("in/text.md"), file("inner/c.yaml"), file("other.yaml"),
			&tar.Header{Typeflag: tar.TypeSymlink, Name: "in/link", Linkname: "/etc"}, &tar.Header{Typeflag: tar.TypeFifo, Name: "in/pipe.yaml"},
			&tar.Header{Typeflag: tar.TypeFifo, Name: "in/pipe"}),
		archive(t, &tar.Header{Typeflag: tar.TypeReg, Name: "in/large.yaml", Size: 5}),
	}
	for folder, want := range map[string]string{
		"in":         "in/a.yaml in/b.yaml !in/link !in/pipe.yaml",
		"":           "in/a.yaml in/b.yaml !in/link !in/pipe.yaml inner/c.yaml other.yaml",
		"in/a.yaml":  "in/a.yaml",
		"in/text.md": "in/text.md",
		"none":       "error",
	} {
		w := Wanted{Folder: folder, Name: func(name string) bool { return strings.HasSuffix(name, ".yaml") }, Most: 4}
		if got := readAll(t, w, entries[0]); got != want {
			t.Errorf("%q has %s; want %s", folder, got, want)
		}
	}
	if got := readAll(t, Wanted{Most: 4}, entries[1]); got != "!in/large.yaml" {
		t.Errorf("a large file is read: %s", got)
	}
	if got := readAll(t, Wanted{Most: 4, Holds: func(data []byte) bool { return string(data) == "b" }}, entries[0]); got != "!in/link !in/pipe !in/pipe.yaml" {
		t.Errorf("what holds nothing is read: %s", got)
	}
}

// readAll returns the names that are wanted of a tar, with "!" before those that can't
// be read, or "error".
func readAll(t *testing.T, w Wanted, data []byte) string {
	t.Helper()
	files, err := w.files(func(visit func(Entry) error) error { return walkTar(t.Context(), bytes.NewReader(data), visit) })
	if err != nil {
		return "error"
	}
	var names []string
	for _, f := range files {
		if f.Err != nil {
			f.Name = "!" + f.Name
		} else if string(f.Data) != "a: 1" {
			t.Errorf("%s holds %q", f.Name, f.Data)
		}
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}
