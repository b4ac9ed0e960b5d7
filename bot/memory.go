package bot

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/store"
)

// recall asks the ledger what was written at the sites of a plan, and tells it
// what the base shows there now where it doesn't know. A ledger that fails is said, and the plan goes
// on as one that nobody remembers anything of.
func (s *selector) recall(ctx context.Context, p *plan.Plan) {
	if s.failing.was.Load() {
		return
	}
	g := p.Ground
	written, err := s.ledger.Written(ctx, g.Repository, g.Base)
	if err == nil {
		g.Written = written
		err = s.ledger.Show(ctx, s.now, g.Outdated(p, s.now))
	}
	if err != nil {
		s.failing.failed(err)
	}
}

// sightsAtOnce bounds the tags of one policy that are newly remembered in a run.
const sightsAtOnce = 1000

// seenAtOnce bounds the tags of one question to the ledger, since what it knows of
// them is held several times until it has answered.
const seenAtOnce = 10_000

// sight tells the ledger of the candidates that rank above what the plan's sites
// show: their age counts from the first time.
func (s *selector) sight(ctx context.Context, p *plan.Plan) {
	if !s.ledger.Remembers() || s.failing.was.Load() {
		return
	}
	var seen []store.Observation
	once := map[store.Tag]bool{}
	for _, file := range p.Marked {
		for _, site := range file.Sites {
			sel := s.of(p.Policies[site.Policy])
			if sel == nil || sel.Err != nil {
				continue
			}
			for _, tag := range sel.above(site) {
				if !once[tag] {
					once[tag] = true
					seen = append(seen, store.Observation{Tag: tag})
				}
			}
		}
	}
	for some := range slices.Chunk(seen, seenAtOnce) {
		sights, err := s.ledger.See(ctx, s.now, some)
		if err != nil {
			s.failing.failed(err)
			return
		}
		for tag, sight := range sights {
			s.learntOf(tag.Image).see(tag.Tag, sight)
		}
	}
}

// above returns the candidates that rank above some tag that site shows, and
// that tag where it is listed: sightsAtOnce at most.
func (s *selection) above(site pinsetter.Site) []store.Tag {
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
func (s *selector) believe(ctx context.Context, repo *fleet.Repository, listing *scanner.Listing) *gate.Refusal {
	l := newLists(repo, listing, s.now)
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

func (s *selector) judge(ctx context.Context, l lists) *gate.Refusal {
	if s.failing.was.Load() {
		return nil
	}
	known, err := s.ledger.Listings(ctx, []string{l.own, l.image})
	if err != nil {
		s.failing.failed(err)
		return nil
	}
	after, refusal := l.judge(known)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.listings, after)
	return refusal
}

// keepListings tells the ledger of the lists that the cycle saw, in one go.
func (s *selector) keepListings(ctx context.Context) error {
	s.mu.Lock()
	listings := maps.Clone(s.listings)
	s.mu.Unlock()
	return s.ledger.PutListings(ctx, s.now, listings)
}
