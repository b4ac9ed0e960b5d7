package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Known is what is known of one image's tags now. What a map lacks was not asked
// for yet. The zero Known knows nothing.
type Known struct {
	Sights   map[string]Answer[Sight]   // by tag: what the ledger remembers
	Digests  map[string]Answer[string]  // by tag: what the registry shows, as gates asked for it
	Contents map[string]Answer[Content] // by digest: what is under it

	Showings   map[string]Answer[[]pinsetter.Showing] // by tag: the digests that the ledger remembers
	Stays      map[string]Answer[bool]                // by digest: whether the registry still has it
	Signatures map[Signed]pinsetter.Signature         // what a rule makes of a digest's signatures
}

// Signed is a digest, and the identity of what a rule trusts.
type Signed struct{ Digest, Trust string }

// Answer is what was found out, or why it can't be known. A gate that can't know
// says no.
type Answer[T any] struct {
	Value T
	Err   error
}

// Kind is what a question is about.
type Kind string

// The kinds of questions, the cheapest first.
const (
	KindSight   Kind = "sight"   // Known.Sights of Tag: the ledger knows it, no registry is asked
	KindShowing Kind = "showing" // Known.Showings of Tag: likewise
	KindContent Kind = "content" // Known.Contents of Digest, which is Tag's: it never changes
	KindDigest  Kind = "digest"  // Known.Digests of Tag: the registry must be asked
	KindStays   Kind = "stays"   // Known.Stays of Digest, which was Tag's: likewise

	// KindSignature asks for Known.Signatures of Digest, which is Tag's, and Trust.
	KindSignature Kind = "signature"
)

// Question asks for one fact. Equal questions have one answer.
type Question struct {
	Kind   Kind
	Tag    string
	Digest string // "" unless Kind is KindContent, KindStays or KindSignature
	Trust  string // "" unless Kind is KindSignature
}

// maxQuestions bounds the questions that are returned at once.
const maxQuestions = 16

// questions are those of candidates, in the order of rank. All are of one kind.
type questions []Question

// add adds a question of the i-th candidate and reports whether they are to be
// answered before anything else is looked at. The best candidate is asked about
// alone, since most often it passes, and so is the first of which the registry must
// tell the digest. What the ledger can tell, and digests, are asked of several
// candidates at once: of no more than one window behind the one that passes. All
// else is asked of one, since it costs pulls.
func (qs *questions) add(i int, q Question, known Known) (enough bool) {
	if len(*qs) > 0 && (q.Kind != (*qs)[0].Kind || slices.Contains(*qs, q)) {
		return true
	}
	*qs = append(*qs, q)
	return i == 0 || len(*qs) == known.window(q.Kind)
}

// window returns of how many candidates a question is asked at once. Windows of
// digests end where the bounds may be reached, so that no more is asked than if it
// were one after the other.
func (k Known) window(kind Kind) int {
	switch {
	case kind == KindSight:
		return maxQuestions
	case kind == KindDigest && len(k.Digests) > 0:
		return min(maxQuestions, maxFailed-k.failed(), maxAsked-len(k.Digests))
	}
	return 1
}

// Bounds on what one policy asks a registry for its gates, so that a gate which
// nothing passes costs that much and no more. Tags come a few a day; behind a
// hundred that are refused, a person should look. About as many tags as are asked
// about at once there may be no answer.
const (
	maxAsked  = 100          // candidates that the registry was asked about
	maxFailed = maxQuestions // of them, those about which it gave no answer
)

// exhausted says which bound is reached, or "".
func (k Known) exhausted() string {
	switch {
	case len(k.Digests) >= maxFailed && k.failed() >= maxFailed:
		return fmt.Sprintf("the registry gave no answer about %d better tags: see why", maxFailed)
	case len(k.Digests) >= maxAsked:
		return fmt.Sprintf("the registry was asked about %d better tags: exclude what never passes (exclusionList, or the policy's range or filter)", maxAsked)
	}
	return ""
}

// failed returns about how many candidates the registry gave no answer.
func (k Known) failed() int {
	failed := 0
	for _, digest := range k.Digests {
		if digest.Err != nil || !pinsetter.ValidDigest(digest.Value) || k.Contents[digest.Value].Err != nil {
			failed++
		}
	}
	return failed
}

// Sight is what is known about a tag from having seen it listed.
type Sight struct {
	Since    time.Time // since when it is known as it is now; zero where it never was seen
	Digest   string    // its digest when that was last read, "" where it never was
	Read     time.Time // when that was; zero where it isn't known
	Previous string    // the digest before that one, "" where it never changed
}

// How long a digest that was read is relied on to refuse a tag: for as long as it
// has been there, within these bounds. Who completes a tag later, as builds for
// several platforms do, mostly does so soon.
const (
	shortestReliance = time.Hour
	longestReliance  = 24 * time.Hour
)

// relied reports whether what is known of the tag's digest needn't be read again
// for a refusal. To let a tag pass, it always is.
func (s Sight) relied(now time.Time) bool {
	if s.Digest == "" {
		return false
	}
	passed := now.Sub(s.Read)
	return passed >= 0 && passed < min(max(s.Read.Sub(s.Since), shortestReliance), longestReliance)
}

// Before returns the digest that a tag had before now, its present one: "" where
// no other was ever seen.
func (s Sight) Before(now string) string {
	if s.Digest != now {
		return s.Digest
	}
	return s.Previous
}

// Content is what an image says of itself.
type Content struct {
	Created   time.Time // zero where it doesn't say
	Platforms []string  // "os/arch[/variant]"; nil for what is no image, such as a chart

	Builds []pinsetter.Build // the images for these platforms
}
