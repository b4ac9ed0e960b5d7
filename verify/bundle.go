package verify

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
	sigs "github.com/sigstore/sigstore/pkg/signature"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/registry"
)

// The format that cosign 3 writes: a referrer with one layer, a Sigstore bundle
// (github.com/sigstore/cosign, specs/BUNDLE_SPEC.md). The same holds attestations,
// so only what was signed says what it is.
const (
	bundleType       = "application/vnd.dev.sigstore.bundle"
	emptyType        = "application/vnd.oci.empty.v1+json" // of a config; some registries give it for the artifact's
	predicateOf      = "dev.sigstore.bundle.predicateType"
	signingPredicate = "https://sigstore.dev/cosign/sign/v1"
)

// isBundle reports whether a referrer may be a signature. Attestations that say so
// are counted, and not read.
func isBundle(others *int) func(registry.Referrer) bool {
	return func(r registry.Referrer) bool {
		if !strings.HasPrefix(r.ArtifactType, bundleType) && r.ArtifactType != "" && r.ArtifactType != emptyType {
			return false
		}
		if predicate, said := r.Annotations[predicateOf]; said && predicate != signingPredicate {
			*others++
			return false
		}
		return true
	}
}

// listed reads the bundles that the registry's API lists.
func (e *Evidence) listed(ctx context.Context) *place {
	p := &place{}
	found, err := e.image.Referrers(ctx, e.digest, maxSignatures, isBundle(&p.others))
	if errors.Is(err, registry.ErrNoReferrersAPI) {
		return &place{}
	}
	return e.bundles(ctx, p, found, err)
}

// tagged reads the bundles of the index under a tag. Some tools write it where the
// registry has the API too.
func (e *Evidence) tagged(ctx context.Context) *place {
	p := &place{}
	found, err := e.image.TaggedReferrers(ctx, e.digest, maxSignatures, isBundle(&p.others))
	return e.bundles(ctx, p, found, err)
}

// bundles reads those of some referrers that no other place had.
func (e *Evidence) bundles(ctx context.Context, p *place, found []registry.Referrer, err error) *place {
	if errors.Is(err, registry.ErrTooMany) {
		err = tooMany()
	}
	if err != nil {
		return &place{err: err}
	}
	for _, r := range found {
		if e.seen[r.Digest] {
			continue
		}
		e.seen[r.Digest] = true
		s, isOne, err := e.bundle(ctx, r)
		if err != nil {
			return &place{err: err}
		}
		if isOne {
			p.signatures = append(p.signatures, s)
		} else {
			p.others++
		}
	}
	return p
}

// bundle reads one referrer; isOne is false if it is no signature. The error ends
// the reading of all.
func (e *Evidence) bundle(ctx context.Context, r registry.Referrer) (s signature, isOne bool, err error) {
	if err := e.add(); err != nil {
		return signature{}, false, err
	}
	data, err := e.image.Manifest(ctx, r.Digest)
	if err == nil {
		err = e.take(int64(len(data)))
	}
	if err != nil {
		return signature{}, false, err
	}
	var manifest layers
	if err := json.Unmarshal(data, &manifest); err != nil {
		return signature{err: fmt.Errorf("the manifest of signature %s can't be read", r.Digest)}, true, nil
	}
	predicate, said := manifest.Annotations[predicateOf].(string)
	if len(manifest.Layers) != 1 || !strings.HasPrefix(manifest.Layers[0].MediaType, bundleType) || said && predicate != signingPredicate {
		return signature{}, false, nil
	}
	layer := manifest.Layers[0]
	text, err := e.blob(ctx, layer.Digest, layer.Size)
	if err != nil {
		return signature{}, false, err
	}
	read, isOne, err := parseBundle(text)
	if err != nil {
		return signature{err: fmt.Errorf("signature %s can't be read: %s", r.Digest, pinsetter.Printable(err.Error()))}, true, nil
	}
	return signature{checker: read}, isOne, nil
}

// bundled is a signature in a bundle.
type bundled struct{ *bundle.Bundle }

// parseBundle reads a bundle; isOne is false if what it holds is no signature of an
// image.
func parseBundle(text []byte) (read bundled, isOne bool, err error) {
	read = bundled{&bundle.Bundle{}}
	if err := read.UnmarshalJSON(text); err != nil {
		return bundled{}, false, err
	}
	content, err := read.SignatureContent()
	if err != nil {
		return bundled{}, false, err
	}
	envelope := content.EnvelopeContent()
	if envelope == nil {
		return read, false, nil // a signature of a file
	}
	statement, err := envelope.Statement()
	if err != nil {
		return bundled{}, false, err
	}
	return read, statement.GetPredicateType() == signingPredicate, nil
}

// byKey implements checker.
func (b bundled) byKey(digest string, key trustedKey) error {
	subject, err := subjectOf(digest)
	if err != nil {
		return err
	}
	for _, v := range key.verifiers {
		if err = b.by(v, subject); err == nil {
			return nil
		}
	}
	return err
}

// certified implements checker.
func (b bundled) certified(digest string) (*bundle.Bundle, sigstore.ArtifactPolicyOption, error) {
	subject, err := subjectOf(digest)
	return b.Bundle, subject, err
}

// subjectOf demands that a statement is about a digest.
func subjectOf(digest string) (sigstore.ArtifactPolicyOption, error) {
	sum, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	return sigstore.WithArtifactDigest("sha256", sum), err
}

// by verifies the bundle with a key. Like Flux, it asks for no transparency log:
// who has the key is trusted, whenever it signed.
func (b bundled) by(v sigs.Verifier, subject sigstore.ArtifactPolicyOption) error {
	material := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	verifier, err := sigstore.NewVerifier(material, sigstore.WithNoObserverTimestamps())
	if err != nil {
		return err
	}
	result, err := verifier.Verify(b.Bundle, sigstore.NewPolicy(subject, sigstore.WithKey()))
	if err != nil {
		return errors.New(pinsetter.Printable(err.Error()))
	}
	if result.Statement.GetPredicateType() != signingPredicate {
		return errors.New("it is an attestation")
	}
	return nil
}
