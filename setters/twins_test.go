package setters_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// twins checks that a file reads the same with LF, with CRLF and with the line
// ends that it has, and that a rewrite differs in line ends alone.
func twins(t *testing.T, in []byte) {
	t.Helper()
	lf := bytes.ReplaceAll(in, []byte("\r\n"), []byte("\n"))
	if bytes.Contains(lf, []byte("\r\n")) || !bytes.Contains(lf, []byte("\n")) {
		return // "\r\r\n" has no twin with LF: that is two breaks, "\r\n" is one
	}
	want := setters.Find("in", lf)
	rewritten, changes, err := everywhere(want, pinsetter.Image{Name: "ghcr.io/a/app", Tag: "1.10", Digest: digest})
	for name, twin := range map[string][]byte{"CRLF": crlf(lf), "its own line ends": in} {
		got := setters.Find("in", twin)
		if diff := cmp.Diff(want.Sites, got.Sites, cmpopts.EquateEmpty()) + cmp.Diff(want.Findings, got.Findings); diff != "" {
			t.Fatalf("LF (-), %s (+) of %q: %s", name, in, diff)
		}
		out, same, failed := everywhere(got, pinsetter.Image{Name: "ghcr.io/a/app", Tag: "1.10", Digest: digest})
		if diff := cmp.Diff(changes, same); diff != "" || (err == nil) != (failed == nil) {
			t.Fatalf("LF (-) %v, %s (+) %v of %q: %s", err, name, failed, in, diff)
		}
		if !bytes.Equal(bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n")), rewritten) {
			t.Fatalf("%s: %q became %q, and with LF %q", name, in, out, rewritten)
		}
	}
}

func crlf(lf []byte) []byte { return bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")) }

// Every golden file reads the same with CRLF.
func TestTwins(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/in")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, in := range inputs {
		t.Run(filepath.Base(filepath.Dir(in)), func(t *testing.T) { twins(t, read(t, in)) })
	}
}

// FuzzTwins is TestTwins over files that are built of fragments, each of which
// may end its line in its own way.
func FuzzTwins(f *testing.F) {
	f.Add([]byte{2, 58, 59, 28, 60})
	f.Fuzz(func(t *testing.T, recipe []byte) {
		if len(recipe) > 200 {
			return
		}
		var in strings.Builder
		for _, b := range recipe {
			fragment := fragments[int(b)%len(fragments)]
			if b >= 128 {
				fragment = strings.ReplaceAll(fragment, "\n", "\r\n")
			}
			in.WriteString(fragment)
		}
		twins(t, []byte(in.String()))
	})
}
