package gate

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Subject is a policy in one run: what its gates judge, and by what.
type Subject struct {
	// Candidates are the policy's, best first. They are gone through more than
	// once.
	Candidates iter.Seq[pinsetter.Candidate]

	Order Order

	// Bump returns the size of the step between two tags; not ok where one has no
	// version. Nil says so of all.
	Bump func(from, to string) (size spec.Bump, ok bool)

	Facts Facts     // nil: nothing is known
	Now   time.Time // the same for the whole run

	// Listing is why the list of tags isn't believed (see Listing.Next), or nil.
	Listing *Refusal
}

// Walk goes through a policy's candidates for its sites. What was found out for
// one is remembered for the others. It is safe for concurrent use.
type Walk struct {
	subject Subject
	gates   Gates
	closed  *Refusal // of all candidates

	mu      sync.Mutex
	known   []pinsetter.Candidate // those that were asked for, best first
	all     bool                  // there are no more than known
	judged  map[string]*Refusal   // by tag; nil: it passed
	digests map[string]string     // that were judged, by tag
	refused []pinsetter.Verdict   // in the order of judgement
	asked   int
	failed  int
}

// Walk returns a walk through the candidates of a policy.
func (g Gates) Walk(s Subject) *Walk {
	w := &Walk{subject: s, gates: g, judged: map[string]*Refusal{}, digests: map[string]string{}}
	switch {
	case g.broken != nil:
		w.closed = g.broken
	case s.Now.IsZero():
		w.closed = &Refusal{Rule: pinsetter.RuleUnknown, Reason: "the time isn't known: set the clock"}
	case s.Listing != nil:
		w.closed = s.Listing
	default:
		w.closed = g.closed(s.Now)
	}
	return w
}

// Closed reports whether nothing at all may be written now, whatever the
// candidate: outside of the windows, in a freeze, on a list of tags that isn't
// believed.
func (w *Walk) Closed() bool { return w.closed != nil }

// First returns the best candidate that passes the policy's gates, whatever
// sites there are; not ok where none does.
func (w *Walk) First(ctx context.Context) (candidate pinsetter.Candidate, ok bool) {
	for i := 0; ; i++ {
		c, more := w.at(i)
		if !more {
			return pinsetter.Candidate{}, false
		}
		refusal := w.judge(ctx, c)
		if refusal == nil {
			return c, true
		}
		if w.ends(ctx, refusal) {
			return pinsetter.Candidate{}, false
		}
	}
}

// Judge says what the policy's gates make of one candidate: Eligible at
// StageOrder, or Rejected.
func (w *Walk) Judge(ctx context.Context, c pinsetter.Candidate) pinsetter.Verdict {
	if refusal := w.judge(ctx, c); refusal != nil {
		return refusal.verdict(c)
	}
	return pinsetter.Verdict{Tag: c.Tag, Value: c.Value, Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder}
}

// Refused returns the verdicts on the candidates that the gates were asked about
// so far and that did not pass, in the order in which they were asked about.
// Those below the one that passed are not judged.
func (w *Walk) Refused() []pinsetter.Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]pinsetter.Verdict(nil), w.refused...)
}

// at returns the i-th candidate; not ok past the last. Eight times as many as
// before are asked for when more are needed, since the ranking begins anew each
// time; the best alone costs no ranking, so nothing behind it is asked for first.
func (w *Walk) at(i int) (candidate pinsetter.Candidate, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i >= len(w.known) && !w.all {
		wanted, n := max(1, 8*len(w.known)), 0
		w.all = true
		for c := range w.subject.Candidates {
			if n >= len(w.known) {
				w.known = append(w.known, c)
			}
			if n++; n == wanted {
				w.all = false
				break
			}
		}
	}
	if i >= len(w.known) {
		return pinsetter.Candidate{}, false
	}
	return w.known[i], true
}
