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

	unverified []string // sites and why; sorted
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
	case pinsetter.EventUnverified:
		is.unverified = sites(e.Unverified)
	default:
		return true
	}
	if is.failure == "" && len(is.holds)+len(is.unverified) == 0 {
		delete(n, about)
	} else {
		n[about] = is
	}
	return is.failure != was.failure || hasMore(is.holds, was.holds) || hasMore(is.unverified, was.unverified)
}

// hasMore reports whether a list has something that another hasn't.
func hasMore(list, than []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(than, s) })
}

// sites returns strings that identify what doesn't verify, sorted.
func sites(unverified []pinsetter.Unverified) []string {
	var all []string
	for _, u := range unverified {
		all = append(all, fmt.Sprintf("%q", []string{u.Policy, u.Path, u.Ref, u.Rule, u.Reason}))
	}
	slices.Sort(all)
	return slices.Compact(all)
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
