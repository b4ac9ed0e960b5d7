package deliver

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/registry"
)

// The format of cosign 2, which every version of cosign and Flux verifies: a manifest
// under sha256-<hex>.sig, a layer a signature (github.com/sigstore/cosign,
// specs/SIGNATURE_SPEC.md).
const (
	signedLayer      = "application/vnd.dev.cosign.simplesigning.v1+json"
	signedConfig     = "application/vnd.oci.image.config.v1+json"
	signedManifest   = "application/vnd.oci.image.manifest.v1+json"
	signedAnnotation = "dev.cosignproject.cosign/signature"
	signedType       = "cosign container image signature"
)

// Signer signs artifacts with a private key. It is safe for concurrent use.
type Signer struct{ key crypto.Signer }

// signature is a manifest of signatures.
type signature struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        signedPart   `json:"config"`
	Layers        []signedPart `json:"layers"`
}

type signedPart struct {
	MediaType   string            `json:"mediaType"`
	Size        int64             `json:"size"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Sign signs a digest of a repository, unless the key has signed it. Signatures by
// others stay.
func (s *Signer) Sign(ctx context.Context, in *registry.Repository, digest string) error {
	payload := payloadOf(in.Name(), digest)
	tag := strings.Replace(digest, ":", "-", 1) + ".sig"
	there, err := signatures(ctx, in, tag)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there.Layers, func(l signedPart) bool { return s.made(l, payload) }) {
		return nil
	}
	raw, err := s.sign(payload)
	if err != nil {
		return err
	}
	there.Layers = append(there.Layers, signedPart{
		MediaType: signedLayer, Size: int64(len(payload)), Digest: registry.DigestOf(payload),
		Annotations: map[string]string{signedAnnotation: base64.StdEncoding.EncodeToString(raw)},
	})
	config := configOf(there.Layers)
	there.SchemaVersion, there.MediaType = 2, signedManifest
	there.Config = signedPart{MediaType: signedConfig, Size: int64(len(config)), Digest: registry.DigestOf(config)}
	for _, part := range [][]byte{payload, config} {
		if _, err := in.PushBlob(ctx, registry.BytesBlob(part)); err != nil {
			return err
		}
	}
	document, err := json.Marshal(there)
	if err != nil {
		return err
	}
	_, err = in.PushManifest(ctx, tag, signedManifest, document)
	return err
}

// signatures returns the manifest of signatures under a tag, an empty one if there is
// none.
func signatures(ctx context.Context, in *registry.Repository, tag string) (signature, error) {
	var there signature
	document, err := in.TaggedManifest(ctx, tag)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return there, nil
	case err != nil:
		return there, err
	}
	if json.Unmarshal(document, &there) != nil {
		return there, fmt.Errorf("what is under %s is no manifest of signatures: delete that tag", tag)
	}
	return there, nil
}

// payloadOf returns what is signed.
func payloadOf(repository, digest string) []byte {
	var document struct {
		Critical struct {
			Identity struct {
				Reference string `json:"docker-reference"`
			} `json:"identity"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
			Type string `json:"type"`
		} `json:"critical"`
		Optional *struct{} `json:"optional"`
	}
	document.Critical.Identity.Reference, document.Critical.Image.Digest, document.Critical.Type = repository, digest, signedType
	payload, _ := json.Marshal(document) // of texts
	return payload
}

// configOf returns the config that cosign writes beside layers.
func configOf(layers []signedPart) []byte {
	digests := []string{}
	for _, l := range layers {
		digests = append(digests, l.Digest)
	}
	list, _ := json.Marshal(digests) // of texts
	return fmt.Appendf(nil, `{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","rootfs":{"type":"layers","diff_ids":%s},"config":{}}`, list)
}

// made reports whether the key made a signature over a payload.
func (s *Signer) made(l signedPart, payload []byte) bool {
	raw, err := base64.StdEncoding.DecodeString(l.Annotations[signedAnnotation])
	if err != nil || l.Digest != registry.DigestOf(payload) {
		return false
	}
	sum := sha256.Sum256(payload)
	switch key := s.key.Public().(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum[:], raw)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, payload, raw)
	}
	return false
}

func (s *Signer) sign(payload []byte) ([]byte, error) {
	if _, whole := s.key.Public().(ed25519.PublicKey); whole {
		return s.key.Sign(rand.Reader, payload, crypto.Hash(0))
	}
	sum := sha256.Sum256(payload)
	return s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
}

// block returns the PEM block of a key.
func block(text []byte) (*pem.Block, error) {
	found, rest := pem.Decode(text)
	if found == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it is not one block of PEM")
	}
	return found, nil
}
