package pinsetter

import (
	"strings"
	"time"
)

// Provenance is where an image comes from, as far as that is known. What its
// publisher claims is no proof of anything; the signer and the builder were verified,
// by rules that hold the written image back else. The zero Provenance knows nothing.
type Provenance struct {
	Digest    string    `json:"digest,omitempty"`    // that the rest is about
	Source    string    `json:"source,omitempty"`    // claimed: the address of its sources
	Revision  string    `json:"revision,omitempty"`  // claimed: the commit, branch or tag of these
	Created   time.Time `json:"created,omitzero"`    // claimed: when it was built
	Signer    string    `json:"signer,omitempty"`    // verified: who signed it, or what is attested of it
	Builder   string    `json:"builder,omitempty"`   // verified: that built it, by SLSA provenance of the signer
	BuiltFrom string    `json:"builtFrom,omitempty"` // verified: its source, likewise
	Unread    string    `json:"unread,omitempty"`    // why its publisher's claims aren't known
}

// String says in a few words where the image comes from, and "" if nobody says so.
func (p Provenance) String() string {
	var parts []string
	if !p.Created.IsZero() {
		parts = append(parts, "built "+p.Created.UTC().Format(time.DateTime)+" UTC")
	}
	if p.Source != "" {
		parts = append(parts, "from "+p.Source)
	}
	if p.Revision != "" {
		parts = append(parts, "at "+p.Revision)
	}
	text := strings.Join(parts, " ")
	if text != "" {
		text += " (says its publisher)"
	}
	built := ""
	if p.Builder != "" {
		built += " by " + p.Builder
	}
	if p.BuiltFrom != "" {
		built += " from " + p.BuiltFrom
	}
	if built != "" {
		text += ", built" + built + " (verified)"
	}
	if p.Signer != "" {
		text += ", signed by " + p.Signer + " (verified)"
	}
	return strings.TrimPrefix(text, ", ")
}

// Written is an image that was written for a policy, and where it comes from.
type Written struct {
	Policy string `json:"policy"` // "namespace/name"
	Ref    string `json:"ref"`    // as a marker without suffix shows it
	Provenance
}
