package verify_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/verify"
)

// trusting returns the rule that one of some signers must have signed.
func trusting(t *testing.T, signers ...*parts.Signer) *fleet.Trust {
	trust := &fleet.Trust{From: "test", Provider: fleet.ProviderCosign}
	for i, s := range signers {
		block, _ := pem.Decode([]byte(s.PublicKey))
		if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			t.Fatal(err)
		}
		trust.Keys = append(trust.Keys, fleet.PublicKey{Name: fmt.Sprintf("key%d.pub", i), DER: block.Bytes})
	}
	return trust
}

func open(t *testing.T, image string) *registry.Repository {
	t.Helper()
	r := registry.New(registry.Options{Retries: -1, Anonymous: true})
	found, err := r.Repository(image, registry.Access{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// shelf is a registry to push to.
type shelf struct {
	*parts.Shelf
	name string
}

// shelves are registries with the referrers API and without.
func shelves(t *testing.T) []shelf {
	all := []shelf{{&parts.NewRegistry(t, parts.RegistryOptions{}).Shelf, "with API"}}
	d := parts.NewDistribution(t, parts.DistributionOptions{})
	return append(all, shelf{&d.Shelf, "without API"})
}

// want is a verdict, and words that it says.
type want struct {
	verdict  pinsetter.SignatureVerdict
	unsigned bool
	words    string
}

var (
	verified = want{pinsetter.SignatureVerified, false, ""}
	unsigned = want{pinsetter.SignatureRefused, true, "it isn't signed"}
)

func check(t *testing.T, image, digest string, trust *fleet.Trust, w want) {
	t.Helper()
	got := verify.Open(&verify.Roots{}, open(t, image), digest).Check(t.Context(), trust)
	if got.Verdict != w.verdict || got.Unsigned != w.unsigned || !strings.Contains(got.Reason, w.words) {
		t.Errorf("%+v, want %+v", got, w)
	}
	if (got.Verdict == pinsetter.SignatureVerified) != (got.Signer != "") {
		t.Errorf("signer %q of %s", got.Signer, got.Verdict)
	}
}

func TestCheck(t *testing.T) {
	right, other := parts.NewSigner(t), parts.NewSigner(t)
	trust := trusting(t, right)
	rows := []struct {
		name string
		sign func(s shelf, image, digest string)
		want want
	}{
		{"bundle", func(s shelf, image, digest string) { s.Sign(image, digest, right) }, verified},
		{"legacy", func(s shelf, image, digest string) { s.SignLegacy(image, digest, right, 1) }, verified},
		{"both keys", func(s shelf, image, digest string) { s.Sign(image, digest, other); s.Sign(image, digest, right) }, verified},
		{"wrong bundle, right legacy", func(s shelf, image, digest string) {
			s.Sign(image, digest, other)
			s.SignLegacy(image, digest, right, 1)
		}, verified},
		{"nothing", func(shelf, string, string) {}, unsigned},
		{"wrong key, bundle", func(s shelf, image, digest string) { s.Sign(image, digest, other) },
			want{pinsetter.SignatureRefused, false, "none of 1 signature verifies with key0.pub (key "}},
		{"wrong key, legacy", func(s shelf, image, digest string) { s.SignLegacy(image, digest, other, 2) },
			want{pinsetter.SignatureRefused, false, "none of 2 signatures"}},
		{"signature of another image, bundle", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: right.Bundle("sha256:"+strings.Repeat("0", 64), parts.SigningPredicate), Predicate: parts.SigningPredicate})
		}, want{pinsetter.SignatureRefused, false, "does not match"}},
		{"signature of another image, legacy", func(s shelf, image, digest string) {
			s.SignLegacy(image, digest, right, 1, "sha256:"+strings.Repeat("0", 64))
		}, want{pinsetter.SignatureRefused, false, "it is for another image"}},
		{"attestation alone", func(s shelf, image, digest string) { s.Attest(image, digest, parts.ProvenancePredicate, right) }, unsigned},
		{"attestation that says it is a signature", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: right.Bundle(digest, parts.ProvenancePredicate), Predicate: parts.SigningPredicate})
		}, unsigned},
		{"attestation that says nothing", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: right.Bundle(digest, parts.ProvenancePredicate)})
		}, unsigned},
		{"signature that says nothing", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: right.Bundle(digest, parts.SigningPredicate)})
		}, verified},
		{"other referrers", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: []byte("{}"), Type: "application/spdx+json"})
		}, unsigned},
		{"unreadable", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","news":1}`)})
		}, want{pinsetter.SignatureUnknown, false, "can't be read"}},
		{"unreadable and right", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: []byte(`{`)})
			s.Sign(image, digest, right)
		}, verified},
		{"too many legacy", func(s shelf, image, digest string) { s.SignLegacy(image, digest, right, 65) },
			want{pinsetter.SignatureUnknown, false, "more than 64 signatures"}},
		{"too large", func(s shelf, image, digest string) {
			s.Refer(image, digest, parts.Referrer{Content: []byte(`{"x":"` + strings.Repeat("x", 5<<20) + `"}`)})
		}, want{pinsetter.SignatureUnknown, false, "more than 4 MiB"}},
	}
	for _, s := range shelves(t) {
		for i, row := range rows {
			t.Run(s.name+"/"+row.name, func(t *testing.T) {
				image := fmt.Sprintf("org/app%d", i)
				digest := s.PushContent(image, "1.0.0", row.name)
				row.sign(s, image, digest)
				check(t, s.Image(image), digest, trust, row.want)
			})
		}
	}
}

