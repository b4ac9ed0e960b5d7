package fleet

import (
	"crypto/sha256"
	"fmt"
)

// Notation is what notation verifies by: a trust policy, and the certificates of its
// trust stores.
type Notation struct {
	Policy       []byte // trustpolicy.json
	Certificates []StoredCertificate
}

// StoredCertificate is a certificate of a trust store.
type StoredCertificate struct {
	Name  string // of its file, for people
	Store string // such as "ca:acme"; "": of every store, as in Flux
	DER   []byte
}

// id is equal for those that trust the same; "" for nil.
func (n *Notation) id() string {
	if n == nil {
		return ""
	}
	text := fmt.Sprintf("\nnotation %x", sha256.Sum256(n.Policy))
	for _, c := range n.Certificates {
		text += fmt.Sprintf("\n%q %x", c.Store, sha256.Sum256(c.DER))
	}
	return text
}
