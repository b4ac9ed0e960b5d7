package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// BenchmarkWorst is the input of each kind that takes the most memory of those that
// the bounds let in, as a whole process. The metric x-memory is its peak over that of
// `pinsetter version`.
//
//   - objects: `lint` of one list of 25,000 objects;
//   - kustomize: `lint -k` of 1,900 objects that get 23 labels;
//   - marked: `lint` of a file with a marker and 120,000 keys of a list each;
//   - changes: `set` of 10 files with 25,000 values that change each.
func BenchmarkWorst(b *testing.B) {
	program := binary(b)
	none := parts.Dir(b)
	for _, row := range []struct {
		name string
		args func(b *testing.B) []string
	}{
		{"objects", func(b *testing.B) []string {
			var list strings.Builder
			list.WriteString("apiVersion: v1\nkind: List\nitems:\n")
			for i := range 25_000 {
				fmt.Fprintf(&list, "- {apiVersion: image.toolkit.fluxcd.io/v1, kind: ImageRepository, metadata: {name: r%d}, spec: {image: alpine, interval: 5m}}\n", i)
			}
			return []string{"lint", "-f", filed(b, "list.yaml", list.String()), "--dir", none}
		}},
		{"kustomize", func(b *testing.B) []string {
			var list, labels strings.Builder
			for i := range 1_900 {
				fmt.Fprintf(&list, "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: r%d}\nspec: {image: alpine, interval: 5m}\n", i)
			}
			for i := range 23 {
				fmt.Fprintf(&labels, "    l%d: v\n", i)
			}
			folder := filepath.Dir(filed(b, "list.yaml", list.String()))
			kustomization := "resources: [list.yaml]\npatches: []\nlabels:\n- pairs:\n" + labels.String()
			if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(kustomization), 0o600); err != nil {
				b.Fatal(err)
			}
			return []string{"lint", "-k", folder, "--dir", none}
		}},
		{"marked", func(b *testing.B) []string {
			objects := filed(b, "objects.yaml", "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: r}\nspec: {image: alpine, interval: 5m}\n"+
				"---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: p}\nspec: {imageRepositoryRef: {name: r}, policy: {semver: {range: 1.x}}}\n")
			var text strings.Builder
			text.WriteString("image: alpine:1.0.0 # {\"$imagepolicy\": \"default:p\"}\nx:\n")
			for i := range 120_000 {
				fmt.Fprintf(&text, "  k%d: [v]\n", i)
			}
			marked := filed(b, "marked.yaml", text.String())
			return []string{"lint", "-f", objects, "--dir", filepath.Dir(marked)}
		}},
		{"changes", func(b *testing.B) []string {
			f := newRig(b, "main")
			value := strings.TrimPrefix(f.with("1.0.0"), "# a file\nimage: ")
			var text strings.Builder
			for range 25_000 {
				text.WriteString("- " + value)
			}
			folder := b.TempDir()
			for i := range 10 {
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.yaml", i)), []byte(text.String()), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			return []string{"set", "-f", f.objects, "--dir", folder}
		}},
	} {
		b.Run(row.name, func(b *testing.B) {
			var t tally
			args := row.args(b)
			for b.Loop() {
				t.run(func() cost {
					c, said, err := measureAny(b, program, args...)
					if err != nil {
						b.Fatalf("%v\n%.2000s", err, said)
					}
					return c
				}, func() cost { return measure(b, program, "version") })
			}
			t.report(b, "x-version")
			b.ReportMetric(float64(most(t.ours))/float64(most(t.theirs)), "x-memory")
		})
	}
}

// filed returns the path of a file with that content, alone in its folder.
func filed(b *testing.B, name, content string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}
