package selector

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/store"
)

// sightsAtOnce bounds the tags of one policy that are newly remembered in a run.
const sightsAtOnce = 1000

// seenAtOnce bounds the tags of one question to the ledger, since what it knows of
// them is held several times until it has answered.
const seenAtOnce = 10_000

// See records tags in the ledger: their age counts from the first time.
func (s *Selector) See(ctx context.Context, tags []store.Tag) {
	for some := range slices.Chunk(tags, seenAtOnce) {
		seen := make([]store.Observation, len(some))
		for i, tag := range some {
			seen[i].Tag = tag
		}
		sights, err := s.Ledger.Sights().See(ctx, s.Now, seen)
		if err != nil {
			s.Failing.Failed(err)
			return
		}
		for tag, sight := range sights {
			s.learntOf(tag.Image).see(tag.Tag, sight)
		}
	}
}

// TagsAbove returns the candidates that rank above some tag that the site shows, best
// first, and that tag itself if it is listed: 1000 at most.
func (s *Selection) TagsAbove(site pinsetter.Site) []store.Tag {
	var above []store.Tag
	for candidate := range s.Ranking.All() {
		reached := true
		for _, written := range site.Written {
			if written.Tag != candidate.Tag && !s.Accepts(written.Tag) || s.Above(candidate.Tag, written.Tag) {
				reached = false
			}
		}
		above = append(above, s.facts.key(candidate.Tag))
		if reached || len(above) == sightsAtOnce {
			break
		}
	}
	return above
}

// believe judges an ImageRepository's list of tags by the last one that was
// believed, once for all policies of it. The refusal, if any, holds all of them.
func (s *Selector) believe(ctx context.Context, repo *fleet.Repository, listing *scanner.Listing) *gate.Refusal {
	l := newLists(repo, listing, s.Now)
	s.mu.Lock()
	key := l.own + " " + listing.Hash
	once, ok := s.refusals[key]
	if !ok {
		once = sync.OnceValue(func() *gate.Refusal { return s.judge(ctx, l) })
		s.refusals[key] = once
	}
	s.mu.Unlock()
	return once()
}

func (s *Selector) judge(ctx context.Context, l lists) *gate.Refusal {
	if s.Failing.Now() {
		return nil
	}
	known, ok := s.recalled.take(l.own, l.image)
	if !ok {
		var err error
		if known, err = s.Ledger.Listings().Of(ctx, []string{l.own, l.image}); err != nil {
			s.Failing.Failed(err)
			return nil
		}
	}
	after, refusal := l.judge(known)
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, listing := range after {
		if listing.Outdated(s.Now) {
			s.listings[key] = listing
		} else {
			delete(s.listings, key)
		}
	}
	return refusal
}

// KeepListings records the lists of tags that the cycle saw in the ledger, in one
// transaction.
func (s *Selector) KeepListings(ctx context.Context) error {
	s.mu.Lock()
	listings := maps.Clone(s.listings)
	s.mu.Unlock()
	return s.Ledger.Listings().Put(ctx, s.Now, listings)
}
