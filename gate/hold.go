package gate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// hold keeps tags from being written.
type hold struct {
	spec.GateHold
	inside func(tag string) bool // nil: the tags alone
}

func compileHolds(specs []spec.GateHold, ranges Ranges) ([]hold, error) {
	var holds []hold
	var errs []error
	for i, s := range specs {
		h := hold{GateHold: s}
		if s.Range != "" {
			inside, err := ranges(s.Range)
			if err != nil {
				errs = append(errs, &spec.FieldError{Field: fmt.Sprintf("spec.hold[%d].range", i), Err: err})
			}
			h.inside = inside
		}
		holds = append(holds, h)
	}
	return holds, errors.Join(errs...)
}

// names reports whether the hold is about a candidate. A range is about the
// version in its value and about the one in its tag, whichever there is: where a
// build number is what the policy orders by, the version is in the tag alone.
func (h hold) names(c pinsetter.Candidate) bool {
	return slices.Contains(h.Tags, c.Tag) || h.inside != nil && (h.inside(c.Value) || h.inside(c.Tag))
}

func (h hold) ended(now time.Time) bool { return !h.Until.IsZero() && !now.Before(h.Until) }

// outlasts reports whether h ends after other, or never.
func (h hold) outlasts(other hold) bool {
	return !other.Until.IsZero() && (h.Until.IsZero() || h.Until.After(other.Until))
}

// held refuses a candidate that some hold names; of several holds, the one that
// lasts longest.
func (g Gates) held(c pinsetter.Candidate, now time.Time) *Refusal {
	var longest *hold
	var by string
	for _, r := range g.rules {
		for i := range r.holds {
			h := &r.holds[i]
			if !h.names(c) || h.ended(now) || longest != nil && !h.outlasts(*longest) {
				continue
			}
			longest, by = h, r.gate
		}
	}
	if longest == nil {
		return nil
	}
	wait := ""
	if !longest.Until.IsZero() {
		wait = "wait until " + clock(longest.Until) + ", "
	}
	return &Refusal{
		Stage: pinsetter.StageHold, Rule: pinsetter.RuleHold, Gate: by, Until: longest.Until,
		Reason: fmt.Sprintf("held, %q: to take it, %stake it out of hold, or write %s by hand", longest.Reason, wait, c.Tag),
	}
}
