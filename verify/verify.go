// Package verify says who signed an image, by the signatures that the registry has
// of its digest. It has three verdicts: verified, refused, and unknown where the
// registry could not be asked or an answer could not be read. It never takes an
// outage for a missing signature, nor an attestation for a signature.
//
// It is the only door to sigstore.
package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
)

// Bounds on what is read about one digest. Beyond them the verdict is unknown,
// whatever is there: an order of the registry's must not decide.
const (
	maxSignatures = 64
	maxBytes      = 4 << 20 // of manifests and blobs of signatures
)

// Evidence is what a registry has of the signatures of one digest. It is read when
// it is first needed, and once. It is not safe for concurrent use.
type Evidence struct {
	roots  *Roots
	image  *registry.Repository
	digest string

	places [3]*place
	seen   map[string]bool // digests of referrers
	count  int             // of signatures that were read
	left   int64           // bytes that may still be read
}

// Open returns the evidence about a digest of an image. It asks nothing yet. Rules
// that trust the public good instance of Sigstore have its root from roots.
func Open(roots *Roots, image *registry.Repository, digest string) *Evidence {
	return &Evidence{roots: roots, image: image, digest: digest, seen: map[string]bool{}, left: maxBytes}
}

// place is what was found in one place where signatures are kept.
type place struct {
	signatures []signature
	others     int   // attestations, which are no signatures
	err        error // why it isn't known what is there
}

// signature is one that can be checked, or err says why it can't be read.
type signature struct {
	checker
	err error
}

// checker is a signature of one format.
type checker interface {
	// byKey reports whether a key made the signature over digest.
	byKey(digest string, key trustedKey) error

	// certified returns the signature over digest in the form in which sigstore
	// checks certificates, with what was signed. The error says why it can't prove
	// anything about digest.
	certified(digest string) (*bundle.Bundle, sigstore.ArtifactPolicyOption, error)
}

// judge is a rule, ready to use.
type judge interface {
	// proof returns the verdict that the rule holds by a signature over digest. The
	// error says why it doesn't; it is an unknownError if that isn't known.
	proof(ctx context.Context, s checker, digest string) (pinsetter.Signature, error)

	fmt.Stringer // who is trusted, for people
}

// unknownError says why it isn't known what a signature proves.
type unknownError struct{ error }

// judge returns a rule, ready to use.
func (e *Evidence) judge(trust *fleet.Trust) (judge, error) {
	switch {
	case trust.Provider == fleet.ProviderCosign && trust.Keyless.Asks() && len(trust.Keys) == 0:
		return &certificates{trusted: trust.Keyless, roots: e.roots}, nil
	case trust.Provider == fleet.ProviderCosign && trust.Keyless == nil && len(trust.Keys) > 0:
		return newKeyring(trust)
	}
	return nil, fmt.Errorf("%s asks for what this version doesn't know: nothing is verified by it", trust.From)
}

// Check returns what a rule makes of the evidence. Its context bounds the requests.
func (e *Evidence) Check(ctx context.Context, trust *fleet.Trust) pinsetter.Signature {
	judge, err := e.judge(trust)
	if err != nil {
		return unknown(err)
	}
	found, others := 0, 0
	var unread, wrong error
	for i := range e.places {
		p := e.place(ctx, i)
		if p.err != nil {
			return unknown(p.err)
		}
		found, others = found+len(p.signatures), others+p.others
		for _, s := range p.signatures {
			if s.err != nil {
				unread = s.err
				continue
			}
			proof, err := judge.proof(ctx, s, e.digest)
			if err == nil {
				return proof
			}
			wrong = err
			if errors.As(err, new(unknownError)) {
				unread = err
			}
		}
	}
	switch {
	case unread != nil:
		return unknown(unread)
	case found == 0:
		return pinsetter.Signature{Verdict: pinsetter.SignatureRefused, Unsigned: true, Reason: unsigned(others)}
	}
	return pinsetter.Signature{Verdict: pinsetter.SignatureRefused, Reason: fmt.Sprintf("none of %s verifies with %s: %v",
		pinsetter.Count(found, "signature"), judge, wrong)}
}

// place returns what is in one of the places, in the order in which they are
// looked at: the referrers API, the index under a tag, and the tag of cosign 2.
func (e *Evidence) place(ctx context.Context, i int) *place {
	if e.places[i] == nil {
		look := [...]func(context.Context) *place{e.listed, e.tagged, e.legacy}
		e.places[i] = look[i](ctx)
	}
	return e.places[i]
}

func unknown(err error) pinsetter.Signature {
	return pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: pinsetter.Printable(err.Error())}
}

func unsigned(others int) string {
	if others > 0 {
		return "it isn't signed: it has " + pinsetter.Count(others, "attestation") + ", which prove something else"
	}
	return "it isn't signed"
}

// take takes bytes off what may still be read.
func (e *Evidence) take(size int64) error {
	if e.left -= size; size < 0 || e.left < 0 {
		return fmt.Errorf("its signatures have more than %d MiB, which is more than is read of one image: remove those that nobody needs", maxBytes>>20)
	}
	return nil
}

// blob reads a blob of that declared size.
func (e *Evidence) blob(ctx context.Context, digest string, size int64) ([]byte, error) {
	if err := e.take(size); err != nil {
		return nil, err
	}
	data, err := e.image.Blob(ctx, digest)
	if err == nil && int64(len(data)) > size {
		err = e.take(int64(len(data)) - size)
	}
	return data, err
}

// add counts a signature.
func (e *Evidence) add() error {
	if e.count++; e.count > maxSignatures {
		return tooMany()
	}
	return nil
}

func tooMany() error {
	return fmt.Errorf("it has more than %d signatures, which is more than are read of one image: remove those that nobody needs", maxSignatures)
}
