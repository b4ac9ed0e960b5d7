package fleet

import (
	"fmt"

	"github.com/pinsetter/pinsetter"
)

const ignoreEnclosing = "or write enclosingVerify: ignore in a Gate that selects the policy"

// TrustOf returns what the verify of an object trusts that stands in a repository
// and isn't loaded; from names the object. As in Flux keys count before identities,
// and without either anybody with a certificate is trusted. The error says what is
// missing, with the ways out.
func (s *Set) TrustOf(e *pinsetter.Enclosing, from string, namespace string) (*Trust, error) {
	name := pinsetter.Name{Namespace: namespace, Name: e.Secret}
	switch {
	case e.Unread != "":
		return nil, fmt.Errorf("%s verifies what it pulls, and %s: write it once, %s", from, e.Unread, ignoreEnclosing)
	case e.Provider == ProviderNotation && e.Secret == "":
		return nil, fmt.Errorf("%s verifies what it pulls by notation without a secretRef: write one, %s", from, ignoreEnclosing)
	case e.Provider == ProviderNotation:
		notation, err := ofSecret(s.Notations, name, from, "the trust policy", "key trustpolicy.json")
		return &Trust{From: from, Provider: e.Provider, Notation: notation}, err
	case e.Provider != ProviderCosign:
		return nil, fmt.Errorf("%s verifies what it pulls by provider %q, which this version doesn't know: use cosign or notation, %s", from, e.Provider, ignoreEnclosing)
	case e.Secret == "":
		keyless, err := s.keylessOf(e, from, namespace)
		return &Trust{From: from, Provider: e.Provider, Keyless: keyless}, err
	}
	keys, err := ofSecret(s.PublicKeys, name, from, "the keys", "key that ends in .pub")
	return &Trust{From: from, Provider: e.Provider, Keys: keys}, err
}

// keylessOf returns whose certificates the verify of an object trusts.
func (s *Set) keylessOf(e *pinsetter.Enclosing, from, namespace string) (*Keyless, error) {
	keyless := &Keyless{Anybody: len(e.Identities) == 0}
	for _, i := range e.Identities {
		identity, err := FluxIdentity(i.Issuer, i.Subject)
		if err != nil {
			return nil, fmt.Errorf("%s verifies what it pulls, and in its matchOIDCIdentity %w: mend that, %s", from, err, ignoreEnclosing)
		}
		keyless.Identities = append(keyless.Identities, identity)
	}
	if e.Root == "" {
		return keyless, nil
	}
	var err error
	keyless.Root, err = ofSecret(s.TrustedRoots, pinsetter.Name{Namespace: namespace, Name: e.Root}, from, "the trusted root", "key trusted_root.json")
	return keyless, err
}

// ofSecret returns what a Secret has that an object's verify names.
func ofSecret[T any](all map[pinsetter.Name]Given[T], name pinsetter.Name, from, what, key string) (T, error) {
	found, given := all[name]
	switch {
	case !given:
		return found.Value, fmt.Errorf("%s verifies what it pulls by %s of Secret %s, which was not given, or has no %s: hand it in with -f, mount it (--secrets DIR, read as DIR/%s/<key>), %s",
			from, what, name, key, name, ignoreEnclosing)
	case found.Err != nil:
		return found.Value, fmt.Errorf("%s verifies what it pulls: %w; mend that, %s", from, found.Err, ignoreEnclosing)
	}
	return found.Value, nil
}
