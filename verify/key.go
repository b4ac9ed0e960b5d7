package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	sigs "github.com/sigstore/sigstore/pkg/signature"

	"github.com/pinsetter/pinsetter/fleet"
)

// trustedKey is a key that is trusted, as the ways in which it may have signed.
type trustedKey struct {
	signer    string
	verifiers []sigs.Verifier
}

// trustedKeys returns the keys of a rule.
func trustedKeys(trust *fleet.Trust) ([]trustedKey, error) {
	if trust.Provider != fleet.ProviderCosign || len(trust.Keys) == 0 {
		return nil, fmt.Errorf("%s asks for what this version doesn't know: nothing is verified by it", trust.From)
	}
	keys := make([]trustedKey, 0, len(trust.Keys))
	for _, key := range trust.Keys {
		public, err := x509.ParsePKIXPublicKey(key.DER)
		if err != nil {
			return nil, fmt.Errorf("read key %s: %w", key.Name, err)
		}
		verifiers, err := verifiersOf(public)
		if err != nil {
			return nil, fmt.Errorf("use key %s: %w", key.Name, err)
		}
		keys = append(keys, trustedKey{signerOf(key), verifiers})
	}
	return keys, nil
}

// verifiersOf returns the ways in which a key may have signed: cosign hashes by
// SHA-256 whatever the key, and since version 3 by the hash that fits its curve.
func verifiersOf(public crypto.PublicKey) ([]sigs.Verifier, error) {
	usual, err := sigs.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	verifiers := []sigs.Verifier{usual}
	if key, ok := public.(*ecdsa.PublicKey); ok && key.Curve != elliptic.P256() {
		fitting, err := sigs.LoadDefaultVerifier(public)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, fitting)
	}
	return verifiers, nil
}

func signerOf(key fleet.PublicKey) string {
	return fmt.Sprintf("%s (key %s)", key.Name, key.Fingerprint())
}

// namesOf lists keys for people.
func namesOf(keys []fleet.PublicKey) string {
	var names []string
	for _, key := range keys {
		names = append(names, signerOf(key))
	}
	return strings.Join(names, " or ")
}

// matching returns the first key that made a signature, or why none did.
func matching(s signature, digest string, keys []trustedKey) (trustedKey, error) {
	err := errors.New("there is no key")
	for _, key := range keys {
		if err = s.byKey(digest, key); err == nil {
			return key, nil
		}
	}
	return trustedKey{}, err
}
