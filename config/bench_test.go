package config_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
)

// manyPolicies returns n policies and their repositories, one file each.
func manyPolicies(n int) []source.File {
	files := make([]source.File, n)
	for i := range files {
		files[i] = source.File{Path: fmt.Sprintf("apps/app-%d.yaml", i), Data: fmt.Appendf(nil, `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: app-%[1]d
  namespace: flux-system
spec:
  image: ghcr.io/org/app-%[1]d
  interval: 5m
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: app-%[1]d
  namespace: flux-system
  labels:
    team: a
spec:
  imageRepositoryRef:
    name: app-%[1]d
  filterTags:
    pattern: ^v(?P<v>.*)$
    extract: $v
  policy:
    semver:
      range: ">=1.0.0"
`, i)}
	}
	return files
}

func BenchmarkLoad(b *testing.B) {
	files := manyPolicies(10_000)
	var before, after runtime.MemStats
	var set *fleet.Set
	b.ReportAllocs()
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		set = config.Load(files, config.Options{})
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-kept")
	}
	if len(set.Policies) != 10_000 || len(set.Findings) != 0 {
		b.Fatalf("%d policies, findings %v", len(set.Policies), set.Findings)
	}
}

// BenchmarkLoadList is the same as one list, as kubectl prints it.
func BenchmarkLoadList(b *testing.B) {
	var list strings.Builder
	list.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	for _, f := range manyPolicies(10_000) {
		for document := range strings.SplitSeq(string(f.Data), "---\n") {
			list.WriteString("- " + strings.ReplaceAll(strings.TrimSuffix(document, "\n"), "\n", "\n  ") + "\n")
		}
	}
	files := []source.File{{Path: "list.yaml", Data: []byte(list.String())}}
	b.ReportAllocs()
	for b.Loop() {
		if set := config.Load(files, config.Options{}); len(set.Policies) != 10_000 || len(set.Findings) != 0 {
			b.Fatalf("%d policies, findings %v", len(set.Policies), set.Findings)
		}
	}
}
