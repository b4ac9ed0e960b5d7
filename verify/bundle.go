package verify

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
	sigs "github.com/sigstore/sigstore/pkg/signature"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
)

// The format that cosign 3 writes: a referrer with one layer, a Sigstore bundle
// (github.com/sigstore/cosign, specs/BUNDLE_SPEC.md). The same holds attestations,
// so only what was signed says what it is.
const (
	bundleType  = "application/vnd.dev.sigstore.bundle"
	emptyType   = "application/vnd.oci.empty.v1+json" // of a config; some registries give it for the artifact's
	predicateOf = "dev.sigstore.bundle.predicateType"
)

// maxTypes bounds the predicate types that are told apart in one list.
const maxTypes = 256

// list is the referrers in one place that may be bundles, by the predicate type that
// each says it has, "" for none. Of each type no more are kept than are read.
type list struct {
	found map[string][]registry.Referrer
	count map[string]int // of those that are listed
	err   error
}

// keep notes a referrer, and reports whether it is kept.
func (l *list) keep(r registry.Referrer) bool {
	if r.ArtifactType == notationType {
		l.count[notationType]++
		return l.count[notationType] <= maxSignatures+1
	}
	if !strings.HasPrefix(r.ArtifactType, bundleType) && r.ArtifactType != "" && r.ArtifactType != emptyType {
		return false
	}
	predicate := r.Annotations[predicateOf]
	if _, known := l.count[predicate]; !known && len(l.count) == maxTypes && predicate != "" && predicate != fleet.SignaturePredicate {
		l.err = fmt.Errorf("its referrers have more than %d predicate types", maxTypes)
		return false
	}
	l.count[predicate]++
	return l.count[predicate] <= maxSignatures+1
}

// list returns the referrers in a place, read once for all searches.
func (e *Evidence) list(i int, read func(most int, want func(registry.Referrer) bool) ([]registry.Referrer, error)) *list {
	if e.lists[i] != nil {
		return e.lists[i]
	}
	l := &list{found: map[string][]registry.Referrer{}, count: map[string]int{}}
	all, err := read(math.MaxInt, l.keep)
	slices.SortFunc(all, func(a, b registry.Referrer) int { return strings.Compare(a.Digest, b.Digest) }) // whose signature counts depends on no order of a registry's
	for _, r := range all {
		predicate := r.Annotations[predicateOf]
		if r.ArtifactType == notationType {
			predicate = notationType
		}
		l.found[predicate] = append(l.found[predicate], r)
	}
	if err != nil {
		l.err = err
	}
	e.lists[i] = l
	return l
}

// listed reads the bundles that the registry's API lists.
func (s *search) listed(ctx context.Context) *place {
	l := s.list(0, func(most int, want func(registry.Referrer) bool) ([]registry.Referrer, error) {
		return s.image.Referrers(ctx, s.digest, most, want)
	})
	if errors.Is(l.err, registry.ErrNoReferrersAPI) {
		return &place{}
	}
	return s.read(ctx, l)
}

// tagged reads the bundles of the index under a tag. Some tools write it where the
// registry has the API too.
func (s *search) tagged(ctx context.Context) *place {
	return s.read(ctx, s.list(1, func(most int, want func(registry.Referrer) bool) ([]registry.Referrer, error) {
		return s.image.TaggedReferrers(ctx, s.digest, most, want)
	}))
}

// read reads the listed bundles that may be what is looked for, and that no other
// place had.
func (s *search) read(ctx context.Context, l *list) *place {
	if l.err != nil {
		return &place{err: l.err}
	}
	if n := l.count[s.predicate]; n > maxSignatures || s.predicate != notationType && n+l.count[""] > maxSignatures {
		return &place{err: s.tooMany()}
	}
	p := &place{}
	for predicate, n := range l.count {
		if predicate != "" && predicate != s.predicate && predicate != notationType && s.predicate != notationType {
			p.others += n
		}
	}
	all := l.found[s.predicate]
	if s.predicate != notationType {
		all = slices.Concat(all, l.found[""])
	}
	for _, r := range all {
		if s.seen[r.Digest] {
			continue
		}
		s.seen[r.Digest] = true
		if err := s.add(); err != nil {
			return &place{err: err}
		}
		if s.predicate == notationType {
			found, err := s.envelope(ctx, r.Digest)
			if err != nil {
				return &place{err: err}
			}
			p.signatures = append(p.signatures, found)
			continue
		}
		got, err := s.bundle(ctx, r.Digest)
		switch {
		case err != nil:
			return &place{err: err}
		case got.wrong != nil:
			p.signatures = append(p.signatures, signed{err: got.wrong})
		case got.predicate == s.predicate:
			p.signatures = append(p.signatures, signed{checker: got.bundled})
		default:
			p.others++
		}
	}
	return p
}

// reading is what was read of one referrer.
type reading struct {
	bundled
	wrong error // why it can't be read
	size  int64
}

// bundle reads one referrer, once for all searches. The error ends the reading of
// all.
func (s *search) bundle(ctx context.Context, digest string) (reading, error) {
	if got, known := s.bundles[digest]; known {
		return got, s.take(got.size)
	}
	before := s.left
	got, err := s.readBundle(ctx, digest)
	if err == nil && (got.Bundle != nil || got.wrong != nil) {
		got.size = before - s.left
		s.bundles[digest] = got
	}
	return got, err
}

func (s *search) readBundle(ctx context.Context, digest string) (got reading, err error) {
	data, err := s.image.Manifest(ctx, digest)
	if err == nil {
		err = s.take(int64(len(data)))
	}
	if err != nil {
		return got, err
	}
	var manifest layers
	if err := json.Unmarshal(data, &manifest); err != nil {
		got.wrong = fmt.Errorf("the manifest of %s %s can't be read", s.what(), digest)
		return got, nil
	}
	if len(manifest.Layers) != 1 || !strings.HasPrefix(manifest.Layers[0].MediaType, bundleType) {
		return got, nil
	}
	if said := manifest.Annotations.text(predicateOf); said != "" && said != s.predicate {
		got.predicate = said
		return got, nil
	}
	layer := manifest.Layers[0]
	text, err := s.blob(ctx, layer.Digest, layer.Size)
	if err != nil {
		return got, err
	}
	if got.bundled, err = parseBundle(text); err != nil {
		got.wrong = fmt.Errorf("%s %s can't be read: %s", s.what(), digest, pinsetter.Printable(err.Error()))
	}
	return got, nil
}

// bundled is a signature in a bundle, over a statement.
type bundled struct {
	*bundle.Bundle
	predicate string // type of what is stated; "" for the signature of a file
}

// parseBundle reads a bundle.
func parseBundle(text []byte) (bundled, error) {
	read := bundled{Bundle: &bundle.Bundle{}}
	if err := read.UnmarshalJSON(text); err != nil {
		return bundled{}, err
	}
	return read.stating()
}

// stating completes what a bundle states.
func (b bundled) stating() (bundled, error) {
	content, err := b.SignatureContent()
	if err != nil {
		return bundled{}, err
	}
	envelope := content.EnvelopeContent()
	if envelope == nil {
		return b, nil
	}
	statement, err := envelope.Statement()
	if err != nil {
		return bundled{}, err
	}
	b.predicate = statement.GetPredicateType()
	return b, nil
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
	if result.Statement.GetPredicateType() != b.predicate {
		return errors.New("it states something else")
	}
	return nil
}