// TestIndexAndPlatforms: the digest that is written is what must be signed.
func TestIndexAndPlatforms(t *testing.T) {
	s := parts.NewRegistry(t, parts.RegistryOptions{})
	right := parts.NewSigner(t)
	index := s.PushIndex("org/app", "1.0.0", "linux/amd64", "linux/arm64")
	child := s.PushContent("org/app", "child", "org/app:1.0.0 linux/amd64")
	s.Sign("org/app", child, right)
	check(t, s.Image("org/app"), index, trusting(t, right), unsigned)
	s.Sign("org/app", index, right)
	check(t, s.Image("org/app"), index, trusting(t, right), verified)
}

// TestSeveralKeys: any of them may have signed, and the verdict names it.
func TestSeveralKeys(t *testing.T) {
	s := parts.NewRegistry(t, parts.RegistryOptions{})
	a, b := parts.NewSigner(t), parts.NewSigner(t)
	digest := s.PushContent("org/app", "1.0.0", "x")
	s.Sign("org/app", digest, b)
	got := verify.Open(&verify.Roots{}, open(t, s.Image("org/app")), digest).Check(t.Context(), trusting(t, a, b))
	if !strings.HasPrefix(got.Signer, "key1.pub (key ") {
		t.Errorf("%+v", got)
	}
}

// TestFallbackBesideTheAPI: some tools write the index under a tag where the
// registry has the API too.
func TestFallbackBesideTheAPI(t *testing.T) {
	s := parts.NewRegistry(t, parts.RegistryOptions{})
	right := parts.NewSigner(t)
	digest := s.PushContent("org/app", "1.0.0", "x")
	s.Sign("org/app", digest, right)
	hidden := answering(t, s.URL, map[string]answer{"/referrers/": {200, `{"schemaVersion":2,"manifests":[]}`}})
	check(t, hidden+"/org/app", digest, trusting(t, right), unsigned)

	d := parts.NewDistribution(t, parts.DistributionOptions{})
	d.PushContent("org/app", "1.0.0", "x")
	d.Sign("org/app", digest, right)
	empty := answering(t, d.URL, map[string]answer{"/referrers/": {200, `{"schemaVersion":2,"manifests":[]}`}})
	check(t, empty+"/org/app", digest, trusting(t, right), verified)
}

// answer is what is answered in place of a registry.
type answer struct {
	status int
	body   string
}

