package seats

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestWhoWaitsGivesItsSeatAway, and has one again when it goes on.
func TestWhoWaitsGivesItsSeatAway(t *testing.T) {
	var freed atomic.Int64
	s := New(1, func() { freed.Add(1) })
	first := s.Take()
	if s.TryTake() != nil {
		t.Fatal("two have the one seat")
	}
	answer, back := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(back)
		first.Away(func() { <-answer })
	}()
	second := s.Take() // which first gives away
	close(answer)
	select {
	case <-back:
		t.Fatal("first went on without a seat")
	case <-time.After(10 * time.Millisecond):
	}
	second.Leave()
	<-back
	if s.TryTake() != nil {
		t.Error("first went on, and its seat is free")
	}
	first.Leave()
	first.Leave()
	if s.Take(); s.TryTake() != nil {
		t.Error("a seat that is left twice is two")
	}
	if freed.Load() != 3 || s.waiting != 0 {
		t.Errorf("a seat became free %d times; %d bytes wait", freed.Load(), s.waiting)
	}
}

// TestWhoHoldsTooMuchWaitsOnItsSeat: what those hold who are away is bounded.
func TestWhoHoldsTooMuchWaitsOnItsSeat(t *testing.T) {
	s := New(1, nil)
	large := s.Take()
	large.Using(func() int64 { return waitingBytes + 1 })
	answer, back := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(back)
		large.Away(func() { <-answer })
	}()
	time.Sleep(2 * patience)
	if s.TryTake() != nil {
		t.Error("who holds more than all may is away")
	}
	close(answer)
	<-back
	large.Using(func() int64 { return waitingBytes })
	if large.Away(func() { s.Take().Leave() }); s.waiting != 0 {
		t.Errorf("%d bytes wait", s.waiting)
	}
}

// TestNobodyNeedsNoSeat: who explains works without one.
func TestNobodyNeedsNoSeat(t *testing.T) {
	var none *Seat
	called := false
	none.Away(func() { called = true })
	none.Leave()
	if !called {
		t.Error("what was to be waited for was not")
	}
}
