package parts

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Signer makes signatures as cosign makes them with a key and without a log, so
// that tests need no program. Package verify's tests hold it to cosign itself.
type Signer struct {
	t   T
	key *ecdsa.PrivateKey

	PublicKey  string // PEM
	PrivateKey string // PEM, PKCS #8 without encryption
}

// NewSigner returns a signer with a new key.
func NewSigner(t T) *Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return &Signer{t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))}
}

// The predicate types of statements: who signs an image says the first.
const (
	SigningPredicate    = "https://sigstore.dev/cosign/sign/v1"
	ProvenancePredicate = "https://slsa.dev/provenance/v1"
)

const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

func (s *Signer) sign(message []byte) string {
	sum := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// Bundle returns a bundle of cosign 3 with a statement about a digest.
func (s *Signer) Bundle(digest, predicate string) []byte {
	s.t.Helper()
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`,
		strings.TrimPrefix(digest, "sha256:"), predicate)
	const kind = "application/vnd.in-toto+json"
	encoded := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(statement), statement)
	return fmt.Appendf(nil, `{"mediaType":%q,"verificationMaterial":{"publicKey":{"hint":"key"}},"dsseEnvelope":{"payload":%q,"payloadType":%q,"signatures":[{"sig":%q}]}}`,
		bundleMediaType, base64.StdEncoding.EncodeToString([]byte(statement)), kind, s.sign(encoded))
}

// Simple returns what cosign 2 signs about a digest, and the signature.
func (s *Signer) Simple(digest string) (payload []byte, signature string) {
	payload = SimplePayload(digest)
	return payload, s.sign(payload)
}

// SimplePayload returns what cosign 2 signs about a digest.
func SimplePayload(digest string) []byte {
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"any"},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, digest)
}

// Referrer is an artifact that refers to a digest, with one layer.
type Referrer struct {
	Content   []byte
	Type      string // of artifact and layer; "": a Sigstore bundle
	LayerType string // of the layer alone; "": Type
	Predicate string // the annotation; "": none
}

// Refer pushes a referrer of an image's digest as clients do: registries without
// the referrers API get an index under a tag. It returns the referrer's digest.
func (s *Shelf) Refer(image, digest string, r Referrer) string {
	s.t.Helper()
	if r.Type == "" {
		r.Type = bundleMediaType
	}
	ref, err := name.NewDigest(s.addr + "/" + image + "@" + digest)
	if err != nil {
		s.t.Fatalf("name an image: %v", err)
	}
	described, err := remote.Head(ref, s.options()...)
	if err != nil {
		s.t.Fatalf("describe %s: %v", ref, err)
	}
	layer := mutate.Addendum{Layer: static.NewLayer(r.Content, types.MediaType(cmp.Or(r.LayerType, r.Type)))}
	built, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.MediaType(r.Type)), layer)
	if err != nil {
		s.t.Fatalf("build a referrer: %v", err)
	}
	if r.Predicate != "" {
		built = mutate.Annotations(built, map[string]string{"dev.sigstore.bundle.predicateType": r.Predicate}).(v1.Image)
	}
	built = mutate.Subject(built, *described).(v1.Image)
	pushed, err := built.Digest()
	if err != nil {
		s.t.Fatalf("build a referrer: %v", err)
	}
	if err := remote.Write(ref.Context().Digest(pushed.String()), built, s.options()...); err != nil {
		s.t.Fatalf("push a referrer of %s: %v", ref, err)
	}
	return pushed.String()
}

// Sign signs a digest of an image in the format of cosign 3.
func (s *Shelf) Sign(image, digest string, by *Signer) {
	s.t.Helper()
	s.Refer(image, digest, Referrer{Content: by.Bundle(digest, SigningPredicate), Predicate: SigningPredicate})
}

// Attest attests to a digest of an image in the format of cosign 3.
func (s *Shelf) Attest(image, digest, predicate string, by *Signer) {
	s.t.Helper()
	s.Refer(image, digest, Referrer{Content: by.Bundle(digest, predicate), Predicate: predicate})
}

// SignLegacy signs a digest of an image in the format of cosign 2, n times. What is
// signed is about another digest if one is given.
func (s *Shelf) SignLegacy(image, digest string, by *Signer, n int, about ...string) {
	s.t.Helper()
	var all []Legacy
	for i := range n {
		payload, _ := by.Simple(append(about, digest)[0])
		payload = append(payload, bytes.Repeat([]byte(" "), i)...)
		signature, err := base64.StdEncoding.DecodeString(by.sign(payload))
		if err != nil {
			s.t.Fatalf("sign: %v", err)
		}
		all = append(all, NewLegacy(payload, signature))
	}
	s.PutLegacy(image, digest, ".sig", all...)
}

// Legacy is a signature or attestation in the format of cosign 2: a layer of the
// manifest under a tag.
type Legacy struct {
	Content     []byte
	Type        string
	Annotations map[string]string
}

// NewLegacy returns a signature over a payload.
func NewLegacy(payload, signature []byte) Legacy {
	return Legacy{payload, "application/vnd.dev.cosign.simplesigning.v1+json",
		map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)}}
}

// PutLegacy pushes the manifest of a digest under its tag with a suffix, ".sig" for
// signatures and ".att" for attestations.
func (s *Shelf) PutLegacy(image, digest, suffix string, all ...Legacy) {
	s.t.Helper()
	var built v1.Image = mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	for _, l := range all {
		var err error
		built, err = mutate.Append(built, mutate.Addendum{
			Layer:       static.NewLayer(l.Content, types.MediaType(l.Type)),
			Annotations: l.Annotations,
		})
		if err != nil {
			s.t.Fatalf("build signatures: %v", err)
		}
	}
	s.put(image, strings.Replace(digest, ":", "-", 1)+suffix, built)
}
