package gate

import (
	"iter"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Subject is a policy in one run: what its gates judge, and by what.
type Subject struct {
	// Candidates are the policy's, best first. Each choice goes through them anew,
	// as far as it must.
	Candidates iter.Seq[pinsetter.Candidate]

	Order Order

	// Bump returns the size of the step between two tags; not ok where one has no
	// version. Nil says so of all.
	Bump func(from, to string) (size spec.Bump, ok bool)

	// Pins says that the policy has digests written. A site that shows one may take
	// an earlier digest of a tag whose present one is too young.
	Pins bool

	Now time.Time // the same for the whole run

	// Starts says that what is seen in this run is remembered: ages that hadn't
	// started count from Now on. Else they start with the next run.
	Starts bool

	// Remembers says that the first sight of tags is remembered.
	Remembers bool

	// Listing is why the list of tags isn't believed (see Listing.Next), or nil.
	Listing *Refusal
}

// Walk goes through a policy's candidates for its sites. It never changes, and each
// of its answers depends on nothing but the arguments: it is safe for concurrent
// use. Where a method returns questions, its other results are zero: call it again
// with a [Known] that has the answers.
type Walk struct {
	subject Subject
	gates   Gates
	closed  *Refusal // of all candidates
}

// Walk returns a walk through the candidates of a policy.
func (g Gates) Walk(s Subject) *Walk {
	w := &Walk{subject: s, gates: g}
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

// First is the best candidate that passes a policy's gates, whatever sites there
// are.
type First struct {
	Candidate pinsetter.Candidate // its tag is empty where none passes
	Earlier   *Earlier            // the digest of it that passes, where that isn't the present one
	Refused   []pinsetter.Verdict // on the better ones, best first; those below aren't judged

	// Failed says that who signed the last of Refused got no answer, which is a
	// failure: then there is no Candidate.
	Failed bool
}

// First returns the best candidate that passes the policy's gates.
func (w *Walk) First(known Known) (First, []Question) {
	var first First
	var asked questions
	i := -1
	for c := range w.subject.Candidates {
		i++
		refusal, lacks := w.judge(c, known)
		var earlier *Earlier
		if lacks == nil && refusal != nil && w.subject.Pins {
			earlier, refusal, lacks = w.earlier(c.Tag, "", refusal, known)
		}
		switch {
		case lacks != nil:
			if asked.add(i, *lacks, known) {
				return First{}, asked
			}
			continue
		case refusal == nil:
			first.Candidate, first.Earlier = c, earlier
		case !refusal.unasked:
			first.Refused = append(first.Refused, refusal.verdict(c))
		}
		if refusal == nil || w.ends(refusal) {
			first.Failed = refusal != nil && refusal.failed
			break
		}
	}
	if len(asked) > 0 {
		return First{}, asked
	}
	return first, nil
}

// Judge says what the policy's gates make of one candidate: Eligible at
// StageOrder, or Rejected.
func (w *Walk) Judge(c pinsetter.Candidate, known Known) (pinsetter.Verdict, []Question) {
	refusal, lacks := w.judge(c, known)
	switch {
	case lacks != nil:
		return pinsetter.Verdict{}, []Question{*lacks}
	case refusal != nil:
		return refusal.verdict(c), nil
	}
	return pinsetter.Verdict{Tag: c.Tag, Value: c.Value, Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder}, nil
}
