package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
	"github.com/pinsetter/pinsetter/verify"
)

const (
	builderID = "https://github.com/org/builders/.github/workflows/build.yml@refs/tags/v1"
	ofGitHub  = `{"buildDefinition":{"externalParameters":{"workflow":{"repository":"https://github.com/org/app","ref":"refs/heads/main"}},
		"resolvedDependencies":[{"uri":"git+https://github.com/other/app@refs/heads/main"},{"uri":"x"}]},"runDetails":{"builder":{"id":"` + builderID + `"}}}`
	ofGenerator = `{"buildDefinition":{"externalParameters":{"source":"git+https://github.com/org/app@refs/heads/main"}},"runDetails":{"builder":{"id":"` + builderID + `"}}}`
	ofBuildKit  = `{"buildDefinition":{"externalParameters":{"configSource":{"uri":"https://github.com/org/app.git#refs/heads/main"}}},"runDetails":{"builder":{"id":""}}}`
	ofOne       = `{"buildDefinition":{"externalParameters":{},"resolvedDependencies":[{"uri":"git+https://github.com/org/app@refs/heads/main"}]},"runDetails":{"builder":{"id":"x"}}}`
	ofTwo       = `{"buildDefinition":{"externalParameters":{},"resolvedDependencies":[{"uri":"git+https://github.com/org/app@refs/heads/main"},{"uri":"y"}]},"runDetails":{"builder":{"id":"x"}}}`
	ofVersion02 = `{"builder":{"id":"` + builderID + `"},"invocation":{"configSource":{"uri":"git+https://github.com/org/app@refs/heads/main"}}}`

	provenance02 = "https://slsa.dev/provenance/v0.2"
	vulns        = "https://cosign.sigstore.dev/attestation/vuln/v1"
)

func attesting(t *testing.T, signers *fleet.Trust, predicateType, builder, source string) *fleet.Trust {
	t.Helper()
	a, err := fleet.NewAttestation(predicateType, builder, source)
	if err != nil {
		t.Fatal(err)
	}
	rule := *signers
	rule.Attestation = a
	return &rule
}

