package verify

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/crl"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/cose" // the two forms of envelopes
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/notaryproject/tspclient-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// notationType is the artifact type of notation's signatures
// (github.com/notaryproject/specifications, specs/signature-specification.md).
const notationType = "application/vnd.cncf.notary.signature"

// revocationTime bounds each question whether a certificate is revoked.
const revocationTime = 5 * time.Second

// trustPolicy is a rule that is a trust policy of notation
// (github.com/notaryproject/specifications, specs/trust-store-trust-policy.md).
type trustPolicy struct {
	verifier  notation.Verifier
	document  *trustpolicy.Document
	reference string // of the image, as the policy's scopes name it
}

// newTrustPolicy returns the rule. An error means that the policy can't be used.
func (e *Evidence) newTrustPolicy(trusted *fleet.Notation) (*trustPolicy, error) {
	policy := &trustpolicy.Document{}
	err := json.Unmarshal(trusted.Policy, policy)
	if err == nil {
		err = policy.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("the trust policy of notation can't be used: %w", err)
	}
	o := verifier.VerifierOptions{}
	client := e.roots.revocations()
	if o.RevocationCodeSigningValidator, err = validator(client, purpose.CodeSigning); err == nil {
		o.RevocationTimestampingValidator, err = validator(client, purpose.Timestamping)
	}
	if err != nil {
		return nil, err
	}
	found, err := verifier.NewWithOptions(policy, stores(trusted.Certificates), nil, o)
	if err != nil {
		return nil, err
	}
	name := strings.Replace(e.image.Name(), "index.docker.io/", "docker.io/", 1) // as people write it
	return &trustPolicy{found, policy, name + "@" + e.digest}, nil
}

// revocations returns the client for questions about revoked certificates.
func (r *Roots) revocations() *http.Client {
	if r == nil || r.Client == nil {
		return &http.Client{Transport: nowhere{}}
	}
	return &http.Client{Transport: r.Client.Transport, Timeout: revocationTime}
}

// nowhere reaches nobody.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody is asked about revoked certificates")
}

func validator(client *http.Client, of purpose.Purpose) (revocation.Validator, error) {
	lists, err := crl.NewHTTPFetcher(client)
	if err != nil {
		return nil, err
	}
	return revocation.NewWithOptions(revocation.Options{OCSPHTTPClient: client, CRLFetcher: lists, CertChainPurpose: of})
}

// stores are the certificates of a rule, as notation asks for them.
type stores []fleet.StoredCertificate

// GetCertificates implements truststore.X509TrustStore.
func (s stores) GetCertificates(_ context.Context, kind truststore.Type, name string) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for _, c := range s {
		if c.Store != "" && c.Store != string(kind)+":"+name {
			continue
		}
		certificate, err := x509.ParseCertificate(c.DER)
		if err != nil {
			return nil, fmt.Errorf("read certificate %s: %w", c.Name, err)
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("trust store %s:%s has no certificate", kind, name)
	}
	return found, truststore.ValidateCertificates(found)
}

func (n *trustPolicy) String() string { return "the trust policy of notation" }

// proof implements judge. Of the levels of verification audit and skip prove nothing,
// and neither does another one that only logs what it demands: except revocation,
// which is then said.
func (n *trustPolicy) proof(ctx context.Context, s checker, digest string) (pinsetter.Signature, error) {
	signed, ok := s.(enveloped)
	if !ok {
		return pinsetter.Signature{}, errors.New("it is no signature of notation")
	}
	target, err := signed.target()
	switch {
	case err != nil:
		return pinsetter.Signature{}, err
	case string(target.Digest) != digest:
		return pinsetter.Signature{}, fmt.Errorf("it is for another image, %q", pinsetter.Printable(string(target.Digest)))
	}
	outcome, err := n.verifier.Verify(ctx, target, signed.envelope, notation.VerifierVerifyOptions{
		ArtifactReference: n.reference, SignatureMediaType: signed.mediaType,
	})
	if outcome == nil {
		return pinsetter.Signature{}, errors.New(pinsetter.Printable(err.Error()))
	}
	level := outcome.VerificationLevel
	if level == nil || level.Name == trustpolicy.LevelSkip.Name || level.Name == trustpolicy.LevelAudit.Name {
		return pinsetter.Signature{}, errors.New("the policy's level for it is audit or skip, which verify nothing: use strict or permissive")
	}
	note, failed := results(outcome)
	if level.Enforcement[trustpolicy.TypeRevocation] == trustpolicy.ActionSkip {
		note = "whether its certificate is revoked isn't asked, as the policy says"
	}
	switch {
	case failed != nil:
		return pinsetter.Signature{}, failed
	case err != nil:
		return pinsetter.Signature{}, errors.New(pinsetter.Printable(err.Error()))
	}
	return n.verdict(outcome, note), nil
}

