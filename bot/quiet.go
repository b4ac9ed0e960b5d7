package bot

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/setters"
)

// quiet is a run of a lane that found nothing to do: at every site the branch
// showed its policy's best candidate. While the branch, the objects and the best
// candidates are the same, no file need be read to know that there is nothing to
// do still. It only ever says that: what is to be written is found in the files.
type quiet struct {
	At       time.Time         `json:"at"`
	Base     string            `json:"base"`               // hash of the commit that was read
	Objects  string            `json:"objects"`            // fingerprint of the set, and of what reads files
	Selected map[string]string `json:"selected"`           // the best candidate of every policy that a marker names, with its digest where that is followed
	Unmarked []string          `json:"unmarked,omitempty"` // automations without a marker
}

// laneMemory reads and writes the ledger's records of lanes: quiet runs, refspecs that
// are due, pull requests, and delivered artifacts.
type laneMemory struct {
	selector *selector.Selector
	mode     Mode
	version  string // of the program
}

// quietFor is how long a quiet run stands for the next ones. What else a run
// does, such as telling the ledger that sites are still there, is done again then.
const quietFor = 24 * time.Hour

// isQuiet returns the results of a lane if nothing can be to do there, else nil.
func (m *laneMemory) isQuiet(ctx context.Context, l *lane, fetched *gitops.Fetched) []*Result {
	last := m.lastQuiet(ctx, l)
	if last == nil || last.Base != fetched.Base.Hash() || len(fetched.Push) > 0 || len(m.dues(ctx, l)) > 0 {
		return nil
	}
	holds := false
	l.seat.Away(func() { holds = m.stillHolds(ctx, last) })
	if !holds {
		return nil
	}
	ground := l.groundOn(fetched.Base)
	var results []*Result
	for _, a := range l.automations {
		r := plan.NewResult(a)
		r.Revision, r.Unmarked = ground.Revision, slices.Contains(last.Unmarked, a.Name.String())
		results = append(results, r)
	}
	return results
}

// stillHolds reports whether the objects and what policies select are those of a quiet
// run, which isn't too long ago.
func (m *laneMemory) stillHolds(ctx context.Context, last *quiet) bool {
	if age := m.selector.Now.Sub(last.At); last.Objects != m.fingerprint() || age < 0 || age > quietFor {
		return false
	}
	var policies []*fleet.Policy
	for name := range last.Selected {
		p := m.selector.Set.Policy(pinsetter.ParseName(name))
		if p == nil {
			return false
		}
		policies = append(policies, p)
	}
	m.selector.All(ctx, policies)
	return !slices.ContainsFunc(policies, func(p *fleet.Policy) bool {
		best, ok := m.selector.Selection(ctx, p).Best(ctx)
		return !ok || best != last.Selected[p.Name.String()]
	})
}

// keepQuiet records a run of a lane if it found nothing to do, and else deletes the
// record of the one before.
func (m *laneMemory) keepQuiet(ctx context.Context, l *lane, fetched *gitops.Fetched, plans []*plan.Plan) {
	if m.mode != Push || m.selector.Failing.Now() {
		return
	}
	last := m.lastQuiet(ctx, l)
	now := &quiet{At: m.selector.Now, Base: fetched.Base.Hash(), Objects: m.fingerprint(), Selected: map[string]string{}}
	if len(fetched.Push) > 0 || slices.ContainsFunc(plans, func(p *plan.Plan) bool { return !m.settles(ctx, p, now.Selected) }) {
		now = nil
	}
	for _, p := range plans {
		if now != nil && p.Result.Unmarked {
			now.Unmarked = append(now.Unmarked, p.Automation.Name.String())
		}
	}
	switch {
	case now == nil && last == nil:
		return
	case now != nil && last != nil && now.Base == last.Base && now.Objects == last.Objects && maps.Equal(now.Selected, last.Selected) &&
		m.selector.Now.Sub(last.At) < quietFor && !m.selector.Now.Before(last.At):
		return
	}
	var body json.RawMessage
	if now != nil {
		body, _ = json.Marshal(now) // of texts and a time
	}
	if err := m.selector.Ledger.Quiet().Put(ctx, m.selector.Now, l.key(), body); err != nil {
		m.selector.Failing.Failed(err)
	}
}

// settles reports whether every site of a plan shows its policy's best candidate,
// and nothing else is to be said, and adds what these are.
func (m *laneMemory) settles(ctx context.Context, p *plan.Plan, selected map[string]string) bool {
	r := p.Result
	if r.Err != nil || len(r.Changes)+len(r.Held)+len(r.Findings)+len(r.Unverified) > 0 || p.Unsettled {
		return false
	}
	for _, file := range p.Marked {
		for i, site := range file.Sites {
			sel := m.selector.Of(p.Policies[site.Policy])
			if sel == nil {
				continue // another automation writes it
			}
			image, taken := file.Takes[i]
			if taken && !decide.ShownAt(site, image) || sel.Err != nil || !sel.Settled(site) {
				return false
			}
			best, ok := sel.Best(ctx)
			if _, digest, followed := strings.Cut(best, "@"); !ok || taken && followed && image.Digest != "" && image.Digest != digest {
				return false // whether what it shows is there still is asked in each run
			}
			selected[site.Policy.String()] = best
		}
	}
	return true
}

// lastQuiet returns the quiet run that is remembered of a lane, or nil.
func (m *laneMemory) lastQuiet(ctx context.Context, l *lane) *quiet {
	if m.selector.Failing.Now() {
		return nil
	}
	body, err := m.selector.Ledger.Quiet().Of(ctx, l.key())
	if err != nil {
		m.selector.Failing.Failed(err)
		return nil
	}
	last := &quiet{}
	if body == nil || json.Unmarshal(body, last) != nil {
		return nil
	}
	return last
}

// fingerprint names the objects and the versions that a cycle decides by.
func (m *laneMemory) fingerprint() string {
	return strings.Join([]string{m.selector.Set.Fingerprint, setters.Screen, setters.Notes, m.version}, " ")
}

// key names a lane for the ledger.
func (l *lane) key() string {
	return laneKey(l.repository(), l.base, l.push, l.automations)
}

// laneKey is the key of the lane in which automations push from a base to a branch
// of a repository.
func laneKey(repository string, base fleet.GitRef, push string, automations []*fleet.Automation) string {
	parts := []string{repository, base.String(), push}
	for _, a := range slices.SortedFunc(slices.Values(automations), func(a, b *fleet.Automation) int { return a.Name.Compare(b.Name) }) {
		parts = append(parts, a.Name.String())
	}
	return strings.Join(parts, "\n")
}
