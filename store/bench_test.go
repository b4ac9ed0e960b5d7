package store_test

import (
	"fmt"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

// BenchmarkWarm sees 20 tags of each of 1,000 images, of which the ledger knows
// all: what a cycle over a fleet costs when nothing is new.
func BenchmarkWarm(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			p := newSQLite(b)
			if engine == "postgres" {
				p = newPostgres(b, parts.NewPostgres(b))
			}
			l := p.open(b, store.Options{})
			var seen []store.Observation
			for image := range 1000 {
				for i := range 20 {
					key := store.Tag{Image: fmt.Sprintf("ghcr.io/organisation/team/app-%d", image), Tag: fmt.Sprintf("1.%d.0", i)}
					seen = append(seen, store.Observation{Tag: key, Digest: digest("a")})
				}
			}
			if _, err := l.Sights().See(b.Context(), noon, seen); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Sights().See(b.Context(), noon.Add(day), seen); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
