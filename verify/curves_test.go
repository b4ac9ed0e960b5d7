package verify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"

	sigs "github.com/sigstore/sigstore/pkg/signature"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
)

// trustOf is the rule that a signer must have signed.
func trustOf(t *testing.T, signer *parts.Signer) *fleet.Trust {
	t.Helper()
	block, _ := pem.Decode([]byte(signer.PublicKey))
	return &fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keys: []fleet.PublicKey{{Name: "cosign.pub", DER: block.Bytes}}}
}

// TestKindsOfKeys: every kind of key that cosign signs with verifies, by either of
// the hashes that its versions use.
func TestKindsOfKeys(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		key  crypto.Signer
		hash crypto.Hash
	}{
		"P-256":            {p256, crypto.SHA256},
		"P-384 by SHA-256": {p384, crypto.SHA256},
		"P-384 by SHA-384": {p384, crypto.SHA384},
		"RSA":              {large, crypto.SHA256},
		"Ed25519":          {edwards, crypto.SHA256},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := sigs.LoadSigner(row.key, row.hash)
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKIXPublicKey(row.key.Public())
			if err != nil {
				t.Fatal(err)
			}
			payload, _ := parts.NewSigner(t).Simple(aDigest)
			signed, err := signer.SignMessage(bytes.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			keys, err := newKeyring(&fleet.Trust{Provider: fleet.ProviderCosign, Keys: []fleet.PublicKey{{Name: "x", DER: der}}})
			if err != nil {
				t.Fatal(err)
			}
			if err := (simple{payload, signed, nil}).byKey(aDigest, keys[0]); err != nil {
				t.Error(err)
			}
		})
	}
}
