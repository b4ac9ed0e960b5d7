package secret

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// The keys of a Secret that hold what signatures are verified by, as in Flux: in the
// form of path.Match.
const (
	PublicKeyFiles  = "*.pub"
	TrustedRootFile = "trusted_root.json"
)

const publicKeySuffix = ".pub"

// maxPublicKeys bounds the keys that are tried on one signature.
const maxPublicKeys = 32

// PublicKeys returns the keys of cosign that the Secret holds, sorted by name: of
// every key of it that ends in .pub. It is nil after reporting that there is none,
// or that one can't be read: what is meant to be trusted isn't known then.
func (r *Reader) PublicKeys() []fleet.PublicKey {
	var found []fleet.PublicKey
	for _, key := range r.Content.keys() {
		if !strings.HasSuffix(key, publicKeySuffix) {
			continue
		}
		der, err := ParsePublicKey(r.bytes(key))
		if err != nil {
			r.fail("has under %s %v", key, err)
			return nil
		}
		found = append(found, fleet.PublicKey{Name: key, DER: der})
	}
	switch {
	case len(found) == 0:
		r.fail("has no key that ends in %s: give it the public key of cosign as cosign.pub%s", publicKeySuffix, otherKeys(r))
	case len(found) > maxPublicKeys:
		r.fail("has %d public keys, and %d are tried at most", len(found), maxPublicKeys)
		return nil
	}
	return found
}

// ParsePublicKey returns a public key in PEM, as `cosign generate-key-pair` and
// openssl write it, in PKIX. The error ends a sentence of what has it.
func ParsePublicKey(text []byte) ([]byte, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("no public key in PEM: it begins with -----BEGIN PUBLIC KEY-----")
	case strings.Contains(block.Type, "PRIVATE"):
		return nil, errors.New("a private key: give it the public one, and keep this one off the cluster")
	}
	if second, _ := pem.Decode(rest); second != nil {
		return nil, errors.New("more than one key: give each a key of its own")
	}
	switch block.Type {
	case "PUBLIC KEY":
		if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			return nil, fmt.Errorf("no public key that can be read: %w", err)
		}
		return block.Bytes, nil
	case "RSA PUBLIC KEY":
		key, err := x509.ParsePKCS1PublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("no RSA public key that can be read: %w", err)
		}
		return x509.MarshalPKIXPublicKey(key)
	}
	return nil, fmt.Errorf("%q in PEM, which is no public key", block.Type)
}

// Has reports whether a key of the Secret is called like that.
func (c *Content) Has(pattern string) bool {
	return slices.ContainsFunc(c.keys(), func(key string) bool {
		matches, err := path.Match(pattern, key)
		return matches && err == nil
	})
}

// Having returns the names of the mounted Secrets that may have a key called like
// that. Those in no folder of a namespace are in the given one.
func (m *Mount) Having(pattern, namespace string) []pinsetter.Name {
	var names []pinsetter.Name
	for _, folder := range []string{"*/*/", "*/"} {
		found, err := fs.Glob(m.root.FS(), folder+pattern)
		if err != nil {
			return nil // the pattern is right, and what can't be read has no names
		}
		for _, file := range found {
			name := pinsetter.ParseName(path.Dir(file))
			if folder == "*/" {
				name = pinsetter.Name{Namespace: namespace, Name: path.Dir(file)}
			}
			names = append(names, name)
		}
	}
	return names
}
