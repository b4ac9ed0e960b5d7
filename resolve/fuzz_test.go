package resolve

import (
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzManifest: what is taken of a registry's manifest has a digest that is one, and
// text that a terminal can show.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json"},"layers":[{"mediaType":"a","digest":"sha256:00","size":-1}]}`), "a")
	f.Add([]byte(`{"manifests":[{"digest":"sha256:x","platform":{"os":"linux","architecture":"amd64"}}],"annotations":{"org.opencontainers.image.source":1}}`), "")
	f.Add([]byte(`{"annotations":{"org.opencontainers.image.source":"\u001b[31m"}}`), "")
	f.Add([]byte(`[]`), "")
	f.Fuzz(func(t *testing.T, data []byte, mediaType string) {
		budget.Affords(t, len(data)+len(mediaType), func() {
			m, err := parseManifest(data)
			if err != nil {
				return
			}
			if child := m.child(); child != "" && !pinsetter.ValidDigest(child) {
				t.Errorf("child %q", child)
			}
			layer, err := m.layer(mediaType)
			if err == nil && (!pinsetter.ValidDigest(layer.Digest) || layer.MediaType != pinsetter.Printable(layer.MediaType)) {
				t.Errorf("layer %+v", layer)
			}
			for _, text := range []string{m.origin().Source, m.origin().Revision, m.origin().Created} {
				if text != pinsetter.Printable(text) {
					t.Errorf("%q", text)
				}
			}
			m.kind()
		})
	})
}
