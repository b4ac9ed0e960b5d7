package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/gitops"
)

// Where all marked files are too many, the folders that take the most are left out, and
// those beside them aren't.
func TestGathering(t *testing.T) {
	many := func(n int, format string) []string {
		var paths []string
		for i := range n {
			paths = append(paths, fmt.Sprintf(format, i))
		}
		return paths
	}
	for name, test := range map[string]struct {
		paths    []string // of files of 4 KiB with a marker each
		kept     int
		without  []string // that are kept
		findings []string // how they begin
	}{
		"all":               {many(15, "a/%02d.yaml"), 15, nil, nil},
		"a heavy folder":    {slices.Concat(many(3, "a/%d.yaml"), many(1000, "b/%04d.yaml"), many(3, "c/%d.yaml")), 6, []string{"a/0.yaml", "c/2.yaml"}, []string{"b: 1000 marked files"}},
		"deep":              {slices.Concat(many(3, "x/a/%d.yaml"), many(1000, "x/b/c/%04d.yaml"), many(3, "x/d/%d.yaml"), []string{"z.yaml"}), 7, []string{"x/a/0.yaml", "x/d/0.yaml", "z.yaml"}, []string{"x/b/c: 1000 marked files"}},
		"very many folders": {slices.Concat([]string{"a/a.yaml"}, many(1000, "b/%04d/a.yaml"), []string{"c/a.yaml"}), 2, []string{"a/a.yaml", "c/a.yaml"}, []string{"b: "}},
		"at the root":       {many(100, "%03d.yaml"), 0, nil, []string{".: 100 marked files"}},
		"a prefix of a name": {slices.Concat(many(50, "a/%03d.yaml"), many(3, "ab/%d.yaml")), 3,
			[]string{"ab/0.yaml"}, []string{"a: 50 marked files"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := Gathering{Most: 20 * 6 << 10}
			for _, path := range test.paths {
				g.Add(gitops.File{Path: path, Data: []byte(`# {"$imagepolicy": "a:b"}` + strings.Repeat("\n", 4<<10-25))})
			}
			files, findings := g.Files()
			if len(files) != test.kept {
				t.Errorf("%d files are kept, not %d", len(files), test.kept)
			}
			for _, path := range test.without {
				if !slices.ContainsFunc(files, func(f gitops.File) bool { return f.Path == path }) {
					t.Errorf("%s is left out", path)
				}
			}
			var said []string
			for i, f := range findings {
				text := f.Path + ": " + strings.TrimPrefix(f.Message, "markers in it are not looked for: ")
				if i < len(test.findings) && strings.HasPrefix(text, test.findings[i]) {
					text = test.findings[i]
				}
				said = append(said, text)
			}
			if diff := cmp.Diff(test.findings, said); diff != "" {
				t.Error(diff)
			}
		})
	}
}
