package folder_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
