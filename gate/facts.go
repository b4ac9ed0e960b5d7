package gate

import (
	"context"
	"time"
)

// Facts is what is known about the tags of one image, now. Within a run it
// answers the same question alike, so that what was judged is what is written.
// It is safe for concurrent use.
type Facts interface {
	// Seen returns what the ledger knows about a tag: the zero Sight where
	// nothing is known. It asks no registry.
	Seen(ctx context.Context, tag string) (Sight, error)

	// Digest returns the digest that the registry shows for a tag, and tells the
	// ledger that it was seen, from when a moved tag's age counts. It is asked
	// about tags whose digest Seen doesn't know, and about those that passed what
	// can be told without it.
	Digest(ctx context.Context, tag string) (string, error)

	// Content returns what the content under a digest, which is tag's, says of
	// itself. It never changes, so that the registry needs to be asked once.
	Content(ctx context.Context, tag, digest string) (Content, error)
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
}
