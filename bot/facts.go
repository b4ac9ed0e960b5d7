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

// facts answers what is asked about the tags of one image, from the ledger and the
// registry. What was answered once in a cycle is answered alike.
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
	learnt  *learnt // of the image
}

// learnt is what was answered in a cycle about one image. All policies of the image
// share it, so that an answer is kept once. It is safe for concurrent use.
type learnt struct {
	mu       sync.Mutex
	sights   map[string]gate.Sight   // by tag
	contents map[string]gate.Content // by digest
}

// sight returns what the ledger answered about a tag.
func (l *learnt) sight(tag string) (sight gate.Sight, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sight, known = l.sights[tag]
	return sight, known
}

// see keeps what the ledger answers about a tag, unless it has answered before.
func (l *learnt) see(tag string, sight store.Sight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.sights[tag]; !known {
		l.sights[tag] = gate.Sight{Since: sight.Since(), Digest: sight.Digest, Read: sight.DigestRead, Previous: sight.Previous}
	}
}

// content returns what was learnt about a digest.
func (l *learnt) content(digest string) (content gate.Content, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	content, known = l.contents[digest]
	return content, known
}

// addSights adds what was answered about tags to other answers.
func (l *learnt) addSights(to map[string]gate.Answer[gate.Sight]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for tag, sight := range l.sights {
		if _, there := to[tag]; !there {
			to[tag] = gate.Answer[gate.Sight]{Value: sight}
		}
	}
}

func (l *learnt) learn(digest string, content gate.Content) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.contents[digest] = content
}

// learntOf returns what was learnt about an image, by its canonical name.
func (s *selector) learntOf(image string) *learnt {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.learnt[image]
	if !ok {
		found = &learnt{sights: map[string]gate.Sight{}, contents: map[string]gate.Content{}}
		s.learnt[image] = found
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

// sight returns what the ledger knows about a tag: the zero Sight where nothing is
// known. It asks no registry.
func (f *facts) sight(ctx context.Context, tag string) (gate.Sight, error) {
	answer := f.sightsOf(ctx, []string{tag})[tag]
	return answer.Value, answer.Err
}

// sightsOf is sight for several tags, with one question to the ledger.
func (f *facts) sightsOf(ctx context.Context, tags []string) map[string]gate.Answer[gate.Sight] {
	answers := map[string]gate.Answer[gate.Sight]{}
	var unknown []store.Tag
	for _, tag := range tags {
		if sight, known := f.learnt.sight(tag); known {
			answers[tag] = gate.Answer[gate.Sight]{Value: sight}
			continue
		}
		unknown = append(unknown, f.key(tag))
	}
	if len(unknown) == 0 {
		return answers
	}
	found, err := map[store.Tag]store.Sight{}, errForgotten
	if !f.failing.was.Load() {
		if found, err = f.ledger.Seen(ctx, unknown); err != nil {
			f.failing.failed(err)
		}
	}
	for _, key := range unknown {
		if err != nil {
			answers[key.Tag] = gate.Answer[gate.Sight]{Err: err}
			continue
		}
		f.learnt.see(key.Tag, found[key])
		sight, _ := f.learnt.sight(key.Tag)
		answers[key.Tag] = gate.Answer[gate.Sight]{Value: sight}
	}
	return answers
}

// digest returns the digest that the registry shows for a tag, and tells the ledger
// that it was seen: a moved tag's age counts from then.
func (f *facts) digest(ctx context.Context, tag string) (string, error) {
	digest, err := f.scanner.Digest(ctx, f.repo, tag)
	if err != nil || f.failing.was.Load() {
		return digest, err
	}
	sights, err := f.ledger.See(ctx, f.now, []store.Observation{{Tag: f.key(tag), Digest: digest}})
	if err != nil {
		f.failing.failed(err)
	}
	if sight, seen := sights[f.key(tag)]; seen {
		f.learnt.see(tag, sight)
	}
	return digest, nil
}

// content returns what the content under a digest says of itself. It never changes,
// so the ledger keeps it.
func (f *facts) content(ctx context.Context, digest string) (gate.Content, error) {
	if content, known := f.learnt.content(digest); known {
		return content, nil
	}
	if !f.failing.was.Load() {
		kept, err := f.ledger.Facts(ctx, []string{digest})
		if err != nil {
			f.failing.failed(err)
		}
		if fact, known := kept[digest]; known {
			f.learnt.learn(digest, gate.Content(fact))
			return gate.Content(fact), nil
		}
	}
	asked, err := f.scanner.Content(ctx, f.repo, digest)
	content := gate.Content{Created: asked.Created, Platforms: asked.Platforms}
	if err != nil {
		return content, err
	}
	f.learnt.learn(digest, content)
	if f.failing.was.Load() {
		return content, nil
	}
	if err := f.ledger.PutFacts(ctx, f.now, map[string]store.Fact{digest: store.Fact(content)}); err != nil {
		f.failing.failed(err)
	}
	return content, nil
}

func (f *facts) key(tag string) store.Tag { return store.Tag{Image: f.image, Tag: tag} }