// TestAttestations: an attestation counts for its type alone, by those who are
// trusted, and provenance for what it says.
func TestAttestations(t *testing.T) {
	s, key, other := keyless.New(t), parts.NewSigner(t), parts.NewSigner(t)
	us := certified(t, s.Root(keyless.Log, keyless.TimestampIssuer), [2]string{issuer, `builder@example\.test`})
	v1, builderPattern := parts.ProvenancePredicate, `https://github\.com/org/builders/.*@refs/tags/v1`
	none := func(kind string) want {
		return want{pinsetter.SignatureRefused, true, "it has no attestation of type " + kind}
	}
	type attest func(on shelf, image, digest string)
	bundle := func(kind, predicate string, by keyless.Signing) attest {
		return func(on shelf, image, digest string) {
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(digest, kind, predicate, by), Predicate: kind})
		}
	}
	unsaid := func(kind, predicate string) attest {
		return func(on shelf, image, digest string) {
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(digest, kind, predicate, builder)})
		}
	}
	legacy := func(kind, predicate string, by keyless.Signing) attest {
		return func(on shelf, image, digest string) {
			on.PutLegacy(image, digest, ".att", s.LegacyAttestation(digest, kind, predicate, by))
		}
	}
	somebody := keyless.Signing{Subject: "somebody@example.test", Issuer: issuer}
	for i, row := range []struct {
		name   string
		attest attest
		rule   *fleet.Trust
		want   want
	}{
		{"bundle", bundle(v1, ofGitHub, builder), attesting(t, us, v1, builderPattern, "https://github.com/org/app"), verified},
		{"bundle, with ref", bundle(v1, ofGitHub, builder), attesting(t, us, v1, "", "https://github.com/org/app@refs/heads/main"), verified},
		{"bundle that says nothing", unsaid(v1, ofGitHub), attesting(t, us, v1, builderPattern, ""), verified},
		{"legacy", legacy(v1, ofGitHub, builder), attesting(t, us, v1, builderPattern, ""), verified},
		{"version 0.2", bundle(provenance02, ofVersion02, builder), attesting(t, us, provenance02, builderPattern, "https://github.com/org/app"), verified},
		{"version 0.2, legacy", legacy(provenance02, ofVersion02, builder), attesting(t, us, provenance02, builderPattern, "https://github.com/org/app"), verified},
		{"generator", bundle(v1, ofGenerator, builder), attesting(t, us, v1, "", "https://github.com/org/app"), verified},
		{"BuildKit", bundle(v1, ofBuildKit, builder), attesting(t, us, v1, "", `https://github.com/org/app\.git`), verified},
		{"one dependency", bundle(v1, ofOne, builder), attesting(t, us, v1, "", "https://github.com/org/app"), verified},
		{"two dependencies", bundle(v1, ofTwo, builder), attesting(t, us, v1, "", "https://github.com/org/app"), refused(`its source is "", not`)},
		{"another type", bundle(vulns, "", builder), attesting(t, us, vulns, "", ""), verified},
		{"key", func(on shelf, image, digest string) { on.Attest(image, digest, vulns, key) }, attesting(t, trusting(t, key), vulns, "", ""), verified},

		{"other source", bundle(v1, ofGitHub, builder), attesting(t, us, v1, "", "https://github.com/other/app"), refused(`its source is "https://github.com/org/app@refs/heads/main or https://github.com/org/app", not https://github.com/other/app`)},
		{"source alike", bundle(v1, ofGitHub, builder), attesting(t, us, v1, "", "https://github.com/org/ap"), refused("its source is")},
		{"other builder", bundle(v1, ofGitHub, builder), attesting(t, us, v1, builderPattern+"0", ""), refused(`its builder is "` + builderID)},
		{"nothing said", bundle(v1, "", builder), attesting(t, us, v1, ".+", ""), refused(`its builder is ""`)},
		{"no provenance", bundle(v1, `[]`, builder), attesting(t, us, v1, "", ""), want{pinsetter.SignatureUnknown, false, "can't be read"}},
		{"other signer", bundle(v1, ofGitHub, somebody), attesting(t, us, v1, "", ""), refused("none of 1 attestation verifies with subject")},
		{"other signer, legacy", legacy(v1, ofGitHub, somebody), attesting(t, us, v1, "", ""), refused("none of 1 attestation verifies with subject")},
		{"other key", func(on shelf, image, digest string) { on.Attest(image, digest, vulns, other) }, attesting(t, trusting(t, key), vulns, "", ""), refused("none of 1 attestation")},
		{"another type than asked", bundle(vulns, "", builder), attesting(t, us, v1, "", ""), none(v1)},
		{"another type than it says", func(on shelf, image, digest string) {
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(digest, vulns, "", builder), Predicate: v1})
		}, attesting(t, us, v1, "", ""), none(v1)},
		{"another type, legacy", legacy(vulns, "", builder), attesting(t, us, v1, "", ""), none(v1)},
		{"signature alone", func(on shelf, image, digest string) { s.Sign(on.Shelf, image, digest, builder) }, attesting(t, us, v1, "", ""), none(v1)},
		{"signature alone, legacy", func(on shelf, image, digest string) { s.SignLegacy(on.Shelf, image, digest, builder) }, attesting(t, us, v1, "", ""), none(v1)},
		{"of another image", func(on shelf, image, digest string) {
			bundle(v1, ofGitHub, builder)(on, image, digest)
			moved := on.PushContent(image, "moved", "moved")
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(moved, vulns, "", builder), Predicate: vulns})
		}, attesting(t, us, vulns, "", ""), refused("does not match")},
		{"attestation alone, legacy, for a signature", legacy(v1, ofGitHub, builder), us, unsigned},
		{"nothing", func(shelf, string, string) {}, attesting(t, us, v1, "", ""), none(v1)},
		{"unreadable, legacy", func(on shelf, image, digest string) {
			on.PutLegacy(image, digest, ".att", parts.Legacy{Content: []byte("{"), Type: "application/vnd.dsse.envelope.v1+json"})
		}, attesting(t, us, v1, "", ""), want{pinsetter.SignatureUnknown, false, "can't be read"}},
	} {
		for _, on := range shelves(t) {
			t.Run(on.name+"/"+row.name, func(t *testing.T) {
				image := fmt.Sprintf("org/app%d", i)
				digest := on.PushContent(image, "1.0.0", row.name)
				row.attest(on, image, digest)
				check(t, on.Image(image), digest, row.rule, row.want)
			})
		}
	}
}

