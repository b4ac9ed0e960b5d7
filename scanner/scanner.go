// Package scanner: asks which tags and digests exist, and what is under them,
// each once a cycle.
//
// A Scanner is the memory of one cycle. However many policies name an
// ImageRepository, and however many ImageRepositories name an image with the
// same access, its tags are listed once; what is excluded from them is each
// object's own. Failures are remembered as well, so that all decisions of a
// cycle are made from one view of the registry.
//
// What outlives a cycle is the registry.Registry's: a Scanner of NewReusing does
// with its last listing of an image for as long as the object's interval.
package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
)

// ErrAllExcluded is in the chain of the error for an image that has tags, all
// of which are reserved names or dropped by the object's exclusionList.
var ErrAllExcluded = errors.New("every tag is excluded")

// Listing is the tags of an ImageRepository. Its slices are shared: callers
// don't write to them.
type Listing struct {
	Image     string // spec.image, verbatim
	Canonical string // such as "index.docker.io/library/alpine"

	Tags     []string // kept, each once, descending by bytes
	Excluded []string // dropped by the exclusionList, in the same order
	Reserved []string // names that are no candidates (pinsetter.ReservedTag), in the same order

	// Dropped are tags outside the OCI grammar, quoted and escaped so that they
	// can be shown: the first hundred of DroppedCount.
	Dropped      []string
	DroppedCount int

	ScannedAt time.Time // when the registry answered

	// Hash is the SHA-256, in hex, of what the registry listed before anything was
	// dropped: the tags, ascending, with newlines between them. KeptHash is that of
	// Tags.
	Hash, KeptHash string

	// Unchanged says that the registry lists what it listed the last time that
	// anybody asked, as far as the registry.Registry remembers it. Whether what was
	// made of an earlier Listing still holds, its Hash says.
	Unchanged bool
}

// Scanner asks registries and remembers the answers for as long as it lives. It
// is safe for concurrent use.
type Scanner struct {
	// Asked is told of each list of tags that a registry was asked for, by whichever
	// object, and not of those that were at hand. Set it before use; nil: nobody.
	Asked func(object *fleet.Repository, took time.Duration, err error)

	// Asks is told of each question to a registry, in words for people, and what it
	// returns is called at the answer. Set it before use; nil: nobody.
	Asks func(object *fleet.Repository, what string) (answered func())

	registry *registry.Registry
	now      func() time.Time
	began    time.Time // zero: listings are never reused
	listings memo[answer]
	splits   memo[split]
	digests  memo[string]
	contents memo[registry.Content]

	mu     sync.Mutex
	images map[*fleet.Repository]*image
}

// answer is what a registry said about an image, to all objects alike.
type answer struct {
	registry.Listing
	hash string
	at   time.Time
}

// New returns a Scanner that remembers nothing yet.
func New(r *registry.Registry, now func() time.Time) *Scanner {
	return &Scanner{registry: r, now: now, images: map[*fleet.Repository]*image{}}
}

// NewReusing returns a Scanner that takes an image's last listing where the
// registry has kept it (registry.Options.Keep) and it is younger than the
// object's interval, less a tenth for the time that a cycle takes: so that cycles
// an interval apart ask each time. What the next cycle must ask for, Expire says.
func NewReusing(r *registry.Registry, now func() time.Time) *Scanner {
	s := New(r, now)
	s.began = now()
	return s
}

// Scan lists the tags of an ImageRepository without reserved names and those
// that its exclusionList drops. Errors name the image. Those that wrap
// registry.ErrNotFound, registry.ErrEmpty or ErrAllExcluded say that no tag can
// be had; no error comes with a Listing.
func (s *Scanner) Scan(ctx context.Context, object *fleet.Repository) (*Listing, error) {
	return s.ScanAfter(ctx, object, time.Time{})
}

// ScanAfter is Scan for a list that the registry gave no earlier than that: an
// older one is asked for again.
func (s *Scanner) ScanAfter(ctx context.Context, object *fleet.Repository, earliest time.Time) (*Listing, error) {
	image, err := s.open(object)
	if err != nil {
		return nil, err
	}
	q := question{key: image.key, what: image.what, timeout: image.Timeout()}
	found, ok := image.reused()
	if !ok || found.at.Before(earliest) {
		s.listings.forget(q.key, func(a answer) bool { return a.at.Before(earliest) })
		found, err = s.listings.get(ctx, q, func(ctx context.Context) (answer, error) {
			defer s.asks(object, q.what)()
			began := time.Now()
			listing, err := image.Tags(ctx)
			if s.Asked != nil {
				s.Asked(object, time.Since(began), err)
			}
			return answer{listing, hashOf(listing.Tags), s.now()}, err
		})
	}
	if err != nil {
		return nil, err
	}
	q.key = image.exclude + found.hash
	parts, err := s.splits.get(ctx, q, func(context.Context) (split, error) {
		return divide(found, object.Exclude), nil
	})
	if err != nil {
		return nil, err
	}
	if len(parts.kept) == 0 {
		return nil, fmt.Errorf("list tags of %s: %w", image.Name(), parts.nothing(object))
	}
	return &Listing{
		Image:        object.Image,
		Canonical:    image.Name(),
		Tags:         parts.kept,
		Excluded:     parts.excluded,
		Reserved:     parts.reserved,
		Dropped:      found.Dropped,
		DroppedCount: found.DroppedCount,
		ScannedAt:    found.at,
		Hash:         found.hash,
		KeptHash:     parts.hash,
		Unchanged:    found.Unchanged,
	}, nil
}

// Expire has the next Scanner that is made list the image of an object, however
// young the last listing is: something is known to have been pushed.
func (s *Scanner) Expire(object *fleet.Repository) error {
	image, err := s.open(object)
	if err != nil {
		return err
	}
	image.Forget()
	return nil
}

// Digest returns the digest that a tag of the ImageRepository stands for now,
// asked once a cycle. The error wraps registry.ErrNotFound when there is no such
// tag.
func (s *Scanner) Digest(ctx context.Context, object *fleet.Repository, tag string) (string, error) {
	image, err := s.open(object)
	if err != nil {
		return "", err
	}
	q := question{key: image.key + " " + tag, what: fmt.Sprintf("get digest of %s:%s", image.Name(), tag), timeout: image.Timeout()}
	return s.digests.get(ctx, q, func(ctx context.Context) (string, error) {
		defer s.asks(object, q.what)()
		return image.Digest(ctx, tag)
	})
}

// Content returns what the content under a digest says of itself, asked once a
// cycle. Its slice is shared: callers don't write to it. The error wraps
// registry.ErrNotFound when the registry hasn't it.
func (s *Scanner) Content(ctx context.Context, object *fleet.Repository, digest string) (registry.Content, error) {
	image, err := s.open(object)
	if err != nil {
		return registry.Content{}, err
	}
	q := question{key: image.key + " " + digest, what: fmt.Sprintf("read content of %s@%s", image.Name(), digest), timeout: image.Timeout()}
	return s.contents.get(ctx, q, func(ctx context.Context) (registry.Content, error) {
		defer s.asks(object, q.what)()
		return image.Content(ctx, digest)
	})
}

// asks tells of a question, and returns what tells of its answer.
func (s *Scanner) asks(object *fleet.Repository, what string) (answered func()) {
	if s.Asks == nil {
		return func() {}
	}
	return s.Asks(object, what)
}
