package registry

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzManifest: a manifest is one thing, bounded, and its platforms are words in
// order; written out again it says the same.
func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:00"}}`,
		`{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:00","platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}`,
		`{"manifests":[{"annotations":{"vnd.docker.reference.type":"attestation-manifest"}},{"platform":{"os":"unknown","architecture":"unknown"}}]}`,
		`{"manifests":[{"platform":{"os":"a/b","architecture":"\u001b"}},{"platform":{"os":"b","architecture":"c","variant":"/"}}],"annotations":{"org.opencontainers.image.created":"2026-01-02T03:04:05Z"}}`,
		`{"manifests":null,"config":null}`, `{"manifests":[null]}`, `{"manifests":{}}`, `{"config":[]}`, `{"annotations":[]}`, `{"Manifests":[],"manifests":[]}`,
		`{"manifests":[` + strings.Repeat(`{},`, maxEntries) + `{}]}`, `[]`, `null`, ``, `<html>`, `{"config":{},"manifests":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m manifest
		var err error
		budget.Affords(t, len(data), func() { m, err = parseManifest(data) })
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c == 0x7f }) || len(err.Error()) > 1000 {
				t.Fatalf("error is %q", err)
			}
			return
		}
		if (m.Config == nil) == (m.Manifests == nil) {
			t.Fatalf("%q is %+v", data, m)
		}
		if at := created(m.Annotations.created); !at.IsZero() && at.Year() < firstYear {
			t.Fatalf("%q was created at %s", data, at)
		}
		if m.Manifests == nil {
			return
		}
		got := platformsOf(m.Manifests.builds())
		if got == nil || len(got) > maxEntries || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("platforms of %q are %q", data, got)
		}
		for _, word := range got {
			for part := range strings.SplitSeq(word, "/") {
				if !platformWord().MatchString(part) {
					t.Fatalf("platforms of %q are %q", data, got)
				}
			}
		}
		written, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseManifest(written)
		if err != nil || cmp.Diff(got, platformsOf(again.Manifests.builds())) != "" {
			t.Fatalf("%q, written as %q, is %+v, %v", data, written, again, err)
		}
	})
}

// FuzzConfig: the platform of a config is one word or none.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"os":"linux","architecture":"arm","variant":"v7","created":"2026-01-02T03:04:05Z"}`,
		`{"os":"","architecture":"x"}`, `{"os":"a/b","architecture":"c"}`, `{"os":1}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			c, err := parseConfig(data)
			if err != nil {
				return
			}
			if got := platformsOf(sortedBuilds(c.platform.build(""))); got == nil || len(got) > 1 || len(got) == 1 && strings.Count(got[0], "/") != min(2, 1+len(c.Variant)) {
				t.Fatalf("platform of %q is %q", data, got)
			}
		})
	})
}

// FuzzChart: whatever a chart's config is, what it says is bounded.
func FuzzChart(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","sources":["https://x/y"],"home":"https://z","annotations":{"org.opencontainers.image.revision":"v1"}}`,
		`{"sources":"https://x/y","home":["a"]}`, `{"sources":[1,"a"],"home":{}}`, `{"annotations":[]}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			said := parseChart(data)
			for _, text := range []string{said.source, said.revision, said.created} {
				if len(text) > maxNote {
					t.Fatalf("%q says %q", data, text)
				}
			}
		})
	})
}
