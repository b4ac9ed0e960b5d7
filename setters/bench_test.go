package setters_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/setters"
)

// BenchmarkFind finds in a file of two documents, of which one is marked.
func BenchmarkFind(b *testing.B) {
	data := []byte("kind: Service\nspec:\n  ports: []\n" + strings.Repeat("  # filler\n", 50) + "---\nkind: Deployment\nspec:\n" +
		strings.Repeat("  key: value of some length\n", 30) + "  image: x:1" + mark("ns:p") + "\n")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		setters.Find("a.yaml", data)
	}
}

// BenchmarkApply writes a new value and verifies the result.
func BenchmarkApply(b *testing.B) {
	data := []byte("kind: Deployment\nspec:\n" + strings.Repeat("  key: value of some length\n", 30) + "  image: x:1" + mark("flux-system:app") + "\n")
	f := setters.Find("a.yaml", data)
	b.ReportAllocs()
	for b.Loop() {
		if _, changes, err := apply(f); err != nil || len(changes) != 1 {
			b.Fatal(changes, err)
		}
	}
}
