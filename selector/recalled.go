package selector

import (
	"context"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

// recall asks the ledger what it knows of the tag lists of many policies' images, in
// one question instead of one for each. It passes over policies that this cycle
// selects for already.
func (s *Selector) recall(ctx context.Context, policies []*fleet.Policy) {
	if s.Failing.Now() || len(policies) < 2 {
		return
	}
	var keys []string
	once := map[*fleet.Repository]bool{}
	for _, p := range policies {
		if usable(p) != nil || once[p.Repository] || s.decidedOn(p) {
			continue
		}
		once[p.Repository] = true
		if image, err := s.Scanner.Open(p.Repository); err == nil { // else listing its tags says why
			keys = append(keys, listKey(image.Name(), p.Repository), image.Name())
		}
	}
	for some := range slices.Chunk(keys, seenAtOnce) {
		known, err := s.Ledger.Listings().Of(ctx, some)
		if err != nil {
			s.Failing.Failed(err)
			return
		}
		s.recalled.add(some, known)
	}
}

// recalled are answers of the ledger that nobody has taken yet. It is safe for
// concurrent use, and the zero value is ready for it.
type recalled struct {
	mu    sync.Mutex
	known map[string]*store.Listing // by the key that was asked for; nil: the ledger has none
}

// add keeps the answer to a question for keys.
func (r *recalled) add(keys []string, known map[string]store.Listing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = make(map[string]*store.Listing, len(keys))
	}
	for _, key := range keys {
		r.known[key] = nil
		if listing, ok := known[key]; ok {
			r.known[key] = &listing
		}
	}
}

// take returns the answers for keys as [store.Listings.Of] does, and forgets them.
// It returns false if one of the keys wasn't asked for, or was taken before.
func (r *recalled) take(keys ...string) (known map[string]store.Listing, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range keys {
		if _, ok := r.known[key]; !ok {
			return nil, false
		}
	}
	known = make(map[string]store.Listing, len(keys))
	for _, key := range keys {
		if listing := r.known[key]; listing != nil {
			known[key] = *listing
		}
		delete(r.known, key)
	}
	return known, true
}
