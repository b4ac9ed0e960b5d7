package folder_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// A file that is too large to be searched comes in its place among the marked ones,
// with a finding, and is no error.
func TestMarked(t *testing.T) {
	f, dir := open(t, map[string]string{
		"a.yaml": "x: 1 # {\"$imagepolicy\": \"ns:db\"}\ny: 1 # {\"$imagepolicy\": \"ns:app\"}\n", "b.yaml": "",
		"c.yaml": "x: 1 # {\"$imagepolicy\": \"ns:app\"}\n", "c.txt": "x: 1 # {\"$imagepolicy\": \"ns:other\"}\n", "plain.yaml": "x: 1\n",
	})
	if err := os.Truncate(filepath.Join(dir, "b.yaml"), setters.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	marked, names, err := f.Marked(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range marked {
		found, err := m.Found()
		if err != nil {
			t.Fatal(err)
		}
		for _, site := range found.Sites {
			got = append(got, m.Path+" "+site.Policy.String())
		}
		for _, finding := range found.Findings {
			got = append(got, finding.Path+" "+finding.Code)
		}
	}
	if diff := cmp.Diff([]string{"a.yaml ns/db", "a.yaml ns/app", "b.yaml too-large", "c.yaml ns/app"}, got); diff != "" {
		t.Errorf("marked files (-want +got):\n%s", diff)
	}
	want := []pinsetter.Name{{Namespace: "ns", Name: "app"}, {Namespace: "ns", Name: "db"}}
	if diff := cmp.Diff(want, slices.SortedFunc(maps.Keys(names), pinsetter.Name.Compare)); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}

// TestMarkedWithoutNotes: of more markers than notes are kept of, files are searched
// again, and what was found is the same.
func TestMarkedWithoutNotes(t *testing.T) {
	var keys strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&keys, "k%d: app:1.0.0 # {\"$imagepolicy\": \"ns:app\"}\n", i)
	}
	text := keys.String()
	files := map[string]string{}
	for i := range 6 {
		files[fmt.Sprintf("%d.yaml", i)] = text
	}
	f, _ := open(t, files)
	marked, _, err := f.Marked(context.Background())
	if err != nil || len(marked) != len(files) {
		t.Fatalf("%d files, %v", len(marked), err)
	}
	noted := 0
	for _, m := range marked {
		found, err := m.Found()
		if err != nil || len(found.Sites) != 1 || len(found.Sites[0].Markers) != 20_000 {
			t.Fatalf("%s: %+.200v, %v", m.Path, found, err)
		}
		if _, same := m.FoundIn([]byte(text)); same {
			noted++
		}
		if m.Size < 20_000 {
			t.Errorf("%s: a note of %d bytes", m.Path, m.Size)
		}
	}
	if noted == 0 || noted == len(files) {
		t.Errorf("%d of %d files have notes", noted, len(files))
	}
}
