// Package seats bounds the repositories that are worked on at once, and keeps a
// slow server from holding up more than those who wait for it.
package seats

import (
	"sync"
	"time"
)

const (
	// AtOnce is how many repositories are worked on in parallel: each holds the
	// files of one commit in memory.
	AtOnce = 4

	// patience is how long a server may take to answer before others work in the
	// meantime. Most answer sooner.
	patience = 250 * time.Millisecond

	// waitingBytes bounds the memory of all repositories that wait for a server
	// without a seat. One that uses less counts as leastUsed: 256 of them may wait.
	waitingBytes = 256 << 20
	leastUsed    = 1 << 20
)

// Seats are the seats of one process. A repository's files are read only on a seat.
// Who waits for a registry, a forge or a push gives the seat away, and takes one
// again before it goes on. So memory is bounded by the files of as many commits as
// there are seats, plus waitingBytes. A repository that doesn't fit into these waits
// on its seat. Seats are safe for concurrent use.
type Seats struct {
	free  chan struct{} // one for each free seat
	freed func()        // told when one becomes free; nil: nobody

	mu      sync.Mutex
	waiting int64 // bytes of memory that those use who wait without a seat
}

// New returns n seats. Freed is called when one becomes free; nil: nobody is told.
func New(n int, freed func()) *Seats {
	s := &Seats{free: make(chan struct{}, n), freed: freed}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// Take returns a seat as soon as one is free.
func (s *Seats) Take() *Seat {
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

// Waiting returns how many bytes of memory those use who wait without a seat.
func (s *Seats) Waiting() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// reserve notes that one who waits uses so much memory, if there is room for it.
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

// Seat is the right to work on a repository. Only one goroutine uses it. A nil Seat
// is that of work that needs none: its methods work.
type Seat struct {
	of    *Seats
	taken bool
	uses  func() int64 // bytes of memory that are used now; nil: next to none
}

// Using says how to find out how many bytes of memory the work uses; nil: next to
// none.
func (s *Seat) Using(bytes func() int64) {
	if s != nil {
		s.uses = bytes
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

// Away calls wait, which waits for a server, and returns when it has ended. If that
// takes longer than patience, others have the seat until then, and Away returns once
// one is free again.
func (s *Seat) Away(wait func()) {
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
	used := int64(leastUsed)
	if s.uses != nil {
		used = max(used, s.uses())
	}
	if s.of.reserve(used) {
		s.Leave()
		defer s.of.release(used)
		defer s.retake()
	}
	<-ended
}

// retake waits for a seat. Who has a seat never waits for one who is away, so that
// this ends.
func (s *Seat) retake() {
	<-s.of.free
	s.taken = true
}
