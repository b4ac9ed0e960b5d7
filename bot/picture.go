package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/store"
)

// Picture is what a Keeper knows at one moment. It is never written to again.
type Picture struct {
	At          time.Time
	Automations []AutomationState // sorted by namespace and name
	Policies    []PolicyState     // the same
	Recent      []store.Run       // newest first
	Findings    []pinsetter.Finding
}

// AutomationState is an automation and how its last run ended.
type AutomationState struct {
	Name         pinsetter.Name
	Repository   string // "host/path", "host:port/path"
	Branch       string // what it pushes to
	Revision     string // "branch@sha1:hash" of what was read last
	Suspended    bool
	LastRun      time.Time // zero: there was none
	LastSuccess  time.Time
	NextRun      time.Time
	PullRequests []PullRequest // that are open
	Held         []pinsetter.Hold
	Err          error
	Findings     []pinsetter.Finding // about the files that were read
}

// PolicyState is a policy and what it selects. Selected is empty but for the name
// where no marker asked for it yet.
type PolicyState struct {
	Selected
	Rule      string // how it chooses, for people
	Tags      int    // how many are listed
	ScannedAt time.Time
}

// maxRecent is how many runs a picture shows.
const maxRecent = 50

// of returns the state for an automation that was loaded anew.
func (s AutomationState) of(a *fleet.Automation) AutomationState {
	s.Name, s.Suspended, s.Branch = a.Name, a.Suspended, a.PushBranch
	if a.Git != nil {
		s.Repository, _ = gitops.Key(a.Git.URL) // "" for a URL without one
	}
	if a.Err != nil {
		s.Err = a.Err
	}
	return s
}

// ending is how a cycle ended.
type ending struct {
	results    []*Result
	selections []*selection
	took       time.Duration
	stopped    bool // the program ends: what isn't begun was left out

	policies   []PolicyState
	recent     []store.Run // of the ledger
	remembered bool        // by it
}

// settle keeps how a cycle ended.
func (k *Keeper) settle(e ending) {
	now := k.now()
	ended, before := map[pinsetter.Name]*AutomationState{}, map[pinsetter.Name]error{}
	for _, r := range e.results {
		t := k.agenda.byName[r.name()]
		if t == nil {
			continue // it isn't loaded any more
		}
		if ended[r.name()] == nil {
			ended[r.name()] = &t.state
			before[r.name()] = t.state.Err
			t.state.LastRun, t.state.Err, t.state.Held, t.state.PullRequests, t.state.Findings = now, nil, nil, nil, nil
		}
		t.state.add(r)
		if run := runOf(t.automation, r, now); run.Commit != "" || run.PullRequest != nil {
			k.recent = slices.Insert(k.recent, 0, run)
		}
	}
	for _, state := range ended {
		if state.Err == nil {
			state.LastSuccess = now
		}
		k.logChange(state, before[state.Name])
		k.o.Observer.Run(e.took, state.Err)
	}
	if e.remembered {
		k.recent = e.recent
	}
	k.recent = k.recent[:min(len(k.recent), maxRecent)]
	for _, p := range e.policies {
		name := pinsetter.Name{Namespace: p.Namespace, Name: p.Name}
		if k.bot.set.Policy(name) != nil {
			k.policies[name] = p
		}
		k.o.Observer.Selected(p.Held != "", p.Err)
	}
	k.settleListings(e.selections, ended, now)
	k.redraw()
}

// logChange says that an automation fails, or fails otherwise than before, or
// works again.
func (k *Keeper) logChange(state *AutomationState, before error) {
	switch {
	case state.Err != nil && (before == nil || before.Error() != state.Err.Error()):
		k.o.Log.Error("an automation fails", "automation", state.Name, "error", oneLine(state.Err))
	case state.Err == nil && before != nil:
		k.o.Log.Info("an automation works again", "automation", state.Name)
	default:
		k.o.Log.Debug("an automation was run", "automation", state.Name)
	}
}

