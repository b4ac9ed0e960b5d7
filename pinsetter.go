// Package pinsetter holds the words that the rooms of this program share, such
// as image, site, candidate and hold. It has no behaviour except printing its
// values, and imports only the standard library.
//
// CONTRIBUTING.md lists the rooms and who may import whom; rooms_test.go
// enforces it.
package pinsetter

import (
	"strconv"
	"strings"
	"time"
)

// Name is the namespace and name of a Kubernetes object.
type Name struct {
	Namespace string
	Name      string
}

// String returns "namespace/name".
func (n Name) String() string { return n.Namespace + "/" + n.Name }

// ParseName returns the name that String wrote.
func ParseName(text string) Name {
	namespace, name, _ := strings.Cut(text, "/")
	return Name{Namespace: namespace, Name: name}
}

// Compare orders names by namespace, then name.
func (n Name) Compare(m Name) int {
	if c := strings.Compare(n.Namespace, m.Namespace); c != 0 {
		return c
	}
	return strings.Compare(n.Name, m.Name)
}

// Count returns "1 change" or "2 changes": n and a noun whose plural ends in s.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Object identifies the Kubernetes object in a YAML document. Fields that the
// document lacks are empty.
type Object struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
}

// Image is a reference to an image, a chart or an artifact. Name is an
// ImageRepository's spec.image, verbatim; Tag and Digest may be empty.
type Image struct {
	Name   string `json:"name,omitempty"`
	Tag    string `json:"tag,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// String returns "name:tag@digest" without the empty parts.
func (i Image) String() string {
	s := i.Name
	if i.Tag != "" {
		s += ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + i.Digest
	}
	return s
}

// maxTag is the longest tag in bytes. The OCI distribution specification 1.1
// (section "Pulling manifests") has the grammar
// [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}.
const maxTag = 128

// ValidTag reports whether s is a tag in the OCI grammar. It doesn't use a
// regular expression because it checks every tag that a registry lists.
func ValidTag(s string) bool {
	if s == "" || len(s) > maxTag || s[0] == '.' || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}

// reservedTag is the grammar of the names under which registries without a
// referrers API store an image's referrers: "Referrers Tag Schema" of the OCI
// distribution specification 1.1. The scheme cuts a digest to 64 characters, so
// sha512 has as many as sha256; all 128 would be too long for a tag. After a
// dot cosign 2 adds sig, att or sbom.
var reservedTag = Pattern(`^sha(256|512)-[0-9a-f]{64}(\..+)?$`)

// ReservedTag reports whether a tag is a name for signatures or other referrers
// of an image. Such a tag is never a candidate.
func ReservedTag(tag string) bool {
	return strings.HasPrefix(tag, "sha") && reservedTag().MatchString(tag)
}

// digestGrammar is the grammar of the OCI image specification ("Digests"),
// narrowed to the one algorithm that registries use.
var digestGrammar = Pattern(`^sha256:[a-f0-9]{64}$`)

// ValidDigest reports whether s is "sha256:" and 64 lower-case hex digits.
func ValidDigest(s string) bool { return digestGrammar().MatchString(s) }

// Candidate is a tag that isn't reserved and that passed a policy's exclusion
// list, filter, parse and range. Value is the text that the policy orders by:
// the tag itself, or the part that the filter extracted.
type Candidate struct {
	Tag   string
	Value string
}

// Outcome is the result for a tag under a policy.
type Outcome string

// The outcomes of a tag.
const (
	Selected Outcome = "selected" // the candidate to write
	Eligible Outcome = "eligible" // a candidate that is outranked
	Rejected Outcome = "rejected" // dropped at Verdict.Stage
)

// Stage is the step that dropped a tag, or StageOrder for a tag that was only
// outranked.
type Stage string

// The stages, in the order that a tag passes them.
const (
	StageExclude Stage = "exclude" // ImageRepository.spec.exclusionList, or a reserved name
	StageFilter  Stage = "filter"  // filterTags.pattern
	StageParse   Stage = "parse"   // not a version, not a number
	StageRange   Stage = "range"   // outside the SemVer range
	StageGate    Stage = "gate"    // a Gate refused it
	StageHold    Stage = "hold"    // a Gate's hold names it
	StageOrder   Stage = "order"   // eligible, but outranked
)

// Showing is a digest that a tag was seen with.
type Showing struct {
	Digest string    `json:"digest"`
	First  time.Time `json:"firstSeen"` // when the tag was first seen with it; its age counts from here
	Since  time.Time `json:"since"`     // when the tag was last seen to change to it
}

// Build is the image of an index for one platform, "os/arch[/variant]". A single
// image is its own. A malformed digest is left out.
type Build struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
}

// Move is a digest that a tag was seen with, and for which platforms it has other
// images than the digest before it, as far as that is known.
type Move struct {
	Showing
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
}

// Verdict is the outcome for one tag, with its reason. Stage is empty for the
// selected tag. Digests are those of a tag that was seen with several, the latest
// first; only explain has them. Until is nil if no time ends the refusal: an image may
// have a million verdicts, and few have one.
type Verdict struct {
	Tag     string     `json:"tag"`
	Value   string     `json:"value,omitempty"`
	Verdict Outcome    `json:"verdict"`
	Stage   Stage      `json:"stage,omitempty"`
	Gate    string     `json:"gate,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Digests []Move     `json:"digests,omitempty"`
}

