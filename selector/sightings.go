package selector

import (
	"context"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/store"
)

// sightings are the digests that a cycle saw at registries and that the ledger
// wasn't told of yet. It is told of many at once: before anything is pushed, before
// it is asked what it knows of digests, and when the cycle ends. Who is killed
// before that loses what they were seen first in this cycle, which only costs time.
// It is safe for concurrent use.
type sightings struct {
	ledger  *store.Ledger
	failing *Failing
	now     time.Time

	mu   sync.Mutex
	seen []store.Observation
}

// add adds observations. The ledger is told of them at the latest when there are
// seenAtOnce.
func (s *sightings) add(ctx context.Context, seen []store.Observation) {
	s.mu.Lock()
	s.seen = append(s.seen, seen...)
	full := len(s.seen) >= seenAtOnce
	s.mu.Unlock()
	if full {
		s.tell(ctx)
	}
}

// tell tells the ledger of what was added, in one transaction, also if ctx has ended:
// a registry was asked for it.
func (s *sightings) tell(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	if len(seen) == 0 || s.failing.Now() {
		return
	}
	if _, err := s.ledger.Sights().See(context.WithoutCancel(ctx), s.now, seen); err != nil {
		s.failing.Failed(err)
	}
}
