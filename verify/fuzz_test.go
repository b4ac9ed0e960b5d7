package verify

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/parts/keyless"
	"github.com/pinsetter/pinsetter/parts/notary"
	"github.com/pinsetter/pinsetter/registry"
)

const aDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// FuzzBundle: whatever a registry has for a bundle, it verifies only if the trusted
// key signed that digest.
func FuzzBundle(f *testing.F) {
	signer, other := parts.NewSigner(f), parts.NewSigner(f)
	f.Add(signer.Bundle(aDigest, parts.SigningPredicate))
	f.Add(signer.Bundle(aDigest, parts.ProvenancePredicate))
	f.Add(other.Bundle(aDigest, parts.SigningPredicate))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","verificationMaterial":{"x509CertificateChain":{"certificates":[{}]}},"messageSignature":{}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		budget.Affords(t, len(text), func() {
			read, err := parseBundle(text)
			if err != nil || read.predicate != parts.SigningPredicate {
				return
			}
			if read.byKey(aDigest, keyOf(t, parts.NewSigner(t))) == nil {
				t.Errorf("%s verifies with a key that signed nothing", text)
			}
		})
	})
}

// FuzzSimple is FuzzBundle for what cosign 2 signs.
func FuzzSimple(f *testing.F) {
	signer := parts.NewSigner(f)
	payload, _ := signer.Simple(aDigest)
	f.Add(payload)
	f.Add([]byte(`{"critical":{"type":"cosign container image signature","image":null}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		budget.Affords(t, len(payload), func() {
			if (simple{payload, nil, nil}).names(aDigest) == nil && !strings.Contains(string(payload), "1111") {
				t.Errorf("%s names the digest", payload)
			}
		})
	})
}

func keyOf(t *testing.T, signer *parts.Signer) trustedKey {
	t.Helper()
	keys, err := newKeyring(trustOf(t, signer))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

// FuzzAnnotations: whatever cosign 2 is said to have kept of a certificate and a log,
// it is read or refused, and proves nothing without an authority that is trusted.
func FuzzAnnotations(f *testing.F) {
	virtual := keyless.New(f)
	signed := virtual.Legacy(parts.SimplePayload(aDigest), keyless.Signing{Subject: "a@example.test", Issuer: "https://issuer.example"})
	add := func(a map[string]string) {
		f.Add(a[legacyCertificate], a[legacyChain], a[legacyEntry], a[legacyTimestamp])
	}
	add(signed.Annotations)
	add(map[string]string{legacyCertificate: signed.Annotations[legacyCertificate], legacyEntry: `{"Payload":{"body":"e30=","logID":"00"}}`})
	add(map[string]string{legacyCertificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", legacyTimestamp: "{}"})
	rule := &certificates{&fleet.Keyless{Anybody: true, Root: keyless.New(f).Root(keyless.Log, keyless.TimestampIssuer)}, nil}
	f.Fuzz(func(t *testing.T, certificate, chain, entry, timestamp string) {
		budget.Affords(t, len(certificate)+len(chain)+len(entry)+len(timestamp), func() {
			s := simple{parts.SimplePayload(aDigest), []byte("x"), annotations{
				legacyCertificate: certificate, legacyChain: chain, legacyEntry: entry, legacyTimestamp: timestamp}}
			if _, err := rule.proof(t.Context(), s, aDigest); err == nil {
				t.Errorf("%q verifies by the root of somebody else", certificate)
			}
		})
	})
}

// FuzzProvenance: whatever provenance says, reading it ends, and a source is demanded
// in vain where none is said.
func FuzzProvenance(f *testing.F) {
	f.Add(`{"builder":{"id":"x"},"invocation":{"configSource":{"uri":"git+https://h/a@b"}}}`, "https://slsa.dev/provenance/v0.2")
	f.Add(`{"buildDefinition":{"externalParameters":{"source":"git+https://h/a@b"}}}`, "https://slsa.dev/provenance/v1")
	f.Add(`{"buildDefinition":{"externalParameters":{"source":{"uri":"a@b"},"workflow":{"repository":"x","ref":"@"}},"resolvedDependencies":[{"uri":"#"}]}}`, "https://slsa.dev/provenance/v1")
	f.Fuzz(func(t *testing.T, predicate, kind string) {
		budget.Affords(t, len(predicate)+len(kind), func() {
			statement := `{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":` + strconv.Quote(kind) + `,"predicate":` + predicate + `}`
			envelope := `{"payloadType":"application/vnd.in-toto+json","payload":"` + base64.StdEncoding.EncodeToString([]byte(statement)) + `","signatures":[{"sig":"eA=="}]}`
			read, err := parseEnvelope([]byte(envelope), nil)
			if err != nil {
				return
			}
			claims, err := read.provenance()
			if err == nil && len(claims.sources) > 0 && !strings.HasPrefix(strings.TrimPrefix(claims.sources[0], "git+"), claims.sources[len(claims.sources)-1]) {
				t.Errorf("%q are no names of one source", claims.sources)
			}
		})
	})
}

// FuzzEnvelope: whatever a registry has for a signature of notation, it verifies only
// with a certificate that is trusted.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"payload":"e30","protected":"e30","header":{"x5c":["AAAA"]},"signature":"AAAA"}`), notary.JWS)
	f.Add([]byte("\xd2\x84@\xa0@@"), notary.COSE)
	f.Add([]byte("{}"), "application/json")
	policy := `{"version":"1.0","trustPolicies":[{"name":"p","registryScopes":["*"],"signatureVerification":{"level":"permissive"},"trustStores":["ca:a"],"trustedIdentities":["*"]}]}`
	image, err := registry.New(registry.Options{}).Repository("registry.example/app", registry.Access{})
	if err != nil {
		f.Fatal(err)
	}
	rule, err := Open(nil, image, aDigest).newTrustPolicy(&fleet.Notation{Policy: []byte(policy), Certificates: []fleet.StoredCertificate{{DER: notary.New(f).Root().Raw}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, envelope []byte, mediaType string) {
		budget.Affords(t, len(envelope)+len(mediaType), func() {
			if _, err := rule.proof(t.Context(), enveloped{envelope, mediaType}, aDigest); err == nil {
				t.Errorf("%q verifies with a certificate that signed nothing", envelope)
			}
		})
	})
}
