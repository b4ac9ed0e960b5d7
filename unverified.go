package pinsetter

// Unverified is a site whose written digest is refused by a rule about signatures that
// the site is held to. Nothing is rewritten for that: people are told.
type Unverified struct {
	Policy string `json:"policy"` // "namespace/name"
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Ref    string `json:"ref"` // what is written
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}