// Change is a marked value that was, or would be, rewritten. Line counts from
// 1. Setter is the marker as written in the comment:
// "namespace:policy[:tag|:name|:digest]".
type Change struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Setter string `json:"setter"`
	Object Object `json:"object,omitzero"` // zero if the document has none
	Old    string `json:"old"`
	New    string `json:"new"`
}

// Hold says that a better candidate exists for a site and is not written.
// Policy is "namespace/name"; Path and Line are those of the site (see
// Site.Line). Current is the site's value after the run. Reason ends with what
// people can do. Until is zero if no time ends the hold. Rule is the kind of
// reason, for metrics; recorded runs lack it.
type Hold struct {
	Policy    string    `json:"policy"`
	Path      string    `json:"path"`
	Line      int       `json:"line"`
	Current   string    `json:"current,omitempty"`
	Candidate string    `json:"candidate,omitempty"`
	Reason    string    `json:"reason"`
	Until     time.Time `json:"until,omitzero"`
	Rule      Rule      `json:"-"`

	// Soon says that the reason most often goes away by itself within minutes:
	// nobody is told of the hold, and it is looked at again soon.
	Soon bool `json:"-"`

	// Failed says that the reason is a question that got no answer, which is a
	// failure.
	Failed bool `json:"-"`
}

// Rule is the kind of reason for a hold.
type Rule string

// The rules.
const (
	RuleBump      Rule = "bump"      // the step is too large
	RuleClosed    Rule = "closed"    // somebody closed its pull request
	RuleDigest    Rule = "digest"    // there is no digest, or not the one that was judged
	RuleDowngrade Rule = "downgrade" // it ranks below the written tag
	RuleForeign   Rule = "foreign"   // its branch has somebody else's commit
	RuleFreeze    Rule = "freeze"    // a Gate's freeze
	RuleHold      Rule = "hold"      // a Gate's hold names it
	RuleListing   Rule = "listing"   // the tag list isn't believed
	RuleMinAge    Rule = "minAge"    // it is too young
	RuleMoved     Rule = "moved"     // the tag moved
	RulePlatforms Rule = "platforms" // the image lacks one
	RuleRevert    Rule = "revert"    // somebody took it back
	RuleShape     Rule = "shape"     // the value doesn't match its marker's suffix
	RuleSignature Rule = "signature" // it isn't signed by whom a Gate trusts
	RuleUnknown   Rule = "unknown"   // a necessary fact couldn't be found out
	RuleWindow    Rule = "window"    // outside of the windows
	RuleWorkflows Rule = "workflows" // the credentials may not change GitHub's workflows
)

// Rules returns all rules, sorted.
func Rules() []Rule {
	return []Rule{
		RuleBump, RuleClosed, RuleDigest, RuleDowngrade, RuleForeign, RuleFreeze, RuleHold, RuleListing,
		RuleMinAge, RuleMoved, RulePlatforms, RuleRevert, RuleShape, RuleSignature, RuleUnknown, RuleWindow, RuleWorkflows,
	}
}

// Explanation is what became of every tag of a policy's image, and where the
// selected one goes. `pinsetter explain` prints it as JSON, and the API serves it.
type Explanation struct {
	Namespace string        `json:"namespace"`
	Name      string        `json:"name"`
	Image     string        `json:"image"`
	Suspended bool          `json:"suspended,omitempty"`
	Selected  string        `json:"selected,omitempty"`
	Tags      []Verdict     `json:"tags"`  // best first
	Sites     []Destination `json:"sites"` // each once; sorted by automation, path and line
}

// Destination is a site of a policy and its next value. Group is that of the pull
// request that the value goes into, if changes are grouped. Line is that of the
// value that changes. Next equals Current if nothing changes, and is empty if
// nothing could be decided. Held is the reason why a better candidate isn't
// written.
type Destination struct {
	Automation string `json:"automation"`
	Group      string `json:"group,omitempty"`
	Path       string `json:"path"`
	Line       int    `json:"line"`
	Current    string `json:"current"`
	Next       string `json:"next,omitempty"`
	Held       string `json:"held,omitempty"`

	// Unverified is why a rule about signatures refuses the written digest.
	Unverified string `json:"unverified,omitempty"`
}
