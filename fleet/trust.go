package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/spec"
)

// Trust is a rule about signatures, ready to use: who must have signed an image,
// with one of some keys, or as somebody to whom a certificate authority gave a
// certificate for the moment of signing (keyless). One that asks for nothing trusts
// nobody.
type Trust struct {
	From     string      // the object that asks for it, for people
	Provider string      // ProviderCosign or ProviderNotation
	Keys     []PublicKey // one of them must have signed; sorted by name
	Keyless  *Keyless    // nil: keys are asked for
	Notation *Notation   // of ProviderNotation

	// Attestation is what they must have attested; nil: they must have signed.
	Attestation *Attestation
}

// The providers of signatures: the tools that make them.
const (
	ProviderCosign   = "cosign"
	ProviderNotation = "notation"
)

// PublicKey is a key that is trusted.
type PublicKey struct {
	Name string // of the file or the Secret's key
	DER  []byte // PKIX
}

// Fingerprint returns the SHA-256 of the key as PKIX, the first 12 hex digits.
func (k PublicKey) Fingerprint() string {
	sum := sha256.Sum256(k.DER)
	return hex.EncodeToString(sum[:6])
}

// ID is equal for rules that trust the same. Names of keys and the object that asks
// don't count, so a verdict that is remembered under it holds for both.
func (t *Trust) ID() string {
	keys := make([]string, 0, len(t.Keys))
	for _, key := range t.Keys {
		keys = append(keys, fmt.Sprintf("%x", sha256.Sum256(key.DER)))
	}
	slices.Sort(keys)
	sum := sha256.Sum256([]byte(t.Provider + "\n" + strings.Join(slices.Compact(keys), "\n") + t.Keyless.id() + t.Attestation.id() + t.Notation.id()))
	return hex.EncodeToString(sum[:])
}

// Given is what a Secret holds, or why it can't be read.
type Given[T any] struct {
	Value T
	Err   error
}

// IgnoresEnclosing reports whether a Gate that selects p says that the verify of the
// objects that p's markers stand in doesn't count.
func (s *Set) IgnoresEnclosing(p *Policy) bool {
	return slices.ContainsFunc(s.Gates, func(g *Gate) bool {
		return g.Err == nil && g.Selects(p) && g.Spec.EnclosingVerify == spec.EnclosingIgnore
	})
}
