package bot

import (
	"sync"
	"time"
)

const (
	// repositoriesAtOnce bounds the repositories that are worked on in parallel:
	// each holds the files of one commit in memory.
	repositoriesAtOnce = 4

	// patience is how long a server may take to answer before others work in the
	// meantime. Most answer sooner.
	patience = 250 * time.Millisecond

	// waitingBytes bounds what the repositories hold that wait for a server without
	// a seat, all together. One of leastHeld or less counts as so much: 256 of them
	// may wait.
	waitingBytes = 256 << 20
	leastHeld    = 1 << 20
)

// Seats bounds what is in memory at once, and keeps a server that is slow from
// stopping more than who waits for it. Only who has a seat reads files. Who waits
// for a registry, a forge or a push gives the seat away, and takes one again before
// it goes on. So memory is bounded by the commits of so many repositories as there
// are seats, and waitingBytes. What doesn't fit into these waits on its seat.
type Seats struct {
	free  chan struct{} // one for each free seat
	freed func()        // told when one becomes free; nil: nobody

	mu      sync.Mutex
	waiting int64 // bytes that those hold who wait without a seat
}

// NewSeats returns as many seats as repositories may be worked on at once. Freed is
// called when one becomes free.
func NewSeats(freed func()) *Seats { return newSeats(repositoriesAtOnce, freed) }

func newSeats(n int, freed func()) *Seats {
	s := &Seats{free: make(chan struct{}, n), freed: freed}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// take returns a seat once one is free.
func (s *Seats) take() *Seat {
	<-s.free
	return &Seat{of: s, taken: true}
}

// TryTake returns a seat, or nil if none is free.
func (s *Seats) TryTake() *Seat {
	select {
	case <-s.free:
		return &Seat{of: s, taken: true}
	default:
		return nil
	}
}

// reserve notes that so much is held by one who waits, if there is room for it.
func (s *Seats) reserve(bytes int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting+bytes > waitingBytes {
		return false
	}
	s.waiting += bytes
	return true
}

func (s *Seats) release(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting -= bytes
}

// Seat is the right to work on a repository. Only one goroutine uses it. Who needs
// none has a nil one.
type Seat struct {
	of    *Seats
	taken bool
	holds func() int64 // bytes that are held now; nil: next to none
}

// holding says how what is held is known.
func (s *Seat) holding(bytes func() int64) {
	if s != nil {
		s.holds = bytes
	}
}

// Leave gives the seat back. A second call does nothing.
func (s *Seat) Leave() {
	if s == nil || !s.taken {
		return
	}
	s.taken = false
	s.of.free <- struct{}{}
	if s.of.freed != nil {
		s.of.freed()
	}
}

// away calls wait, in which some server is waited for. From patience on the seat is
// others' until wait has ended and one is free again.
func (s *Seat) away(wait func()) {
	if s == nil {
		wait()
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		wait()
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ended:
		return
	case <-timer.C:
	}
	held := int64(leastHeld)
	if s.holds != nil {
		held = max(held, s.holds())
	}
	if s.of.reserve(held) {
		s.Leave()
		defer s.of.release(held)
		defer s.retake()
	}
	<-ended
}

// retake waits for a seat. Who has one never waits for who is away.
func (s *Seat) retake() {
	<-s.of.free
	s.taken = true
}
