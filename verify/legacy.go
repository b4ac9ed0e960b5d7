package verify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/registry"
)

// The format that cosign 2 writes: a manifest under sha256-<hex>.sig, a layer a
// signature, and one under .att, a layer an attestation in an envelope
// (github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md and ATTESTATION_SPEC.md).
const (
	legacyLayer     = "application/vnd.dev.cosign.simplesigning.v1+json"
	legacySignature = "dev.cosignproject.cosign/signature"
	legacyEnvelope  = "application/vnd.dsse.envelope.v1+json"
	legacyPredicate = "predicateType"
	legacyType      = "cosign container image signature"
)

// layers is the used part of a manifest.
type layers struct {
	Layers      []layer     `json:"layers"`
	Annotations annotations `json:"annotations"`
}

type layer struct {
	MediaType   string      `json:"mediaType"`
	Digest      string      `json:"digest"`
	Size        int64       `json:"size"`
	Annotations annotations `json:"annotations"`
}

// annotations are those of a manifest or layer.
type annotations map[string]any

// text returns an annotation; one that is no text is as good as missing, "".
func (a annotations) text(key string) string {
	text, _ := a[key].(string)
	return text
}

// legacy reads the signatures or attestations under the tag of cosign 2.
func (s *search) legacy(ctx context.Context) *place {
	if s.predicate == notationType {
		return &place{} // cosign's alone
	}
	suffix, mediaType, read := ".sig", legacyLayer, s.legacySignature
	if !s.signs() {
		suffix, mediaType, read = ".att", legacyEnvelope, s.legacyAttestation
	}
	tag := strings.Replace(s.digest, ":", "-", 1) + suffix
	data, err := s.image.TaggedManifest(ctx, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return &place{}
	}
	if err == nil {
		err = s.take(int64(len(data)))
	}
	var manifest layers
	if err == nil && json.Unmarshal(data, &manifest) != nil {
		err = fmt.Errorf("the manifest under %s can't be read", tag)
	}
	if err != nil {
		return &place{err: err}
	}
	p := &place{}
	for _, layer := range manifest.Layers {
		if layer.MediaType != mediaType {
			continue
		}
		if said := layer.Annotations.text(legacyPredicate); !s.signs() && said != "" && said != s.predicate {
			p.others++
			continue
		}
		err := s.add()
		var content []byte
		if err == nil {
			content, err = s.blob(ctx, layer.Digest, layer.Size)
		}
		if err != nil {
			return &place{err: err}
		}
		found, isOne, err := read(content, layer.Annotations)
		switch {
		case err != nil:
			p.signatures = append(p.signatures, signed{err: fmt.Errorf("a %s under %s can't be read: %s", s.what(), tag, pinsetter.Printable(err.Error()))})
		case isOne:
			p.signatures = append(p.signatures, signed{checker: found})
		default:
			p.others++
		}
	}
	return p
}

// legacySignature reads a signature over a payload.
func (s *search) legacySignature(payload []byte, a annotations) (checker, bool, error) {
	raw, err := base64.StdEncoding.DecodeString(a.text(legacySignature))
	if err != nil || len(raw) == 0 {
		return nil, false, fmt.Errorf("it has no %s", legacySignature)
	}
	return simple{payload, raw, a}, true, nil
}

// legacyAttestation reads an envelope; false if it states something else.
func (s *search) legacyAttestation(envelope []byte, a annotations) (checker, bool, error) {
	read, err := parseEnvelope(envelope, a)
	return read, read.predicate == s.predicate, err
}

// simple is a signature over a document that names the digest. Its annotations have
// what a certificate needs.
type simple struct {
	payload, signature []byte
	annotations        annotations
}

// byKey implements checker.
func (s simple) byKey(digest string, key trustedKey) error {
	var err error
	for _, v := range key.verifiers {
		if err = v.VerifySignature(bytes.NewReader(s.signature), bytes.NewReader(s.payload)); err == nil {
			return s.names(digest)
		}
	}
	return errors.New("it is of another key")
}

// names fails unless the signed document is about a digest.
func (s simple) names(digest string) error {
	var document struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	switch err := json.Unmarshal(s.payload, &document); {
	case err != nil:
		return errors.New("what was signed is no document of cosign")
	case document.Critical.Type != legacyType:
		return fmt.Errorf("what was signed is of type %q", pinsetter.Printable(document.Critical.Type))
	case document.Critical.Image.Digest != digest:
		return fmt.Errorf("it is for another image, %q", pinsetter.Printable(document.Critical.Image.Digest))
	}
	return nil
}
