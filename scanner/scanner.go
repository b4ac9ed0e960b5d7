// Package scanner reads from registries which tags and digests exist and what
// they contain, each once a cycle.
//
// A Scanner is the memory of one cycle. However many policies name an
// ImageRepository, and however many ImageRepositories name an image with the
// same access, its tags are listed once; each object's exclusionList applies
// afterwards. Failures are remembered as well, so all decisions of a cycle rest
// on one view of the registry.
//
// Memory beyond a cycle belongs to the registry.Registry. A Scanner of
// NewReusing uses the last listing of an image until the object's interval has
// passed.
package scanner

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/charts"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/taglist"
)

// ErrAllExcluded is wrapped by the error for an image whose tags are all
// reserved names or dropped by the object's exclusionList.
var ErrAllExcluded = errors.New("every tag is excluded")

// Listing is the tags of an ImageRepository. Its slices are shared; callers
// must not write to them.
type Listing struct {
	Image     string // spec.image, verbatim
	Canonical string // such as "index.docker.io/library/alpine"

	Tags     []string // neither excluded nor reserved, without duplicates, descending by bytes
	Excluded []string // dropped by the exclusionList, in the same order
	Reserved []string // names that are never candidates (pinsetter.ReservedTag), in the same order

	// Deprecated are the versions of a ChartRepository that the index marks as
	// deprecated. They are no candidates. They are in descending order, as Tags
	// are.
	Deprecated []string

	// Dropped are the first hundred tags outside the OCI grammar, quoted and
	// escaped for display. DroppedCount is the number of all of them.
	Dropped      []string
	DroppedCount int

	ScannedAt time.Time // time of the registry's answer

	// Hash is the SHA-256, in hex, of all tags that the registry listed:
	// ascending, with newlines between them. KeptHash is that of Tags.
	Hash, KeptHash string

	// Unchanged says that the registry gave the same answer as last time, to
	// whichever caller, if the registry.Registry remembers that. To learn
	// whether results from an earlier Listing still hold, compare Hash.
	Unchanged bool
}

// Scanner asks registries and remembers the answers for its lifetime. It is
// safe for concurrent use.
type Scanner struct {
	// Asked is called after each request for a tag list, whichever object it
	// was for. It isn't called for remembered lists. Set it before use. Nil:
	// nobody is told.
	Asked func(object *fleet.Repository, took time.Duration, err error)

	// Asks is called before each request to a registry, with a description for
	// people. It returns a function that is called once the answer is there.
	// Set it before use. Nil: nobody is told.
	Asks func(object *fleet.Repository, what string) (answered func())

	// Charts reads the indexes of ChartRepositories. Set it before use; nil: they
	// can't be read.
	Charts *charts.Client

	registry *registry.Registry
	now      func() time.Time
	opened   time.Time // when the cycle began
	began    time.Time // zero: listings are never reused
	room     *taglist.Room
	listings memo[answer]
	digests  memo[string]
	has      memo[bool]
	contents memo[registry.Content]

	mu     sync.Mutex
	images map[*fleet.Repository]*image
	splits map[string]func() split // by access, exclusionList and hash of the listed tags
}

// answer is a registry's answer about an image, before any object's rules.
type answer struct {
	taglist.Listing
	hash string
	at   time.Time
}

// New returns an empty Scanner. Its tag lists take at most 45 % of Go's memory
// limit (GOMEMLIMIT). The rest is for what is computed from them, and for the
// collector.
func New(r *registry.Registry, now func() time.Time) *Scanner {
	room := taglist.NewRoom(debug.SetMemoryLimit(-1) / 100 * 45) // which changes nothing
	return &Scanner{registry: r, now: now, opened: time.Now(), room: room, images: map[*fleet.Repository]*image{}, splits: map[string]func() split{}}
}

// NewReusing returns a Scanner that reuses an image's last listing while it is
// younger than nine tenths of the object's interval, if the registry remembers
// it (registry.Options.Keep). The last tenth allows for the duration of a
// cycle, so that cycles one interval apart always ask. Expire makes the next
// cycle ask.
func NewReusing(r *registry.Registry, now func() time.Time) *Scanner {
	s := New(r, now)
	s.began = now()
	return s
}

// Spare reports whether there is memory for n bytes that are computed from tag
// lists, beside the lists themselves. It reserves them until the cycle ends.
func (s *Scanner) Spare(n int64) bool { return s.room.Take(n) }

