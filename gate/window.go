package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
)

// closed refuses every candidate while some gate lets nothing be written: outside
// its windows, or in its freeze. A window whose start the clocks jump over in
// spring doesn't open on that day. Until is when all gates are open.
func (g Gates) closed(now time.Time) *Refusal {
	for _, r := range g.rules {
		if f := r.spec.Freeze; r.frozen(now) {
			return &Refusal{
				Rule: pinsetter.RuleFreeze, Gate: r.gate, Until: g.opens(now),
				Reason: fmt.Sprintf("frozen from %s to %s, %q: wait until then, end the freeze, or write it by hand",
					clock(f.From), clock(f.To), f.Reason),
			}
		}
		if r.open(now) {
			continue
		}
		next := "no window opens within five years"
		if at := r.reopens(now); !at.IsZero() {
			next = fmt.Sprintf("the next window opens at %s (%s)", clock(at), at.Location())
		}
		return &Refusal{
			Rule: pinsetter.RuleWindow, Gate: r.gate, Until: g.opens(now),
			Reason: next + ": wait for it, change windows, or write it by hand",
		}
	}
	return nil
}

func (r *rules) frozen(t time.Time) bool {
	f := r.spec.Freeze
	return f != nil && !t.Before(f.From) && t.Before(f.To)
}

// open reports whether t lies in one of the windows, if there are any.
func (r *rules) open(t time.Time) bool {
	return len(r.windows) == 0 || slices.ContainsFunc(r.windows, func(w window) bool { return w.open(t) })
}

// reopens returns when the first of the windows, all closed, opens after t; the
// zero time where none does.
func (r *rules) reopens(t time.Time) time.Time {
	var first time.Time
	for _, w := range r.windows {
		if at := w.next(t); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// maxOpenings bounds how many openings are tried to find one at which all gates
// are open: the nights of three years.
const maxOpenings = 1000

// opens returns the first time from t on at which no gate is closed; the zero
// time where none was found.
func (g Gates) opens(t time.Time) time.Time {
	for range maxOpenings {
		at := t
		for _, r := range g.rules {
			if r.frozen(at) {
				at = r.spec.Freeze.To
			}
			if !r.open(at) {
				at = r.reopens(at)
			}
			if at.IsZero() {
				return at
			}
		}
		if at.Equal(t) {
			return t
		}
		t = at
	}
	return time.Time{}
}

// clock writes a time for people.
func clock(t time.Time) string { return t.Format(time.RFC3339) }
