package verify

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// Bounds on what is read about one digest for one predicate type. Beyond them the
// verdict is unknown, whatever is there: an order of the registry's must not decide.
const (
	maxSignatures = 64
	maxBytes      = 4 << 20 // of manifests and blobs of signatures
)

// search looks for signatures, or for attestations of one predicate type.
type search struct {
	*Evidence
	predicate string // or notationType

	places [3]*place
	seen   map[string]bool // digests of referrers
	count  int             // of signatures that were read
	left   int64           // bytes that may still be read
}

// place is what was found in one place where signatures are kept.
type place struct {
	signatures []signed
	others     int   // that are something else
	err        error // why it isn't known what is there
}

// search returns the search for what a rule asks for.
func (e *Evidence) search(trust *fleet.Trust) *search {
	predicate := fleet.SignaturePredicate
	switch {
	case trust.Notation != nil:
		predicate = notationType
	case trust.Attestation != nil:
		predicate = trust.Attestation.PredicateType
	}
	if e.searches[predicate] == nil {
		e.searches[predicate] = &search{Evidence: e, predicate: predicate, seen: map[string]bool{}, left: maxBytes}
	}
	return e.searches[predicate]
}

// place returns what is in one of the places, in the order in which they are
// looked at: the referrers API, the index under a tag, and the tag of cosign 2.
func (s *search) place(ctx context.Context, i int) *place {
	if s.places[i] == nil {
		look := [...]func(context.Context) *place{s.listed, s.tagged, s.legacy}
		s.places[i] = look[i](ctx)
	}
	return s.places[i]
}

func (s *search) signs() bool {
	return s.predicate == fleet.SignaturePredicate || s.predicate == notationType
}

// what returns the word for what is looked for.
func (s *search) what() string {
	if s.signs() {
		return "signature"
	}
	return "attestation"
}

// none says that nothing was found, but others that are something else.
func (s *search) none(others int) string {
	switch {
	case s.signs() && others > 0:
		return "it isn't signed: it has " + pinsetter.Count(others, "attestation") + ", which prove something else"
	case s.signs():
		return "it isn't signed"
	}
	return "it has no attestation of type " + pinsetter.Printable(s.predicate)
}

// take takes bytes off what may still be read.
func (s *search) take(size int64) error {
	if s.left -= size; size < 0 || s.left < 0 {
		return fmt.Errorf("its %ss have more than %d MiB, which is more than is read of one image: remove those that nobody needs", s.what(), maxBytes>>20)
	}
	return nil
}

// blob reads a blob of that declared size.
func (s *search) blob(ctx context.Context, digest string, size int64) ([]byte, error) {
	if err := s.take(size); err != nil {
		return nil, err
	}
	data, err := s.image.Blob(ctx, digest)
	if err == nil && int64(len(data)) > size {
		err = s.take(int64(len(data)) - size)
	}
	return data, err
}

// add counts a signature.
func (s *search) add() error {
	if s.count++; s.count > maxSignatures {
		return s.tooMany()
	}
	return nil
}

func (s *search) tooMany() error {
	return fmt.Errorf("it has more than %d %ss, which is more than are read of one image: remove those that nobody needs", maxSignatures, s.what())
}