// settleListings keeps what a cycle knows of images, all of which its automations
// have seen.
func (k *Keeper) settleListings(selections []*selection, ended map[pinsetter.Name]*AutomationState, now time.Time) {
	seen := map[pinsetter.Name]bool{}
	for name := range ended {
		seen[name] = true
	}
	for _, sel := range selections {
		w := k.agenda.watches[repositoryOf(sel.policy)]
		if w == nil {
			continue
		}
		w.wanted = true
		if sel.listing != nil {
			k.agenda.listed(w, sel.listing, seen, now)
		}
	}
}

// add takes up one result of a run; a run has several where changes are grouped.
func (s *AutomationState) add(r *Result) {
	s.Suspended = r.Suspended
	if r.Revision != "" {
		s.Revision = r.Revision
	}
	s.Held = append(s.Held, r.Held...)
	s.Findings = append(s.Findings, r.Findings...)
	if pr := r.PullRequest; pr != nil && !pr.Refused && pr.Action != Closed && pr.Action != Merged {
		s.PullRequests = append(s.PullRequests, *pr)
	}
	if r.Err != nil {
		joined := &Result{Err: s.Err}
		joined.fail(r.Err)
		s.Err = joined.Err
	}
}

// Picture returns what is known, nil before there are objects. Until something
// changes it is the same one.
func (k *Keeper) Picture() *Picture {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.picture == nil && k.bot != nil {
		k.picture = k.draw()
	}
	return k.picture
}

// redraw has another picture made, of now, when somebody asks for one.
func (k *Keeper) redraw() { k.at, k.picture = k.now(), nil }

func (k *Keeper) draw() *Picture {
	p := &Picture{At: k.at, Recent: slices.Clone(k.recent), Findings: slices.Concat(k.complaints, k.bot.set.Findings)}
	for _, t := range k.agenda.tasks {
		p.Automations = append(p.Automations, t.state)
		p.Findings = append(p.Findings, t.state.Findings...)
	}
	p.Findings = SortFindings(p.Findings)
	for _, policy := range k.bot.set.Policies {
		state, known := k.policies[policy.Name]
		if !known || policy.Err != nil {
			state = stateOf(context.Background(), &selection{policy: policy, err: policy.Err})
		}
		state.Suspended = isSuspended(policy)
		p.Policies = append(p.Policies, state)
	}
	return p
}

// recall returns the runs that the ledger has, where it remembers any: without,
// what was pushed and proposed since the start is known.
func (k *Keeper) recall(ctx context.Context) (runs []store.Run, remembered bool) {
	if !k.o.Ledger.Remembers() {
		return nil, false
	}
	runs, err := k.o.Ledger.History(ctx, store.Filter{Limit: maxRecent})
	return runs, err == nil
}

// policyStates returns what selections came to.
func policyStates(ctx context.Context, selections []*selection) []PolicyState {
	var states []PolicyState
	for _, sel := range selections {
		states = append(states, stateOf(ctx, sel))
	}
	return states
}

// stateOf returns what a selection came to.
func stateOf(ctx context.Context, sel *selection) PolicyState {
	p := sel.policy
	state := PolicyState{Rule: describePolicy(p.Spec), Selected: Selected{
		Namespace: p.Name.Namespace, Name: p.Name.Name, Suspended: isSuspended(p),
	}}
	if p.Repository != nil {
		state.Image = p.Repository.Image
	}
	if sel.listing != nil {
		state.Tags, state.ScannedAt = len(sel.listing.Tags), sel.listing.ScannedAt
	}
	switch {
	case sel.err != nil && !errors.Is(sel.err, errSuspended):
		state.Err, state.Error = sel.err, oneLine(sel.err)
	case sel.walk != nil:
		best, ok := sel.walk.First(ctx)
		if !ok {
			state.Held = sel.refused()
			break
		}
		state.Tag = best.Tag
		state.Ref = pinsetter.Image{Name: state.Image, Tag: best.Tag}.String()
	}
	return state
}

func repositoryOf(p *fleet.Policy) pinsetter.Name {
	if p.Repository == nil {
		return pinsetter.Name{}
	}
	return p.Repository.Name
}
