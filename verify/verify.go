// Package verify says who signed an image, by the signatures that the registry has
// of its digest. It has three verdicts: verified, refused, and unknown where the
// registry could not be asked or an answer could not be read. It never takes an
// outage for a missing signature, nor an attestation for a signature.
//
// It is the only door to sigstore and notation.
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

// Evidence is what a registry has of the signatures and attestations of one digest.
// It is read when it is first needed, and once. It is not safe for concurrent use.
type Evidence struct {
	roots  *Roots
	image  *registry.Repository
	digest string

	lists    [2]*list // of referrers: the API's, and the one under a tag
	bundles  map[string]reading
	searches map[string]*search // by predicate type
}

// Open returns the evidence about a digest of an image. It asks nothing yet. Rules
// that trust the public good instance of Sigstore have its root from roots.
func Open(roots *Roots, image *registry.Repository, digest string) *Evidence {
	return &Evidence{roots: roots, image: image, digest: digest, bundles: map[string]reading{}, searches: map[string]*search{}}
}

// signed is a signature that can be checked, or err says why it can't be read.
type signed struct {
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
	var signers judge
	var err error
	switch {
	case trust.Provider == fleet.ProviderCosign && trust.Keyless.Asks() && len(trust.Keys) == 0:
		signers = &certificates{trusted: trust.Keyless, roots: e.roots}
	case trust.Provider == fleet.ProviderCosign && trust.Keyless == nil && len(trust.Keys) > 0:
		signers, err = newKeyring(trust)
	case trust.Provider == fleet.ProviderNotation && trust.Notation != nil && trust.Keyless == nil && len(trust.Keys) == 0 && trust.Attestation == nil:
		return e.newTrustPolicy(trust.Notation)
	default:
		err = fmt.Errorf("%s asks for what this version doesn't know: nothing is verified by it", trust.From)
	}
	if err == nil && trust.Attestation != nil {
		signers = attesters{signers, trust.Attestation}
	}
	return signers, err
}

// Check returns what a rule makes of the evidence. Its context bounds the requests.
func (e *Evidence) Check(ctx context.Context, trust *fleet.Trust) pinsetter.Signature {
	judge, err := e.judge(trust)
	if err != nil {
		return unknown(err)
	}
	search := e.search(trust)
	found, others := 0, 0
	var unread, wrong error
	for i := range search.places {
		p := search.place(ctx, i)
		if p.err != nil {
			return unknown(p.err)
		}
		found, others = found+len(p.signatures), others+p.others
		for _, s := range p.signatures {
			if s.err != nil {
				unread = s.err
				continue
			}
			proof, err := judge.proof(ctx, s.checker, e.digest)
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
		return pinsetter.Signature{Verdict: pinsetter.SignatureRefused, Unsigned: true, Reason: search.none(others)}
	}
	return pinsetter.Signature{Verdict: pinsetter.SignatureRefused, Reason: fmt.Sprintf("none of %s verifies with %s: %v",
		pinsetter.Count(found, search.what()), judge, wrong)}
}

func unknown(err error) pinsetter.Signature {
	return pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: pinsetter.Printable(err.Error())}
}
