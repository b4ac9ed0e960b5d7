package setters_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// A note is of no use for other bytes, nor for a file whose name makes it a chart.
func TestRecallRefuses(t *testing.T) {
	const text = "dependencies:\n- version: 1.0.0 # {\"$imagepolicy\": \"flux-system:chart:tag\"}\n"
	note := setters.Find("a.yaml", []byte(text)).Note()
	for _, test := range []struct {
		name, path, text string
		note             []byte
		want             bool
	}{
		{"the same", "a.yaml", text, note, true},
		{"the same elsewhere", "b/c.yaml", text, note, true},
		{"a chart", "b/Chart.yaml", text, note, false},
		{"a chart's own", "b/Chart.yaml", text, setters.Find("Chart.yaml", []byte(text)).Note(), true},
		{"another value", "a.yaml", strings.Replace(text, "1.0.0", "1.0.1", 1), note, false},
		{"a shorter file", "a.yaml", text[:20], note, false},
		{"none", "a.yaml", text, nil, false},
		{"cut", "a.yaml", text, note[:len(note)-1], false},
		{"longer", "a.yaml", text, append(note[:len(note):len(note)], 0), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, got := setters.Recall(test.path, []byte(test.text), test.note)
			if got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
			if got && found.Sites[0].Path != test.path {
				t.Errorf("site in %s", found.Sites[0].Path)
			}
		})
	}
}

// A site that is remembered where none is any more is not written.
func TestRecallNothing(t *testing.T) {
	const text = "image: ghcr.io/a/app:1.0.0 # {\"$imagepolicy\": \"flux-system:app\"}\n"
	note := setters.Find("a.yaml", []byte(text)).Note()
	found, ok := setters.Recall("a.yaml", []byte(strings.Replace(text, "# {", "# x ", 1)), note)
	if !ok {
		t.Fatal("the value is where it was")
	}
	same := map[int]pinsetter.Image{0: {Name: "ghcr.io/a/app", Tag: "1.0.0"}}
	if _, changes, err := found.Apply(same); err != nil || len(changes) > 0 {
		t.Errorf("%v, %v", changes, err)
	}
	other := map[int]pinsetter.Image{0: {Name: "ghcr.io/a/app", Tag: "2.0.0"}}
	if data, changes, err := found.Apply(other); !errors.Is(err, setters.ErrNote) || !strings.Contains(err.Error(), "a.yaml") || data != nil || changes != nil {
		t.Errorf("%q, %v, %v", data, changes, err)
	}
}

// A note that says something else of who must have signed a site than its file does is
// not applied.
func TestRecallOtherVerification(t *testing.T) {
	const text = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  ref:\n" +
		"    tag: 1.0.0 # {\"$imagepolicy\": \"flux-system:app:tag\"}\n  verify:\n    provider: cosign\n    secretRef:\n      name: keys\n"
	note := setters.Find("a.yaml", []byte(text)).Note()
	other := map[int]pinsetter.Image{0: {Name: "ghcr.io/a/app", Tag: "2.0.0"}}
	for was, is := range map[string]string{"keys": "none", "cosign": "notary", "verify": "ignore"} {
		data := strings.Replace(text, was, is, 1)
		found, ok := setters.Recall("a.yaml", []byte(data), note)
		if !ok {
			t.Fatalf("%s: the value is where it was", is)
		}
		if out, _, err := found.Apply(other); !errors.Is(err, setters.ErrNote) {
			t.Errorf("%s: %q, %v", is, out, err)
		}
	}
}

// TestNotesVersion: what is remembered of files by an older program is used as
// long as Notes is the same, so what is found in the golden files may change only
// with it. Raise Notes, then -update.
func TestNotesVersion(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/in")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	sum := sha256.New()
	for _, in := range inputs {
		fmt.Fprintf(sum, "%s %x\n", in, setters.Find("in", read(t, in)).Note())
	}
	now := fmt.Sprintf("%s %x", setters.Notes, sum.Sum(nil))
	before, _ := os.ReadFile("testdata/notes") // compared below
	version, _, _ := strings.Cut(string(before), " ")
	if *update && version != setters.Notes {
		golden(t, "testdata/notes", now)
		return
	}
	if now != string(before) {
		t.Errorf("something else is found in the golden files, or there are others: raise setters.Notes and run with -update, or, where no result has changed, remove testdata/notes before")
	}
}
