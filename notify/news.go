package notify

import (
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
)

// news is what has been reported about objects, so that nothing is reported
// twice.
type news map[pinsetter.Object]record

type record struct {
	failure string   // error that the object failed with; "" if it didn't fail
	holds   []string // see identities; sorted
}

// admits reports whether an event is news, and remembers it.
func (n news) admits(e pinsetter.Event) bool {
	about := e.Object
	about.APIVersion = ""
	was := n[about]
	is := was
	switch e.Kind {
	case pinsetter.EventFailed:
		is.failure = "failed: " + e.Message
	case pinsetter.EventRecovered:
		is.failure = ""
	case pinsetter.EventHeld:
		is.holds = identities(e.Holds)
	default:
		return true
	}
	if is.failure == "" && len(is.holds) == 0 {
		delete(n, about)
	} else {
		n[about] = is
	}
	return is.failure != was.failure || slices.ContainsFunc(is.holds, func(h string) bool { return !slices.Contains(was.holds, h) })
}

// identities returns strings that identify holds, sorted. If a hold ends with
// time, its identity contains the end instead of the reason, since such a
// reason contains a duration and changes all the time.
func identities(holds []pinsetter.Hold) []string {
	var all []string
	for _, h := range holds {
		why := h.Reason
		if !h.Until.IsZero() {
			why = h.Until.UTC().String()
		}
		all = append(all, fmt.Sprintf("%q", []string{h.Policy, h.Path, h.Current, h.Candidate, why}))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
