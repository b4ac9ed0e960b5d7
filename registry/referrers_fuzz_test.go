package registry

import (
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzReferrerIndex: whatever a registry answers, what is kept is within the bound,
// has digests, and stands there once.
func FuzzReferrerIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","size":7,"artifactType":"a","annotations":{"x":"y","z":1}}]}`))
	f.Add([]byte(`{"manifests":null}`))
	f.Add([]byte(`{"manifests":[{"digest":"x"}]}`))
	f.Add([]byte(`{"manifests":[],"manifests":[]}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &referrers{most: 3, want: func(Referrer) bool { return true }, seen: map[string]bool{}}
		var err error
		budget.Affords(t, len(data), func() { err = r.read(data) })
		seen := map[string]bool{}
		for _, kept := range r.kept {
			if !pinsetter.ValidDigest(kept.Digest) || seen[kept.Digest] {
				t.Errorf("keeps %+v", r.kept)
			}
			seen[kept.Digest] = true
		}
		if len(r.kept) > 3 {
			t.Errorf("keeps %d, error %v", len(r.kept), err)
		}
	})
}
