package server

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// view is a status in display form: rows sorted so that those that need
// attention come first. It is read-only.
type view struct {
	*Status
	automations []automationRow
	policies    []policyRow
	held        []heldRow // sorted by their end; those without an end come last
	counts      counts
	webs        map[string]string // addresses for browsers, by repository
}

// viewer makes a view of each status once. It is safe for concurrent use.
type viewer struct {
	source Source
	last   atomic.Pointer[view]
}

// now returns the view of the source's status, or nil if there is no status
// yet.
func (v *viewer) now() *view {
	status := v.source.Status()
	if status == nil {
		return nil
	}
	last := v.last.Load()
	if last == nil || last.Status != status {
		last = newView(status)
		v.last.Store(last)
	}
	return last
}

func newView(s *Status) *view {
	v := &view{Status: s, automations: []automationRow{}, policies: []policyRow{}, held: []heldRow{}}
	sites := map[string][]Hold{}
	v.webs = map[string]string{}
	for _, a := range s.Automations {
		a.PullRequests, a.Held = nonNil(a.PullRequests), nonNil(a.Held)
		row := automationRow{a, a.State()}
		v.webs[a.Repository] = a.Web
		v.automations = append(v.automations, row)
		for _, h := range a.Held {
			sites[h.Policy] = append(sites[h.Policy], h)
			v.held = append(v.held, heldRow{row.FullName(), h})
		}
	}
	for _, p := range s.Policies {
		row := policyRow{Policy: p, Sites: sites[p.Namespace+"/"+p.Name]}
		row.Held = "" // by all automations, and not by the one that decided on it last
		if len(row.Sites) > 0 {
			row.Held = row.Sites[0].Reason
		}
		row.State = row.Policy.State()
		v.policies = append(v.policies, row)
	}
	slices.SortStableFunc(v.automations, func(a, b automationRow) int { return compareStates(a.State, b.State) })
	slices.SortStableFunc(v.policies, func(a, b policyRow) int { return compareStates(a.State, b.State) })
	slices.SortStableFunc(v.held, func(a, b heldRow) int {
		return cmp.Or(compareEnds(a.Until, b.Until), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	v.counts = counts{tally(v.automations), tally(v.policies), len(v.held)}
	return v
}

func compareStates(a, b State) int {
	return cmp.Compare(slices.Index(states, a), slices.Index(states, b))
}

func compareEnds(a, b time.Time) int {
	switch {
	case a.IsZero() == b.IsZero():
		return a.Compare(b)
	case a.IsZero():
		return 1
	}
	return -1
}

// counts are the numbers of objects by state. Every state is present.
type counts struct {
	Automations map[State]int `json:"automations"`
	Policies    map[State]int `json:"policies"`
	HeldSites   int           `json:"heldSites"`
}

func tally[R row](rows []R) map[State]int {
	by := map[State]int{}
	for _, state := range states {
		by[state] = 0
	}
	for _, r := range rows {
		by[r.state()]++
	}
	return by
}

// row is an element of a list.
type row interface {
	state() State // "" if rows of this kind have none
	texts() []string
}

// choose returns the rows with the state (any if it is "") that contain query,
// which is in lower case, in one of their texts.
func choose[R row](rows []R, state State, query string) []R {
	if state == "" && query == "" {
		return rows
	}
	chosen := []R{}
	for _, r := range rows {
		if (state == "" || r.state() == state) && slices.ContainsFunc(r.texts(), func(text string) bool {
			return strings.Contains(strings.ToLower(text), query)
		}) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

type automationRow struct {
	Automation
	State State `json:"state"`
}

// FullName returns "namespace/name".
func (r automationRow) FullName() string { return r.Namespace + "/" + r.Name }
func (r automationRow) state() State     { return r.State }
func (r automationRow) texts() []string {
	return []string{r.FullName(), r.Repository, r.Branch, r.Error}
}

// policyRow is a policy. It is held if one of its sites is.
type policyRow struct {
	Policy
	State State  `json:"state"`
	Sites []Hold `json:"-"` // the held ones
}

// FullName returns "namespace/name".
func (r policyRow) FullName() string { return r.Namespace + "/" + r.Name }
func (r policyRow) state() State     { return r.State }
func (r policyRow) texts() []string {
	return []string{r.FullName(), r.Image, r.Ref, r.Error, r.Held}
}

type heldRow struct {
	Automation string `json:"automation"` // "namespace/name"
	Hold
}

func (heldRow) state() State { return "" }
func (r heldRow) texts() []string {
	return []string{r.Automation, r.Policy, r.Path, r.Candidate, r.Reason}
}

type runRow struct {
	store.Run
	Web string // address of the repository for browsers; "": not known
}

func (runRow) state() State { return "" }
func (r runRow) texts() []string {
	texts := []string{r.Automation, r.Repository, r.Branch, r.Commit, r.Error}
	for _, c := range r.Changes {
		texts = append(texts, policyOf(c), c.New)
	}
	for _, h := range r.Held {
		texts = append(texts, h.Policy)
	}
	return texts
}

// policyOf returns the policy of a change, "namespace/name". The change's
// setter is "namespace:name[:part]".
func policyOf(c pinsetter.Change) string {
	parts := strings.SplitN(c.Setter, ":", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}
