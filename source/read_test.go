package source_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/source"
)

const repositoryYAML = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: r}\nspec: {image: alpine, interval: 5m}\n"

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestReadPath(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"d/b.yaml", "d/a/x.yml", "d/.hidden/x.yaml", "d/.git/x.yaml", "d/x.json", "d/X.YAML", "d/..2026/x.yaml", "elsewhere/x.yaml"} {
		write(t, path, []byte(repositoryYAML))
	}
	write(t, "d/deployment.yaml", []byte("kind: Deployment\n"))
	write(t, "d/utf16-and-not-ours.yaml", []byte{0xff, 0xfe, 'k', 0})
	write(t, "d/huge-and-not-ours.yaml", bytes.Repeat([]byte("kind: Deployment\n"), 1<<20))
	link(t, "../elsewhere", "d/folder-link")
	link(t, "../elsewhere/x.yaml", "d/link.yaml")
	link(t, "nowhere", "d/.#lock.yaml")
	link(t, "d", "link")

	for _, dir := range []string{"d", "./d/", "link"} {
		files, unread := source.ReadPath(dir, claim.MayHold)
		if want := []string{filepath.Join(dir, "folder-link") + ": is a symbolic link to a folder outside of " + dir + ", which is not followed"}; !slices.Equal(said(unread), want) {
			t.Errorf("unread %q, want %q", said(unread), want)
		}
		want := []string{".hidden/x.yaml", "X.YAML", "a/x.yml", "b.yaml", "link.yaml", "x.json"}
		for i := range want {
			want[i] = filepath.Join(dir, want[i])
		}
		if diff := cmp.Diff(want, paths(files)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dir, diff)
		}
	}
	files, unread := source.ReadPath("d/x.json", claim.MayHold)
	if unread != nil || len(files) != 1 || string(files[0].Data) != repositoryYAML {
		t.Errorf("one file: %v, %v", files, unread)
	}
}

func paths(files []source.File) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.Path)
	}
	return list
}

func said(unread []source.Unread) []string {
	var list []string
	for _, u := range unread {
		list = append(list, u.String())
	}
	return list
}

func TestReadPathErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, unread := source.ReadPath("missing", claim.MayHold); !slices.Equal(said(unread), []string{"missing: can't be read: no such file or directory"}) {
		t.Errorf("missing: %v", unread)
	}
	write(t, "d/good.yaml", []byte(repositoryYAML))
	link(t, "nowhere", "d/dangling.yaml")
	write(t, "d/huge.yaml", append(bytes.Repeat([]byte("#\n"), 9<<20), repositoryYAML...))
	write(t, "d/wide.yaml", append(bytes.Repeat([]byte("#\x00\n\x00"), 5<<20), strings.Join(strings.Split(repositoryYAML, ""), "\x00")...))
	files, unread := source.ReadPath("d", claim.MayHold)
	want := []string{
		"d/dangling.yaml: is a symbolic link that can't be followed: no such file or directory",
		"d/huge.yaml: has more than 16 MiB, the bound of a file: split it",
		"d/wide.yaml: has more than 16 MiB, the bound of a file: split it",
	}
	if diff := cmp.Diff(want, said(unread)); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if !slices.Equal(paths(files), []string{"d/good.yaml"}) {
		t.Errorf("the others go on: %v", paths(files))
	}
}

// A directory whose files are too large together is unread as a whole: it doesn't
// depend on the order in which they are read.
func TestReadPathTooMuch(t *testing.T) {
	t.Chdir(t.TempDir())
	for i := range 4 {
		write(t, fmt.Sprintf("d/%d.yaml", i), append(bytes.Repeat([]byte("#\n"), 13<<19), repositoryYAML...))
	}
	files, unread := source.ReadPath("d", claim.MayHold)
	want := []string{"d: is not read, since its files that may hold objects have more than 48 MiB: name the folders with objects"}
	if diff := cmp.Diff(want, said(unread)); diff != "" || files != nil {
		t.Errorf("%d files, unread (-want +got):\n%s", len(files), diff)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReadFrom(t *testing.T) {
	f, err := source.ReadFrom("stdin", strings.NewReader(repositoryYAML))
	if err != nil || f.Path != "-" || string(f.Data) != repositoryYAML {
		t.Errorf("%v, %v", f, err)
	}
	if _, err := source.ReadFrom("stdin", endless{}); !errors.Is(err, source.ErrTooLarge) {
		t.Errorf("endless: %v", err)
	}
}
