package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Trust is a rule about signatures, ready to use: who must have signed an image,
// with one of some keys, or as somebody to whom a certificate authority gave a
// certificate for the moment of signing (keyless). One that asks for nothing trusts
// nobody.
type Trust struct {
	From     string      // the object that asks for it, for people
	Provider string      // ProviderCosign
	Keys     []PublicKey // one of them must have signed; sorted by name
	Keyless  *Keyless    // nil: keys are asked for
}

// ProviderCosign is the provider of signatures that cosign makes.
const ProviderCosign = "cosign"

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
	sum := sha256.Sum256([]byte(t.Provider + "\n" + strings.Join(slices.Compact(keys), "\n") + t.Keyless.id()))
	return hex.EncodeToString(sum[:])
}

// KeySet is the public keys of a Secret, or why they can't be read.
type KeySet struct {
	Keys []PublicKey
	Err  error
}

// TrustOf returns what the verify of an object trusts that stands in a repository
// and isn't loaded; from names the object. The error says what is missing, with the
// ways out.
func (s *Set) TrustOf(e *pinsetter.Enclosing, from string, namespace string) (*Trust, error) {
	const ignore = "or write enclosingVerify: ignore in a Gate that selects the policy"
	switch {
	case e.Unread != "":
		return nil, fmt.Errorf("%s verifies what it pulls, and %s: write it once, %s", from, e.Unread, ignore)
	case e.Provider != ProviderCosign:
		return nil, fmt.Errorf("%s verifies what it pulls by provider %q, which this version doesn't know: use cosign with keys, %s", from, e.Provider, ignore)
	case e.Secret == "":
		return nil, fmt.Errorf("%s verifies what it pulls without keys (keyless, without a secretRef), which this version doesn't know: use cosign with a secretRef, %s", from, ignore)
	}
	name := pinsetter.Name{Namespace: namespace, Name: e.Secret}
	found, given := s.PublicKeys[name]
	switch {
	case !given:
		return nil, fmt.Errorf("%s verifies what it pulls by the keys of Secret %s, which was not given, or has no key that ends in .pub: hand it in with -f, mount it (--secrets DIR, read as DIR/%s/<key>), %s",
			from, name, name, ignore)
	case found.Err != nil:
		return nil, fmt.Errorf("%s verifies what it pulls: %w; mend that, %s", from, found.Err, ignore)
	}
	return &Trust{From: from, Provider: e.Provider, Keys: found.Keys}, nil
}

// IgnoresEnclosing reports whether a Gate that selects p says that the verify of the
// objects that p's markers stand in doesn't count.
func (s *Set) IgnoresEnclosing(p *Policy) bool {
	return slices.ContainsFunc(s.Gates, func(g *Gate) bool {
		return g.Err == nil && g.Selects(p) && g.Spec.EnclosingVerify == spec.EnclosingIgnore
	})
}