// TestAttestationProof: the verdict says who built it, from what. What several rules
// need is read once, and one listing serves them all.
func TestAttestationProof(t *testing.T) {
	s, on := keyless.New(t), parts.NewRegistry(t, parts.RegistryOptions{})
	us := certified(t, s.Root(keyless.Log, keyless.TimestampIssuer), [2]string{issuer, ".*"})
	digest := on.PushContent("org/app", "1.0.0", "x")
	s.Sign(&on.Shelf, "org/app", digest, builder)
	on.Refer("org/app", digest, parts.Referrer{Content: s.Bundle(digest, parts.ProvenancePredicate, ofGitHub, builder), Predicate: parts.ProvenancePredicate})
	evidence := verify.Open(nil, open(t, on.Image("org/app")), digest)
	on.Log.Reset()
	got := evidence.Check(t.Context(), attesting(t, us, parts.ProvenancePredicate, "", ""))
	if got.Builder != builderID || got.Source != "https://github.com/org/app@refs/heads/main" || got.Signer != builder.Subject || got.SignedAt.IsZero() {
		t.Errorf("%+v", got)
	}
	if n := on.Log.Count("GET", "/v2/org/app/"); n != 3 { // the list, the manifest, the bundle
		t.Errorf("%d requests: %v", n, on.Log.All())
	}
	if got := evidence.Check(t.Context(), us); got.Verdict != pinsetter.SignatureVerified || got.Builder != "" {
		t.Errorf("%+v", got)
	}
	if n := on.Log.Count("GET", "/v2/org/app/"); n != 5 { // the signature's
		t.Errorf("%d requests: %v", n, on.Log.All())
	}
}

// TestManyAttestations: those of other types don't count, and those of the type that
// is asked for are bounded.
func TestManyAttestations(t *testing.T) {
	s := keyless.New(t)
	us := certified(t, s.Root(keyless.Log), [2]string{issuer, ".*"})
	on := parts.NewRegistry(t, parts.RegistryOptions{})
	digest := on.PushContent("org/app", "1.0.0", "x")
	list := func(more string) string {
		return answering(t, on.URL, map[string]answer{"/referrers/": {200, `{"manifests":[` + more + `]}`}}) + "/org/app"
	}
	said := `,"annotations":{"dev.sigstore.bundle.predicateType":"` + vulns + `"}`
	check(t, list(thousand(said)), digest, attesting(t, us, vulns, "", ""), want{pinsetter.SignatureUnknown, false, "more than 64 attestations"})
	check(t, list(thousand(said)), digest, attesting(t, us, provenance02, "", ""), want{pinsetter.SignatureRefused, true, "no attestation"})
	var types []string
	for i := range 300 {
		types = append(types, fmt.Sprintf(`{"digest":"sha256:%064d","size":1000,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json","annotations":{"dev.sigstore.bundle.predicateType":"x%d"}}`, i, i))
	}
	check(t, list(strings.Join(types, ",")), digest, us, want{pinsetter.SignatureUnknown, false, "more than 256 predicate types"})
}
