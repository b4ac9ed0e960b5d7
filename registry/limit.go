package registry

import "sync"

// growAfter is the number of answers, per request that may be in flight, after
// which a limit grows by one. From 8 back to 16 takes 736 answers, so a
// registry that counts requests isn't overrun again at once.
const growAfter = 8

// limit bounds the requests in flight to a host. It starts at the maximum, is
// halved when the host answers 429, and grows back slowly. It is safe for
// concurrent use.
type limit struct {
	slots chan struct{} // one for each request in flight, and one for each withheld slot

	mu       sync.Mutex
	now      int // the current bound
	withheld int // slots taken out of use; at most as many as lie above now
	era      int // number of halvings
	answers  int // since the last halving or growth
}

func newLimit(most int) *limit {
	return &limit{slots: make(chan struct{}, most), now: most}
}

// slot is the right to have one request in flight.
type slot struct {
	limit *limit
	era   int
}

// taken returns the slot that the caller just put into slots.
func (l *limit) taken() slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slot{l, l.era}
}

// leave gives the slot back, or withholds it if there are too many.
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

// refused notes a 429. Requests that are in flight together are often refused
// together; they halve the limit once.
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
			return // leave withholds the rest
		}
	}
}

// answered notes any other answer.
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

// most returns the current bound.
func (l *limit) most() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// free returns the number of requests that may begin now.
func (l *limit) free() int { return cap(l.slots) - len(l.slots) }
