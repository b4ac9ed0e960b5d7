package spec

import "time"

// GateSpec is a Gate's spec. What is absent lets everything pass.
type GateSpec struct {
	PolicySelector *LabelSelector `json:"policySelector,omitempty"` // absent: every policy of the namespace

	MinAge     *Duration `json:"minAge,omitempty"`
	MinAgeFrom AgeFrom   `json:"minAgeFrom,omitempty"` // "firstSeen" (default), "created" or "signature"

	Platforms []string     `json:"platforms,omitempty"` // "os/arch[/variant]"
	Windows   []GateWindow `json:"windows,omitempty"`   // open while one of them is
	Freeze    *GateFreeze  `json:"freeze,omitempty"`
	MaxBump   Bump         `json:"maxBump,omitempty"`
	Hold      []GateHold   `json:"hold,omitempty"`
	Verify    []GateVerify `json:"verify,omitempty"` // all of them must hold

	// EnclosingVerify is "ignore" if the verify of the object that a marker stands in
	// doesn't count; "" if it does.
	EnclosingVerify string `json:"enclosingVerify,omitempty"`

	// Lets a site go down from a tag that is listed no more. Of
	// several gates one must say true and none false.
	AllowDowngrade *bool `json:"allowDowngrade,omitempty"`
}

// AgeFrom says where a candidate's age counts from.
type AgeFrom string

// Where an age counts from.
const (
	AgeFromFirstSeen AgeFrom = "firstSeen" // the ledger's first sight of the tag as it is
	AgeFromCreated   AgeFrom = "created"   // the date in the image
	AgeFromSignature AgeFrom = "signature" // when it was signed, by a log or timestamp
)

// Bump is the size of a step from one version to another: the leftmost of its
// three numbers that differs, or BumpPatch where none does.
type Bump string

// The sizes of a step, from small to large.
const (
	BumpPatch Bump = "patch"
	BumpMinor Bump = "minor"
	BumpMajor Bump = "major"
)

// GateWindow is a time of writing that returns: it opens as the schedule says
// and stays open for the duration.
type GateWindow struct {
	Schedule string   `json:"schedule"` // five fields of cron, or @daily and the like
	Duration Duration `json:"duration"`
	TimeZone string   `json:"timeZone,omitempty"` // of the IANA database; "" is UTC
}

// GateFreeze is a time without writing, from From until just before To.
type GateFreeze struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"`
}

// GateHold keeps tags from being written: those that it lists, or whose version
// is in a range.
type GateHold struct {
	Tags   []string  `json:"tags,omitempty"`  // exact
	Range  string    `json:"range,omitempty"` // SemVer, as in a policy
	Reason string    `json:"reason"`
	Until  time.Time `json:"until,omitzero"` // absent: no end
}

// GateVerify says who must have signed an image. It has the shape of an
// OCIRepository's spec.verify.
type GateVerify struct {
	Provider  string                `json:"provider"`            // "cosign"
	SecretRef *LocalObjectReference `json:"secretRef,omitempty"` // of the public keys, each under a key that ends in .pub

	// Who may have signed by a certificate; one must match. Instead of SecretRef.
	MatchOIDCIdentity []OIDCIdentity `json:"matchOIDCIdentity,omitempty"`

	// Attestations that these signers must have made, each of them; empty: the image
	// must be signed.
	Attestations []GateAttestation `json:"attestations,omitempty"`

	// Of Sigstore's trusted_root.json, under a key of that name; nil: that of the
	// public good instance.
	TrustedRootSecretRef *LocalObjectReference `json:"trustedRootSecretRef,omitempty"`
}

// GateAttestation says what must be attested.
type GateAttestation struct {
	PredicateType string `json:"predicateType"`

	// Regular expressions for what SLSA provenance says; "" demands nothing.
	Builder string `json:"builder,omitempty"`
	Source  string `json:"source,omitempty"`
}

// OIDCIdentity is who signed by a certificate, as regular expressions.
type OIDCIdentity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// EnclosingIgnore is a value of EnclosingVerify.
const EnclosingIgnore = "ignore"
