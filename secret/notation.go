package secret

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/pinsetter/pinsetter/fleet"
)

// TrustPolicyFile is the key of a Secret that holds a trust policy of notation, as in
// Flux. Certificates are under keys that end in .crt or .pem.
const TrustPolicyFile = "trustpolicy.json"

// Notation returns the trust policy and the certificates that the Secret holds; each
// of them is in every trust store, as in Flux. It is nil after reporting what is
// missing or wrong.
func (r *Reader) Notation() *fleet.Notation {
	policy := r.bytes(TrustPolicyFile)
	if len(policy) == 0 {
		r.fail("has no %s: give it the trust policy of notation under that key%s", TrustPolicyFile, otherKeys(r))
		return nil
	}
	if !json.Valid(policy) {
		r.fail("has under %s no JSON", TrustPolicyFile)
		return nil
	}
	found := &fleet.Notation{Policy: policy}
	for _, key := range r.Content.keys() {
		if !IsCertificate(key) {
			continue
		}
		certificates, err := Certificates(key, r.bytes(key))
		if err != nil {
			r.fail("has under %s %v", key, err)
			return nil
		}
		found.Certificates = append(found.Certificates, certificates...)
	}
	if len(found.Certificates) == 0 {
		r.fail("has no key that ends in .crt or .pem: give it the certificates of notation's trust stores%s", otherKeys(r))
		return nil
	}
	return found
}

// IsCertificate reports whether a file is called like those that hold certificates.
func IsCertificate(name string) bool {
	return slices.Contains([]string{".crt", ".pem", ".cer"}, path.Ext(name))
}

// Certificates returns the certificates of a file, in PEM, or one in DER. The error
// ends a sentence of what has it.
func Certificates(name string, text []byte) ([]fleet.StoredCertificate, error) {
	var found []fleet.StoredCertificate
	add := func(der []byte) error {
		if _, err := x509.ParseCertificate(der); err != nil {
			return fmt.Errorf("no certificate that can be read: %w", err)
		}
		found = append(found, fleet.StoredCertificate{Name: name, DER: der})
		return nil
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%q in PEM, which is no certificate", block.Type)
		}
		if err := add(block.Bytes); err != nil {
			return nil, err
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(text) == 0 {
		return nil, errors.New("no certificate")
	}
	return found, add(text)
}
