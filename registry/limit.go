package registry

import "sync"

// growAfter is how many answers for each request that may be in flight a limit
// grows by one: from half of 16 back to 16 it takes 736 of them, so that a
// registry that counts isn't asked for too much again at once.
const growAfter = 8

// limit is how many requests to a host may be in flight. It begins with the
// most, is halved when the host answers 429, and grows back slowly. It is safe
// for concurrent use.
type limit struct {
	slots chan struct{} // one for each request in flight, and those withheld

	mu       sync.Mutex
	now      int // requests that may be in flight
	withheld int // slots that no request has; no more than are above now
	era      int // how often it was halved
	answers  int // since it was halved or grew
}

func newLimit(most int) *limit {
	return &limit{slots: make(chan struct{}, most), now: most}
}

// slot is the right to have one request in flight.
type slot struct {
	limit *limit
	era   int
}

// taken returns the slot that was just put into slots.
func (l *limit) taken() slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slot{l, l.era}
}

// leave gives the slot back, or withholds it where there are too many.
func (s slot) leave() {
	l := s.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.withheld < cap(l.slots)-l.now {
		l.withheld++
		return
	}
	<-l.slots
}

// refused notes that the host answered 429. What was in flight together is often
// refused together: that halves the limit once.
func (s slot) refused() {
	l := s.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = 0
	if s.era != l.era {
		return
	}
	l.era++
	l.now = max(l.now/2, 1)
	for l.withheld < cap(l.slots)-l.now {
		select {
		case l.slots <- struct{}{}:
			l.withheld++
		default:
			return // the rest is withheld when it is given back
		}
	}
}

// answered notes an answer of another kind.
func (s slot) answered() {
	l := s.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == cap(l.slots) {
		return
	}
	if l.answers++; l.answers < growAfter*l.now {
		return
	}
	l.answers = 0
	l.now++
	if l.withheld > cap(l.slots)-l.now {
		l.withheld--
		<-l.slots
	}
}

// most returns how many requests may be in flight.
func (l *limit) most() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// free returns how many more requests may begin now.
func (l *limit) free() int { return cap(l.slots) - len(l.slots) }
