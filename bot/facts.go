package bot

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/store"
)

// facts is what the ledger and the registry know about the tags of one image:
// package gate asks it. What was answered once in a cycle is answered alike.
//
// A ledger that fails is asked no more in the cycle: what only it knows is an
// error, so that a gate which needs it refuses, and everything else goes on.
type facts struct {
	ledger  *store.Ledger
	failing *failing // shared by the cycle
	scanner *scanner.Scanner
	repo    *fleet.Repository
	image   string // canonical
	now     time.Time
	sights  *sights // of the image
}

// sights is what the ledger answered in a cycle about the tags of one image. All
// policies of the image share it, so that an answer is kept once. It is safe for
// concurrent use.
type sights struct {
	mu    sync.Mutex
	byTag map[string]store.Sight
}

func (s *sights) get(tag string) (sight store.Sight, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sight, known = s.byTag[tag]
	return sight, known
}

func (s *sights) put(tag string, sight store.Sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byTag[tag] = sight
}

// sightsOf returns the sights of an image, by its canonical name.
func (s *selector) sightsOf(image string) *sights {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.sights[image]
	if !ok {
		found = &sights{byTag: map[string]store.Sight{}}
		s.sights[image] = found
	}
	return found
}

// failing says whether the ledger has failed in this cycle.
type failing struct {
	log *slog.Logger
	was atomic.Bool
}

var errForgotten = errors.New("the state can't be read; see --state")

// failed notes an error of the ledger, and says it once.
func (f *failing) failed(err error) {
	if f.was.CompareAndSwap(false, true) && !errors.Is(err, context.Canceled) {
		f.log.Warn("the state fails; this run goes on without it", "error", err)
	}
}

// Seen implements gate.Facts.
func (f *facts) Seen(ctx context.Context, tag string) (gate.Sight, error) {
	sight, known := f.sights.get(tag)
	if !known {
		if f.failing.was.Load() {
			return gate.Sight{}, errForgotten
		}
		found, err := f.ledger.Seen(ctx, []store.Tag{f.key(tag)})
		if err != nil {
			f.failing.failed(err)
			return gate.Sight{}, err
		}
		sight = found[f.key(tag)]
		f.sights.put(tag, sight)
	}
	return gate.Sight{Since: sight.Since(), Digest: sight.Digest, Read: sight.DigestRead, Previous: sight.Previous}, nil
}

// Digest implements gate.Facts.
func (f *facts) Digest(ctx context.Context, tag string) (string, error) {
	digest, err := f.scanner.Digest(ctx, f.repo, tag)
	if err != nil || f.failing.was.Load() {
		return digest, err
	}
	sights, err := f.ledger.See(ctx, f.now, []store.Observation{{Tag: f.key(tag), Digest: digest}})
	if err != nil {
		f.failing.failed(err)
	}
	if sight, seen := sights[f.key(tag)]; seen {
		f.sights.put(tag, sight)
	}
	return digest, nil
}

// Content implements gate.Facts.
func (f *facts) Content(ctx context.Context, _, digest string) (gate.Content, error) {
	if !f.failing.was.Load() {
		learnt, err := f.ledger.Facts(ctx, []string{digest})
		if err != nil {
			f.failing.failed(err)
		}
		if fact, known := learnt[digest]; known {
			return gate.Content(fact), nil
		}
	}
	content, err := f.scanner.Content(ctx, f.repo, digest)
	if err != nil || f.failing.was.Load() {
		return gate.Content{Created: content.Created, Platforms: content.Platforms}, err
	}
	if err := f.ledger.PutFacts(ctx, f.now, map[string]store.Fact{digest: {Created: content.Created, Platforms: content.Platforms}}); err != nil {
		f.failing.failed(err)
	}
	return gate.Content{Created: content.Created, Platforms: content.Platforms}, nil
}

func (f *facts) key(tag string) store.Tag { return store.Tag{Image: f.image, Tag: tag} }
