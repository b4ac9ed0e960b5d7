package registry

import "testing"

// take takes a slot of a limit that has one.
func take(t *testing.T, l *limit) slot {
	t.Helper()
	select {
	case l.slots <- struct{}{}:
		return l.taken()
	default:
		t.Fatal("no slot is free")
		return slot{}
	}
}

func TestLimitHalvesOnceForABurst(t *testing.T) {
	l := newLimit(16)
	var burst []slot
	for range 16 {
		burst = append(burst, take(t, l))
	}
	for _, s := range burst {
		s.refused()
		s.leave()
	}
	if l.most() != 8 || l.free() != 8 {
		t.Errorf("%d in flight, %d free; want 8 and 8", l.most(), l.free())
	}
	for range 10 { // idle slots are taken away at once, and one is left
		s := take(t, l)
		s.refused()
		s.leave()
	}
	if l.most() != 1 || l.free() != 1 {
		t.Errorf("%d in flight, %d free; want 1 and 1", l.most(), l.free())
	}
}

func TestLimitGrowsBackSlowly(t *testing.T) {
	l := newLimit(4)
	s := take(t, l)
	s.refused()
	s.leave()
	answers := func(n int) {
		for range n {
			s := take(t, l)
			s.answered()
			s.leave()
		}
	}
	for _, step := range []struct{ answers, want int }{{15, 2}, {1, 3}, {23, 3}, {1, 4}, {1000, 4}} {
		answers(step.answers)
		if l.most() != step.want || l.free() != step.want {
			t.Fatalf("%d in flight, %d free; want %d", l.most(), l.free(), step.want)
		}
	}
	s = take(t, l)
	s.refused()
	s.leave()
	answers(10)
	s = take(t, l)
	s.refused() // what came before counts for nothing
	s.leave()
	if l.most() != 1 {
		t.Errorf("%d in flight; want 1", l.most())
	}
}

// Slots that are given back while others are withheld neither get lost nor come
// twice.
func TestLimitKeepsItsSlots(t *testing.T) {
	l := newLimit(8)
	var held []slot
	for range 8 {
		held = append(held, take(t, l))
	}
	held[0].refused() // 4, with 8 in flight
	for i, s := range held {
		s.leave()
		if want := max(0, i+1-4); l.free() != want {
			t.Errorf("%d free after %d left; want %d", l.free(), i+1, want)
		}
	}
}
