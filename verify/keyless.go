package verify

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	sigstore "github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// certificates is a rule that trusts certificates.
type certificates struct {
	trusted *fleet.Keyless
	roots   *Roots
}

func (k *certificates) String() string { return k.trusted.String() }

// proof implements judge: a certificate counts that an authority of the root made
// for a trusted identity, and that was valid when a log or a timestamp authority of
// the root saw the signature.
func (k *certificates) proof(ctx context.Context, s checker, digest string) (pinsetter.Signature, error) {
	signed, subject, err := s.certified(digest)
	if err != nil {
		return pinsetter.Signature{}, errors.New(pinsetter.Printable(err.Error()))
	}
	if content, err := signed.VerificationContent(); err != nil || content.Certificate() == nil {
		return pinsetter.Signature{}, errNoCertificate
	}
	root, err := k.roots.of(ctx, k.trusted)
	if err != nil {
		return pinsetter.Signature{}, unknownError{err}
	}
	result, err := root.verifier.Verify(signed, sigstore.NewPolicy(subject, sigstore.WithoutIdentitiesUnsafe()))
	if err != nil {
		return pinsetter.Signature{}, root.doubt(errors.New(pinsetter.Printable(err.Error())))
	}
	by := result.Signature.Certificate
	if !k.trusted.Passes(by.Issuer, by.SubjectAlternativeName) {
		return pinsetter.Signature{}, fmt.Errorf("it is by %s of issuer %s",
			pinsetter.Printable(by.SubjectAlternativeName), pinsetter.Printable(by.Issuer))
	}
	found := pinsetter.Signature{
		Verdict: pinsetter.SignatureVerified, Signer: pinsetter.Printable(by.SubjectAlternativeName), Issuer: pinsetter.Printable(by.Issuer),
		Log: root.logOf(signed), Reason: root.old,
	}
	for _, seen := range result.VerifiedTimestamps {
		if seen.Timestamp.After(found.SignedAt) {
			found.SignedAt = seen.Timestamp.UTC() // the latest: a signature must not look older than it is
		}
	}
	return found, nil
}

// logOf returns the address of the log that has a signature which was verified: of
// the first entry in a log that the root knows. "" is one without an address, or
// that the root demands none.
func (r *trustedRoot) logOf(signed sigstore.SignedEntity) string {
	entries, err := signed.TlogEntries()
	if err != nil {
		return ""
	}
	for _, entry := range entries {
		if log, known := r.material.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]; known {
			return pinsetter.Printable(log.BaseURL)
		}
	}
	return ""
}