// Scan lists the tags of an ImageRepository, without reserved names and tags
// that its exclusionList drops. Errors name the image. They wrap
// registry.ErrNotFound, registry.ErrEmpty or ErrAllExcluded if there is no tag.
// With an error the Listing is nil.
func (s *Scanner) Scan(ctx context.Context, object *fleet.Repository) (*Listing, error) {
	return s.ScanAfter(ctx, object, time.Time{})
}

// ScanAfter does what Scan does, but asks again if the listing is older than
// earliest.
func (s *Scanner) ScanAfter(ctx context.Context, object *fleet.Repository, earliest time.Time) (*Listing, error) {
	if object.Index != nil {
		return s.versions(ctx, object, earliest)
	}
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
			listing, err := image.TagsIn(ctx, s.room)
			if s.Asked != nil {
				s.Asked(object, time.Since(began), err)
			}
			return answer{listing, hashOf(listing.Tags), s.now()}, err
		})
	}
	if err != nil {
		return nil, err
	}
	parts := s.split(image.exclude+found.hash, found, object.Exclude)
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

// Expire makes the next Scanner list the object's image, however young the last
// listing is. Call it if something is known to have been pushed.
func (s *Scanner) Expire(object *fleet.Repository) error {
	if object.Index != nil {
		return nil // each cycle asks whether the index changed
	}
	image, err := s.open(object)
	if err != nil {
		return err
	}
	image.Forget()
	return nil
}

// Digest returns the current digest of a tag of the ImageRepository. It asks
// once a cycle. The error wraps registry.ErrNotFound if there is no such tag.
func (s *Scanner) Digest(ctx context.Context, object *fleet.Repository, tag string) (string, error) {
	if object.Index != nil {
		return s.archive(ctx, object, tag)
	}
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

// Has reports whether the registry has the content of a digest. It asks once a
// cycle.
func (s *Scanner) Has(ctx context.Context, object *fleet.Repository, digest string) (bool, error) {
	if object.Index != nil {
		return s.hasArchive(ctx, object, digest)
	}
	image, err := s.open(object)
	if err != nil {
		return false, err
	}
	q := question{key: image.key + " " + digest, what: fmt.Sprintf("ask for %s@%s", image.Name(), digest), timeout: image.Timeout()}
	return s.has.get(ctx, q, func(ctx context.Context) (bool, error) {
		defer s.asks(object, q.what)()
		return image.Has(ctx, digest)
	})
}

// Content returns what the content under a digest says about itself. It asks
// once a cycle. Its slices are shared; callers must not write to them. The
// error wraps registry.ErrNotFound if the registry doesn't have it.
func (s *Scanner) Content(ctx context.Context, object *fleet.Repository, digest string) (registry.Content, error) {
	if object.Index != nil {
		return registry.Content{}, nil // the dates of an index are those of its making
	}
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

// Open returns access to an ImageRepository's image, for requests that a
// Scanner doesn't make.
func (s *Scanner) Open(object *fleet.Repository) (*registry.Repository, error) {
	image, err := s.open(object)
	if err != nil {
		return nil, err
	}
	return image.Repository, nil
}

// OpenToWrite returns access for pushing to an object's image. What the image of
// source holds is mounted from there instead of sent, if both are at one registry and
// have the same access. Each call returns a new one.
func (s *Scanner) OpenToWrite(object, source *fleet.Repository) (*registry.Repository, error) {
	if object.Err != nil {
		return nil, object.Err
	}
	to := access(object)
	to.Write = true
	if from, beside := besides(object, source); beside {
		to.MountFrom = []string{from}
	}
	return s.registry.Repository(object.Image, to)
}

// besides returns the path of another repository at the registry of an object, and
// false if it is elsewhere, or isn't read with the same access: a token for both would
// be asked of a login that may have no right to one of them.
func besides(object, other *fleet.Repository) (string, bool) {
	host, name, found := strings.Cut(object.Image, "/")
	at, path, _ := strings.Cut(other.Image, "/")
	return path, found && host == at && name != path && reflect.DeepEqual(object.Access, other.Access)
}

// Waits tells Asks of a request that the caller makes. It returns the function
// that reports the answer.
func (s *Scanner) Waits(object *fleet.Repository, what string) (answered func()) {
	return s.asks(object, what)
}

// asks tells Asks of a request. It returns the function that reports the
// answer.
func (s *Scanner) asks(object *fleet.Repository, what string) (answered func()) {
	if s.Asks == nil {
		return func() {}
	}
	return s.Asks(object, what)
}
