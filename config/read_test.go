package config_test

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

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
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
	write(t, "d/huge-and-not-ours.yaml", bytes.Repeat([]byte("kind: Deployment\n"), 3<<20))
	link(t, "../elsewhere", "d/folder-link")
	link(t, "../elsewhere/x.yaml", "d/link.yaml")
	link(t, "nowhere", "d/.#lock.yaml")
	link(t, "d", "link")

	for _, dir := range []string{"d", "./d/", "link"} {
		files, unread := config.ReadPath(dir)
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
	files, unread := config.ReadPath("d/x.json")
	if unread != nil || len(files) != 1 || string(files[0].Data) != repositoryYAML {
		t.Errorf("one file: %v, %v", files, unread)
	}
}

func paths(files []config.File) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.Path)
	}
	return list
}

func said(unread []config.Unread) []string {
	var list []string
	for _, u := range unread {
		list = append(list, u.String())
	}
	return list
}

func TestReadPathErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, unread := config.ReadPath("missing"); !slices.Equal(said(unread), []string{"missing: can't be read: no such file or directory"}) {
		t.Errorf("missing: %v", unread)
	}
	write(t, "d/good.yaml", []byte(repositoryYAML))
	link(t, "nowhere", "d/dangling.yaml")
	write(t, "d/huge.yaml", append(bytes.Repeat([]byte("#\n"), 20<<20), repositoryYAML...))
	files, unread := config.ReadPath("d")
	want := []string{"d/dangling.yaml: is a symbolic link that can't be followed: no such file or directory", "d/huge.yaml: has more than 32 MiB, the bound of a file: split it"}
	if diff := cmp.Diff(want, said(unread)); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if !slices.Equal(paths(files), []string{"d/good.yaml"}) {
		t.Errorf("the others go on: %v", paths(files))
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReadFrom(t *testing.T) {
	f, err := config.ReadFrom("stdin", strings.NewReader(repositoryYAML))
	if err != nil || f.Path != "-" || string(f.Data) != repositoryYAML {
		t.Errorf("%v, %v", f, err)
	}
	if _, err := config.ReadFrom("stdin", endless{}); !errors.Is(err, config.ErrTooLarge) {
		t.Errorf("endless: %v", err)
	}
}

// TestLoadBounds: files that exceed a bound or aren't UTF-8 end in one finding.
func TestLoadBounds(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, b := range []byte(repositoryYAML) {
		utf16 = append(utf16, b, 0)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"file", bytes.Repeat([]byte(repositoryYAML), 100<<20/len(repositoryYAML)), "x: the file has more than 32 MiB: split it"},
		{"document", append([]byte(repositoryYAML), bytes.Repeat([]byte("- "), 3<<20)...), "x:1: the document has more than 2000000 values: split it"},
		{"UTF-16", utf16, "x:1: the file is UTF-16 (little endian): save it as UTF-8"},
		{"UTF-16 of something else", []byte{0xff, 0xfe, 'a', 0}, ""},
		{"byte order mark", append([]byte("\xef\xbb\xbf"), repositoryYAML...), ""},
		{"CRLF", []byte(strings.ReplaceAll(repositoryYAML+"---\n"+repositoryYAML, "\n", "\r\n")), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := config.Load([]config.File{{Path: "x", Data: test.data}}, config.Options{})
			got := ""
			for _, f := range set.Findings {
				got += f.String()
			}
			if got != test.want {
				t.Errorf("findings %q, want %q", got, test.want)
			}
		})
	}
}

func TestSecretDirMissing(t *testing.T) {
	set := config.Load(nil, config.Options{SecretDirs: []string{"/does/not/exist"}})
	if got, want := fmt.Sprint(set.Findings), "[/does/not/exist: the folder of Secrets can't be read: no such file or directory]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLoadBombs: aliases that expand to billions of values, and objects that are
// wrong in very many places, end soon.
func TestLoadBombs(t *testing.T) {
	const head = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: x}\nspec:\n"
	var keys strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&keys, "    key%d: v\n", i)
	}
	list := "apiVersion: v1\nkind: List\nitems: "
	tests := []struct {
		name, text, want string
		findings         int
	}{
		{"unknown fields", head + keys.String(), "more is wrong than these 50 findings: mend them first", 51},
		{"merged fields", head + "  <<:\n" + keys.String(), "more is wrong than these 50 findings: mend them first", 51},
		{"the same large object often", "x: &o {apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: {name: x}, spec: {a: [" +
			strings.Repeat("x,", 80_000) + "]}}\n" + list + "[" + strings.Repeat("*o,", 50_000) + "]", "the document has more than 2000000 values, its aliases expanded", 4},
		{"lists in lists", "a: &a {apiVersion: v1, kind: List, items: [" + strings.Repeat("{kind: Secret},", 300) + "]}\n" +
			"b: &b {apiVersion: v1, kind: List, items: [" + strings.Repeat("*a,", 300) + "]}\n" +
			"c: &c {apiVersion: v1, kind: List, items: [" + strings.Repeat("*b,", 300) + "]}\n" +
			list + "[" + strings.Repeat("*c,", 300) + "]", "the document has more than 2000000 values, its aliases expanded", 1},
		{"control characters", head + "  \"a\\nb\\e[31m\": 1", `spec.a\nb\x1b[31m: the field does not exist`, 3},
		{"long value", head + "  interval: " + strings.Repeat("é", 100_000), "…", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := config.Load([]config.File{{Path: "x", Data: []byte(test.text)}}, config.Options{})
			found := slices.ContainsFunc(set.Findings, func(f pinsetter.Finding) bool { return strings.Contains(f.Message, test.want) })
			if !found || len(set.Findings) != test.findings {
				t.Errorf("%d findings, want %d with %q: %.3000v", len(set.Findings), test.findings, test.want, set.Findings)
			}
			for _, f := range set.Findings {
				if len(f.Message) > 1100 {
					t.Errorf("a message of %d bytes", len(f.Message))
				}
			}
		})
	}
}
