package selector

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/store"
	"github.com/pinsetter/pinsetter/verify"
)

// facts answers questions about the tags of one image, from the ledger and the
// registry. The same question has the same answer for the whole cycle.
//
// A ledger that fails is not asked again in the cycle. Questions that only it can
// answer are errors, so that a gate which needs them refuses. Everything else goes on.
type facts struct {
	roots   *verify.Roots
	ledger  *store.Ledger
	failing *Failing // shared by the cycle
	scanner *scanner.Scanner
	repo    *fleet.Repository
	image   string // canonical
	now     time.Time
	learnt  *learnt                 // of the image
	trusts  map[string]*fleet.Trust // by their identity

	sightings *sightings    // shared by the cycle
	turns     chan struct{} // shared by all who ask the host for digests
}

// learnt holds the answers of a cycle about one image. All policies of the image
// share it. It is safe for concurrent use.
type learnt struct {
	mu     sync.Mutex
	sights map[string]gate.Sight // by tag
	facts  map[string]store.Fact // by digest

	signatures map[gate.Signed]verdict
}

// unseen returns those tags about which the ledger didn't answer.
func (l *learnt) unseen(tags []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		_, known := l.sights[tag]
		return known
	})
}

// addTo adds the answers of the ledger to answers: that about one tag, or, if tags
// are several, those about all tags.
func (l *learnt) addTo(answers map[string]gate.Answer[gate.Sight], tags []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(tags) > 1 {
		tags = slices.Collect(maps.Keys(l.sights))
	}
	for _, tag := range tags {
		_, there := answers[tag]
		if sight, known := l.sights[tag]; known && !there {
			answers[tag] = gate.Answer[gate.Sight]{Value: sight}
		}
	}
}

// see keeps what the ledger answers about a tag, unless it has answered before.
func (l *learnt) see(tag string, sight store.Sight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.sights[tag]; !known {
		l.sights[tag] = gate.Sight{Since: sight.Since(), Digest: sight.Digest, Read: sight.DigestRead, Previous: sight.Previous}
	}
}

// fact returns what was learnt about the content under a digest.
func (l *learnt) fact(digest string) (fact store.Fact, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fact, known = l.facts[digest]
	return fact, known
}

func (l *learnt) learn(digest string, fact store.Fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts[digest] = fact
}

// learntOf returns what was learnt about an image, by its canonical name.
func (s *Selector) learntOf(image string) *learnt {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.learnt[image]
	if !ok {
		found = &learnt{
			sights: map[string]gate.Sight{}, facts: map[string]store.Fact{}, signatures: map[gate.Signed]verdict{},
		}
		s.learnt[image] = found
	}
	return found
}

// Failing records whether the ledger has failed in this cycle. It is safe for
// concurrent use.
type Failing struct {
	log *slog.Logger
	was atomic.Bool
}

var errForgotten = errors.New("the state can't be read; see --state")

// Now reports whether it has failed.
func (f *Failing) Now() bool { return f.was.Load() }

// Failed records an error of the ledger. The log has the first one.
func (f *Failing) Failed(err error) {
	if f.was.CompareAndSwap(false, true) && !errors.Is(err, context.Canceled) {
		f.log.Warn("the state fails; this run goes on without it", "error", err)
	}
}

// sight returns what the ledger knows about a tag: the zero Sight if nothing is
// known. It asks no registry.
func (f *facts) sight(ctx context.Context, tag string) (gate.Sight, error) {
	answers := map[string]gate.Answer[gate.Sight]{}
	f.addSights(ctx, answers, []string{tag})
	return answers[tag].Value, answers[tag].Err
}

// addSights adds to answers what the ledger knows about tags. It is asked once.
// If several are wanted, all its answers are added, since more will be wanted.
func (f *facts) addSights(ctx context.Context, answers map[string]gate.Answer[gate.Sight], tags []string) {
	if unknown := f.learnt.unseen(tags); len(unknown) > 0 {
		if err := f.see(ctx, unknown); err != nil {
			for _, tag := range unknown {
				answers[tag] = gate.Answer[gate.Sight]{Err: err}
			}
		}
	}
	f.learnt.addTo(answers, tags)
}

// see asks the ledger about tags.
func (f *facts) see(ctx context.Context, tags []string) error {
	if f.failing.Now() {
		return errForgotten
	}
	keys := make([]store.Tag, len(tags))
	for i, tag := range tags {
		keys[i] = f.key(tag)
	}
	found, err := f.ledger.Sights().Seen(ctx, keys)
	if err != nil {
		f.failing.Failed(err)
		return err
	}
	for _, key := range keys {
		f.learnt.see(key.Tag, found[key])
	}
	return nil
}

