package verify

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	sigs "github.com/sigstore/sigstore/pkg/signature"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// keyring is a rule that trusts keys.
type keyring []trustedKey

// trustedKey is a key that is trusted, as the ways in which it may have signed.
type trustedKey struct {
	signer    string
	verifiers []sigs.Verifier
}

// newKeyring returns the keys of a rule.
func newKeyring(trust *fleet.Trust) (keyring, error) {
	keys := make(keyring, 0, len(trust.Keys))
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

// proof implements judge: the first key that made the signature counts.
func (k keyring) proof(_ context.Context, s checker, digest string) (pinsetter.Signature, error) {
	err := errors.New("there is no key")
	for _, key := range k {
		if err = s.byKey(digest, key); err == nil {
			return pinsetter.Signature{Verdict: pinsetter.SignatureVerified, Signer: key.signer}, nil
		}
	}
	return pinsetter.Signature{}, err
}

// String lists the keys for people.
func (k keyring) String() string {
	var names []string
	for _, key := range k {
		names = append(names, key.signer)
	}
	return strings.Join(names, " or ")
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