// results returns why a signature isn't verified, and what else is to be said. That
// nobody says whether a certificate is revoked is "could not ask" where the policy
// demands it.
func results(outcome *notation.VerificationOutcome) (note string, err error) {
	for _, r := range outcome.VerificationResults {
		switch {
		case r.Error == nil:
		case r.Type == trustpolicy.TypeRevocation && r.Action == trustpolicy.ActionLog && !isRevoked(r.Error):
			note = "it isn't known whether its certificate is revoked: " + pinsetter.Printable(r.Error.Error())
		case r.Type == trustpolicy.TypeRevocation && !isRevoked(r.Error):
			return "", unknownError{errors.New(pinsetter.Printable(r.Error.Error()))}
		default:
			return "", errors.New(pinsetter.Printable(r.Error.Error()))
		}
	}
	return note, nil
}

func isRevoked(err error) bool { return strings.HasSuffix(err.Error(), "is revoked") }

func (n *trustPolicy) verdict(outcome *notation.VerificationOutcome, note string) pinsetter.Signature {
	found := pinsetter.Signature{Verdict: pinsetter.SignatureVerified, Reason: note, Signer: "somebody"}
	if chain := outcome.EnvelopeContent.SignerInfo.CertificateChain; len(chain) > 0 {
		found.Signer = pinsetter.Printable(chain[0].Subject.String())
		found.Issuer = pinsetter.Printable(chain[0].Issuer.String())
	}
	found.SignedAt = n.signedAt(outcome)
	return found
}

// signedAt returns when a verified signature was made, by whom the policy trusts to
// know: a signing authority, or a timestamp authority whose countersignature the
// policy had verified. Zero: nobody who is trusted says so. What the signer itself
// says doesn't count.
func (n *trustPolicy) signedAt(outcome *notation.VerificationOutcome) time.Time {
	signer := outcome.EnvelopeContent.SignerInfo
	if signer.SignedAttributes.SigningScheme == signature.SigningSchemeX509SigningAuthority {
		return signer.SignedAttributes.SigningTime.UTC()
	}
	statement, err := n.document.GetApplicableTrustPolicy(n.reference)
	if err != nil || !stamped(statement) || !succeeded(outcome, trustpolicy.TypeAuthenticTimestamp) {
		return time.Time{}
	}
	token, err := tspclient.ParseSignedToken(signer.UnsignedAttributes.TimestampSignature)
	if err != nil {
		return time.Time{}
	}
	info, err := token.Info()
	if err != nil {
		return time.Time{}
	}
	at, err := info.Validate(signer.Signature)
	if err != nil {
		return time.Time{}
	}
	return at.Value.Add(at.Accuracy).UTC() // the latest: a signature must not look older than it is
}

// stamped reports whether the library always verifies countersignatures by a
// statement (verifyTimestamp of notation-go 1.3.2).
func stamped(statement *trustpolicy.TrustPolicy) bool {
	isOfTimestamps := func(store string) bool { return strings.HasPrefix(store, string(truststore.TypeTSA)+":") }
	return slices.ContainsFunc(statement.TrustStores, isOfTimestamps) &&
		statement.SignatureVerification.VerifyTimestamp != trustpolicy.OptionAfterCertExpiry
}

// succeeded reports whether something was verified.
func succeeded(outcome *notation.VerificationOutcome, what trustpolicy.ValidationType) bool {
	return slices.ContainsFunc(outcome.VerificationResults, func(r *notation.ValidationResult) bool { return r.Type == what && r.Error == nil })
}

// enveloped is a signature of notation.
type enveloped struct {
	envelope  []byte
	mediaType string
}

// target returns what the envelope says it is for, unverified.
func (s enveloped) target() (ocispec.Descriptor, error) {
	var payload struct {
		Target ocispec.Descriptor `json:"targetArtifact"`
	}
	envelope, err := signature.ParseEnvelope(s.mediaType, s.envelope)
	if err != nil {
		return payload.Target, errors.New(pinsetter.Printable(err.Error()))
	}
	content, err := envelope.Content()
	if err == nil {
		err = json.Unmarshal(content.Payload.Content, &payload)
	}
	if err != nil {
		return payload.Target, errors.New(pinsetter.Printable(err.Error()))
	}
	return payload.Target, nil
}

// certified implements checker.
func (s enveloped) certified(string) (*bundle.Bundle, sigstore.ArtifactPolicyOption, error) {
	return nil, nil, errors.New("it is made with notation")
}

// byKey implements checker.
func (s enveloped) byKey(string, trustedKey) error { return errors.New("it is made with notation") }

// envelope reads one referrer as a signature of notation. The error ends the reading
// of all.
func (s *search) envelope(ctx context.Context, digest string) (signed, error) {
	data, err := s.image.Manifest(ctx, digest)
	if err == nil {
		err = s.take(int64(len(data)))
	}
	if err != nil {
		return signed{}, err
	}
	var manifest layers
	if json.Unmarshal(data, &manifest) != nil || len(manifest.Layers) != 1 {
		return signed{err: fmt.Errorf("the manifest of signature %s can't be read", digest)}, nil
	}
	text, err := s.blob(ctx, manifest.Layers[0].Digest, manifest.Layers[0].Size)
	return signed{checker: enveloped{text, manifest.Layers[0].MediaType}}, err
}