// digest returns the digest that the registry shows for a tag; see digests.
func (f *facts) digest(ctx context.Context, tag string) (string, error) {
	answer := f.digests(ctx, []string{tag})[tag]
	return answer.Value, answer.Err
}

// digests returns the digests that the registry shows for tags. The ledger is told
// that they were seen: a moved tag's age counts from then.
func (f *facts) digests(ctx context.Context, tags []string) map[string]gate.Answer[string] {
	shows := Each(tags, func(tag string) gate.Answer[string] {
		f.turns <- struct{}{}
		defer func() { <-f.turns }()
		digest, err := f.scanner.Digest(ctx, f.repo, tag)
		if errors.Is(err, registry.ErrNotFound) {
			err = &gate.AbsentError{Err: err}
		}
		return gate.Answer[string]{Value: digest, Err: err}
	})
	answers := map[string]gate.Answer[string]{}
	var seen []store.Observation
	for i, tag := range tags {
		answers[tag] = shows[i]
		if shows[i].Err == nil {
			seen = append(seen, store.Observation{Tag: f.key(tag), Digest: shows[i].Value})
		}
	}
	f.sightings.add(ctx, seen)
	return answers
}

// showings returns the digests that the ledger knows of a tag, the latest first.
func (f *facts) showings(ctx context.Context, tag string) ([]pinsetter.Showing, error) {
	found, err := f.showingsOf(ctx, []string{tag})
	return found[tag], err
}

// showingsOf returns the digests that the ledger knows of tags, the latest first.
func (f *facts) showingsOf(ctx context.Context, tags []string) (map[string][]pinsetter.Showing, error) {
	if f.failing.Now() {
		return nil, errForgotten
	}
	f.sightings.tell(ctx)
	keys := make([]store.Tag, len(tags))
	for i, tag := range tags {
		keys[i] = f.key(tag)
	}
	found, err := f.ledger.Sights().Showings(ctx, keys)
	if err != nil {
		f.failing.Failed(err)
		return nil, err
	}
	showings := make(map[string][]pinsetter.Showing, len(found))
	for key, all := range found {
		showings[key.Tag] = all
	}
	return showings, nil
}

// content returns what gates judge the content under a digest by.
func (f *facts) content(ctx context.Context, digest string) (gate.Content, error) {
	fact, err := f.fact(ctx, digest, func(known store.Fact) bool { return known.Builds != nil || known.Platforms == nil })
	return gate.Content{Created: fact.Created, Platforms: fact.Platforms, Builds: fact.Builds}, err
}

// fact returns what the content under a digest says of itself. It never changes, so
// the ledger keeps it; enough says whether what an earlier version kept is.
func (f *facts) fact(ctx context.Context, digest string, enough func(store.Fact) bool) (store.Fact, error) {
	if fact, known := f.learnt.fact(digest); known && enough(fact) {
		return fact, nil
	}
	if !f.failing.Now() {
		kept, err := f.ledger.Facts().Of(ctx, []string{digest})
		if err != nil {
			f.failing.Failed(err)
		}
		if fact, known := kept[digest]; known && enough(fact) {
			f.learnt.learn(digest, fact)
			return fact, nil
		}
	}
	asked, err := f.scanner.Content(ctx, f.repo, digest)
	if err != nil {
		return store.Fact{}, err
	}
	fact := store.Fact{
		Created: asked.Created, Platforms: asked.Platforms, Builds: asked.Builds,
		Sourced: true, Source: asked.Source, Revision: asked.Revision,
	}
	f.learnt.learn(digest, fact)
	if f.failing.Now() {
		return fact, nil
	}
	if err := f.ledger.Facts().Put(ctx, f.now, map[string]store.Fact{digest: fact}); err != nil {
		f.failing.Failed(err)
	}
	return fact, nil
}

func (f *facts) key(tag string) store.Tag { return store.Tag{Image: f.image, Tag: tag} }

// Sight returns what the ledger knows about a tag: the zero Sight if it knows
// nothing. It asks no registry.
func (s *Selection) Sight(ctx context.Context, tag string) (gate.Sight, error) {
	return s.facts.sight(ctx, tag)
}

// Showings returns the digests that the ledger knows of a tag, the latest first.
func (s *Selection) Showings(ctx context.Context, tag string) ([]pinsetter.Showing, error) {
	return s.facts.showings(ctx, tag)
}
