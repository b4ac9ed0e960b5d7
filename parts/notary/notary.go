// Package notary signs as notation does, with a certificate of an authority of its
// own. Package verify's tests hold it to notation's own verifier.
package notary

import (
	"context"
	"crypto/x509"
	"encoding/pem"

	"github.com/notaryproject/notation-core-go/testhelper"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/signer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pinsetter/pinsetter/parts"
)

// The forms of signatures.
const (
	JWS  = "application/jose+json"
	COSE = "application/cose"
)

// Notary is a signer.
type Notary struct {
	t          parts.T
	leaf, root testhelper.RSACertTuple
}

// New returns a signer whose certificate nobody can revoke.
func New(t parts.T) Notary {
	return Notary{t, testhelper.GetRSALeafCertificate(), testhelper.GetRSARootCertificate()}
}

// NewRevocable returns a signer whose certificate says who is to be asked whether it
// is revoked.
func NewRevocable(t parts.T) Notary {
	chain := testhelper.GetRevokableRSAChain(2)
	return Notary{t, chain[0], chain[1]}
}

// Root returns the certificate of the authority.
func (n Notary) Root() *x509.Certificate { return n.root.Cert }

// PEM returns Root as a file has it.
func (n Notary) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: n.root.Cert.Raw})
}

// Subject returns who signs.
func (n Notary) Subject() string { return n.leaf.Cert.Subject.String() }

// Sign signs a digest of an image; about is the digest that the signature is for.
func (n Notary) Sign(on *parts.Shelf, image, subject, about, mediaType string) {
	n.t.Helper()
	s, err := signer.NewGenericSigner(n.leaf.PrivateKey, []*x509.Certificate{n.leaf.Cert, n.root.Cert})
	if err != nil {
		n.t.Fatalf("sign: %v", err)
	}
	target := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(about), Size: 10}
	envelope, _, err := s.Sign(context.Background(), target, notation.SignerSignOptions{SignatureMediaType: mediaType})
	if err != nil {
		n.t.Fatalf("sign: %v", err)
	}
	on.Refer(image, subject, parts.Referrer{Content: envelope, Type: "application/vnd.cncf.notary.signature", LayerType: mediaType})
}
