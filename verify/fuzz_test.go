package verify

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
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
		read, isOne, err := parseBundle(text)
		if err != nil || !isOne {
			return
		}
		if read.byKey(aDigest, keyOf(t, parts.NewSigner(t))) == nil {
			t.Errorf("%s verifies with a key that signed nothing", text)
		}
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
		if (simple{payload, nil}).names(aDigest) == nil && !strings.Contains(string(payload), "1111") {
			t.Errorf("%s names the digest", payload)
		}
	})
}

func keyOf(t *testing.T, signer *parts.Signer) trustedKey {
	t.Helper()
	keys, err := trustedKeys(trustOf(t, signer))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}
