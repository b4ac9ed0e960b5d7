package pinsetter

import (
	"strings"
	"time"
)

// Provenance is where an image comes from, as far as that is known. What its
// publisher claims is no proof of anything; the signer was verified. The zero
// Provenance knows nothing.
type Provenance struct {
	Digest   string    `json:"digest,omitempty"`   // that the rest is about
	Source   string    `json:"source,omitempty"`   // claimed: the address of its sources
	Revision string    `json:"revision,omitempty"` // claimed: the commit, branch or tag of these
	Created  time.Time `json:"created,omitzero"`   // claimed: when it was built
	Signer   string    `json:"signer,omitempty"`   // verified, by a rule that holds the written image back else
	Unread   string    `json:"unread,omitempty"`   // why its publisher's claims aren't known
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
	if p.Signer != "" {
		text = strings.TrimPrefix(text+", signed by "+p.Signer+" (verified)", ", ")
	}
	return text
}

// Written is an image that was written for a policy, and where it comes from.
type Written struct {
	Policy string `json:"policy"` // "namespace/name"
	Ref    string `json:"ref"`    // as a marker without suffix shows it
	Provenance
}
