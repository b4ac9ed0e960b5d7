package pinsetter

import "time"

// SignatureVerdict is what a rule about signatures makes of an image.
type SignatureVerdict string

// The verdicts. An outage is no proof that a signature is missing, so it has a
// verdict of its own.
const (
	SignatureVerified SignatureVerdict = "verified" // signed by somebody whom the rule trusts
	SignatureRefused  SignatureVerdict = "refused"  // unsigned, or signed by somebody else
	SignatureUnknown  SignatureVerdict = "unknown"  // it could not be asked, or not be read
)

// Signature is what was found out about the signatures of one digest by one rule.
// The zero Signature proves nothing.
type Signature struct {
	Verdict  SignatureVerdict `json:"verdict"`
	Unsigned bool             `json:"-"`                 // refused, and nobody signed or attested it
	Signer   string           `json:"signer,omitempty"`  // a key's name and fingerprint, or the subject of a certificate
	Issuer   string           `json:"issuer,omitempty"`  // who vouches for the subject
	SignedAt time.Time        `json:"signedAt,omitzero"` // by a log or timestamp that was checked; zero without
	Log      string           `json:"log,omitempty"`     // that has the signature, "" where none was checked
	Builder  string           `json:"builder,omitempty"` // that built the image, by provenance that was checked
	Source   string           `json:"source,omitempty"`  // that the image was built from, likewise
	Reason   string           `json:"reason,omitempty"`  // for people, where it isn't verified
}