// answering returns the address of a registry that answers requests whose path has
// a key as the key says, and others as the one at target.
func answering(t *testing.T, target string, answers map[string]answer) string {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for part, a := range answers {
			if strings.Contains(r.URL.Path, part) {
				w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
				if strings.HasPrefix(a.body, "loop") {
					w.Header().Set("Link", "<"+r.URL.Path+strings.TrimPrefix(a.body, "loop")+`>; rel="next"`)
					a.body = `{"manifests":[]}`
				}
				w.WriteHeader(a.status)
				_, _ = w.Write([]byte(a.body))
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// TestOutages: what can't be asked is neither verified nor refused, wherever it
// happens; what says that the API isn't there is no outage.
func TestOutages(t *testing.T) {
	s := parts.NewRegistry(t, parts.RegistryOptions{})
	right := parts.NewSigner(t)
	digest := s.PushContent("org/app", "1.0.0", "x")
	trust := trusting(t, right)
	unknown := want{verdict: pinsetter.SignatureUnknown}
	tag := "/manifests/" + strings.Replace(digest, ":", "-", 1)
	for name, row := range map[string]struct {
		answers map[string]answer
		want    want
	}{
		"listing 429":       {map[string]answer{"/referrers/": {429, ""}}, unknown},
		"listing 503":       {map[string]answer{"/referrers/": {503, ""}}, unknown},
		"listing 500":       {map[string]answer{"/referrers/": {500, ""}}, unknown},
		"listing 401":       {map[string]answer{"/referrers/": {401, ""}}, unknown},
		"listing 403":       {map[string]answer{"/referrers/": {403, ""}}, unknown},
		"listing 404":       {map[string]answer{"/referrers/": {404, ""}}, unsigned},
		"listing 405":       {map[string]answer{"/referrers/": {405, ""}}, unsigned},
		"listing cut":       {map[string]answer{"/referrers/": {200, `{"manifests":[{"digest":"`}}, unknown},
		"listing cut after": {map[string]answer{"/referrers/": {200, `{"manifests":[]`}}, unknown},
		"listing is a page": {map[string]answer{"/referrers/": {200, `<html>`}}, unknown},
		"listing empty":     {map[string]answer{"/referrers/": {200, ``}}, unknown},
		"listing no list":   {map[string]answer{"/referrers/": {200, `{"manifests":{}}`}}, unknown},
		"listing null":      {map[string]answer{"/referrers/": {200, `{"manifests":null}`}}, unsigned},
		"listing loops":     {map[string]answer{"/referrers/": {200, `loop`}}, unknown},
		"listing twice":     {map[string]answer{"/referrers/": {200, `{"manifests":[],"manifests":[]}`}}, unknown},
		"fallback 503":      {map[string]answer{tag: {503, ""}}, unknown},
		"fallback an image": {map[string]answer{tag: {200, `{"config":{}}`}}, unsigned},
		"legacy 500":        {map[string]answer{tag + ".sig": {500, ""}}, unknown},
		"legacy garbage":    {map[string]answer{tag + ".sig": {200, "[]"}}, unknown},
		"manifest gone": {map[string]answer{"/referrers/": {200, `{"manifests":[{"digest":"sha256:` + strings.Repeat("0", 64) +
			`","size":2,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}]}`}}, unknown},
		"no digest": {map[string]answer{"/referrers/": {200, `{"manifests":[{"digest":"x","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}]}`}}, unknown},
		"a thousand": {map[string]answer{"/referrers/": {200, `{"manifests":[` + thousand("") + `]}`}},
			want{pinsetter.SignatureUnknown, false, "more than 64 signatures"}},
		"a thousand attestations": {map[string]answer{"/referrers/": {200, `{"manifests":[` +
			thousand(`,"annotations":{"dev.sigstore.bundle.predicateType":"https://slsa.dev/provenance/v1"}`) + `]}`}}, unsigned},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, answering(t, s.URL, row.answers)+"/org/app", digest, trust, row.want)
		})
	}
}

func thousand(more string) string {
	var all []string
	for i := range 1000 {
		all = append(all, fmt.Sprintf(`{"digest":"sha256:%064d","size":1000,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"%s}`, i, more))
	}
	return strings.Join(all, ",")
}

// TestRequests: a digest costs one listing, one look at either tag, and what is
// there, however many rules ask.
func TestRequests(t *testing.T) {
	s := parts.NewRegistry(t, parts.RegistryOptions{})
	right, other := parts.NewSigner(t), parts.NewSigner(t)
	digest := s.PushContent("org/app", "1.0.0", "x")
	s.Sign("org/app", digest, right)
	evidence := verify.Open(&verify.Roots{}, open(t, s.Image("org/app")), digest)
	s.Log.Reset()
	for range 2 {
		if got := evidence.Check(t.Context(), trusting(t, right)); got.Verdict != pinsetter.SignatureVerified {
			t.Errorf("%+v", got)
		}
	}
	if n := s.Log.Count("GET", "/v2/org/app/"); n != 3 { // the list, the manifest, the bundle
		t.Errorf("%d requests: %v", n, s.Log.All())
	}
	evidence.Check(t.Context(), trusting(t, other))
	if n := s.Log.Count("GET", "/v2/org/app/"); n != 5 { // both tags too
		t.Errorf("%d requests: %v", n, s.Log.All())
	}
}

// TestRuleThatIsNotKnown: nothing is verified by a rule that can't be understood.
func TestRuleThatIsNotKnown(t *testing.T) {
	s := parts.NewRegistry(t, parts.RegistryOptions{})
	digest := s.PushContent("org/app", "1.0.0", "x")
	for _, trust := range []*fleet.Trust{{}, {Provider: "notation"}, {Provider: fleet.ProviderCosign}} {
		check(t, s.Image("org/app"), digest, trust, want{verdict: pinsetter.SignatureUnknown})
	}
}
