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
// signature (github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md).
const (
	legacyLayer     = "application/vnd.dev.cosign.simplesigning.v1+json"
	legacySignature = "dev.cosignproject.cosign/signature"
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

// legacy reads the signatures under the tag of cosign 2.
func (e *Evidence) legacy(ctx context.Context) *place {
	p := &place{}
	data, err := e.image.TaggedManifest(ctx, strings.Replace(e.digest, ":", "-", 1)+".sig")
	if errors.Is(err, registry.ErrNotFound) {
		return p
	}
	if err == nil {
		err = e.take(int64(len(data)))
	}
	var manifest layers
	if err == nil && json.Unmarshal(data, &manifest) != nil {
		err = fmt.Errorf("the manifest under %s.sig can't be read", strings.Replace(e.digest, ":", "-", 1))
	}
	if err != nil {
		return &place{err: err}
	}
	for _, layer := range manifest.Layers {
		if layer.MediaType != legacyLayer {
			continue
		}
		if err := e.add(); err != nil {
			return &place{err: err}
		}
		s, err := e.legacySignature(ctx, layer)
		if err != nil {
			return &place{err: err}
		}
		p.signatures = append(p.signatures, s)
	}
	return p
}

// legacySignature reads what was signed. The error ends the reading of all.
func (e *Evidence) legacySignature(ctx context.Context, l layer) (signature, error) {
	payload, err := e.blob(ctx, l.Digest, l.Size)
	if err != nil {
		return signature{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(l.Annotations.text(legacySignature))
	if err != nil || len(raw) == 0 {
		return signature{err: fmt.Errorf("a signature under %s.sig can't be read: it has no %s", pinsetter.Printable(e.digest), legacySignature)}, nil
	}
	return signature{checker: simple{payload, raw, l.Annotations}}, nil
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
