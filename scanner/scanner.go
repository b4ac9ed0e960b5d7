// Package scanner: asks which tags and digests exist, and what is under them,
// each once a cycle.
//
// A Scanner is the memory of one cycle. However many policies name an
// ImageRepository, and however many ImageRepositories name an image with the
// same access, its tags are listed once; what is excluded from them is each
// object's own. Failures are remembered as well, so that all decisions of a
// cycle are made from one view of the registry.
package scanner

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/registry"
)

// ErrAllExcluded is in the chain of the error for an image that has tags, all
// of which the object's exclusionList drops.
var ErrAllExcluded = errors.New("every tag is excluded")

// Listing is the tags of an ImageRepository. Its slices are shared: callers
// don't write to them.
type Listing struct {
	Image     string // spec.image, verbatim
	Canonical string // such as "index.docker.io/library/alpine"

	Tags     []string // kept, each once, descending by bytes
	Excluded []string // dropped by the exclusionList, in the same order

	// Dropped are tags outside the OCI grammar, quoted and escaped so that they
	// can be shown: the first hundred of DroppedCount.
	Dropped      []string
	DroppedCount int

	ScannedAt time.Time // when the registry answered
}

// Scanner asks registries and remembers the answers for as long as it lives. It
// is safe for concurrent use.
type Scanner struct {
	registry *registry.Registry
	now      func() time.Time
	listings memo[answer]
	splits   memo[split]
	digests  memo[string]
	contents memo[registry.Content]
}

// answer is what a registry said about an image, to all objects alike.
type answer struct {
	registry.Listing
	at time.Time
}

// New returns a Scanner that remembers nothing yet.
func New(r *registry.Registry, now func() time.Time) *Scanner {
	return &Scanner{registry: r, now: now}
}

// Scan lists the tags of an ImageRepository without those that its
// exclusionList drops. Errors name the image. Those that wrap
// registry.ErrNotFound, registry.ErrEmpty or ErrAllExcluded say that no tag can
// be had; no error comes with a Listing.
func (s *Scanner) Scan(ctx context.Context, object *config.Repository) (*Listing, error) {
	image, err := s.open(object)
	if err != nil {
		return nil, err
	}
	q := question{key: image.Key(), what: "list tags of " + image.Name(), timeout: image.Timeout()}
	found, err := s.listings.get(ctx, q, func(ctx context.Context) (answer, error) {
		listing, err := image.Tags(ctx)
		return answer{listing, s.now()}, err
	})
	if err != nil {
		return nil, err
	}
	listing := &Listing{
		Image:        object.Image,
		Canonical:    image.Name(),
		Dropped:      found.Dropped,
		DroppedCount: found.DroppedCount,
		ScannedAt:    found.at,
	}
	q.key += fmt.Sprintf(" %q", object.Exclude)
	parts, err := s.splits.get(ctx, q, func(context.Context) (split, error) {
		return exclude(found.Tags, object.Exclude), nil
	})
	if err != nil {
		return nil, err
	}
	listing.Tags, listing.Excluded = parts.kept, parts.excluded
	if len(listing.Tags) == 0 {
		return nil, fmt.Errorf("list tags of %s: the exclusionList of ImageRepository %s drops all of its %d tags: %w",
			image.Name(), object.Name, len(found.Tags), ErrAllExcluded)
	}
	return listing, nil
}

// Digest returns the digest that a tag of the ImageRepository stands for now,
// asked once a cycle. The error wraps registry.ErrNotFound when there is no such
// tag.
func (s *Scanner) Digest(ctx context.Context, object *config.Repository, tag string) (string, error) {
	image, err := s.open(object)
	if err != nil {
		return "", err
	}
	q := question{key: image.Key() + " " + tag, what: fmt.Sprintf("get digest of %s:%s", image.Name(), tag), timeout: image.Timeout()}
	return s.digests.get(ctx, q, func(ctx context.Context) (string, error) {
		return image.Digest(ctx, tag)
	})
}

// Content returns what the content under a digest says of itself, asked once a
// cycle. Its slice is shared: callers don't write to it. The error wraps
// registry.ErrNotFound when the registry hasn't it.
func (s *Scanner) Content(ctx context.Context, object *config.Repository, digest string) (registry.Content, error) {
	image, err := s.open(object)
	if err != nil {
		return registry.Content{}, err
	}
	q := question{key: image.Key() + " " + digest, what: fmt.Sprintf("read content of %s@%s", image.Name(), digest), timeout: image.Timeout()}
	return s.contents.get(ctx, q, func(ctx context.Context) (registry.Content, error) {
		return image.Content(ctx, digest)
	})
}

// open returns the object's image with the object's access.
func (s *Scanner) open(object *config.Repository) (*registry.Repository, error) {
	if object.Err != nil {
		return nil, object.Err
	}
	from := object.Access
	access := registry.Access{
		DockerConfigs: from.DockerConfigs,
		CA:            from.TLS.CA,
		Cert:          from.TLS.Cert,
		Key:           from.TLS.Key,
		Insecure:      from.Insecure,
		Timeout:       object.Timeout,
	}
	if p := from.Proxy; p != nil {
		access.Proxy = &registry.Proxy{Address: p.Address, Username: p.Username, Password: p.Password}
	}
	return s.registry.Repository(object.Image, access)
}

// split is an image's tags by whether an exclusionList drops them.
type split struct{ kept, excluded []string }

// exclude splits the tags, in their order, by whether one of the patterns finds
// a match in them.
func exclude(tags []string, patterns []*regexp.Regexp) split {
	s := split{kept: make([]string, 0, len(tags))}
	for _, tag := range tags {
		if matchesAny(tag, patterns) {
			s.excluded = append(s.excluded, tag)
		} else {
			s.kept = append(s.kept, tag)
		}
	}
	return s
}

func matchesAny(tag string, patterns []*regexp.Regexp) bool {
	for _, pattern := range patterns {
		if pattern.MatchString(tag) {
			return true
		}
	}
	return false
}
