package setters_test

import (
	"math/rand/v2"
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

// BenchmarkHasToken screens a file without markers, with a comment in every third
// line, and bytes that are no text.
func BenchmarkHasToken(b *testing.B) {
	noise := make([]byte, 64<<10)
	random := rand.NewPCG(1, 2)
	for i := range noise {
		noise[i] = byte(random.Uint64())
	}
	for name, data := range map[string][]byte{
		"values": []byte(strings.Repeat("# -- The image of this, i.e. what is run\nimage:\n  tag: \"\" # {see below}\n", 900)),
		"plain":  []byte(strings.Repeat("  key: value of some length\n", 2400)),
		"noise":  noise,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if setters.HasToken(data) {
					b.Fatal("found")
				}
			}
		})
	}
}
