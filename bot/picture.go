package bot

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
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
	Repository   string // "host/path"
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

// Picture returns what is known, nil before there are objects.
func (k *Keeper) Picture() *Picture { return k.picture.Load() }

// of returns the state for an automation that was loaded anew.
func (s AutomationState) of(a *config.Automation) AutomationState {
	s.Name, s.Suspended, s.Branch = a.Name, a.Suspended, a.PushBranch
	if a.Git != nil {
		s.Repository, _ = gitops.Key(a.Git.URL) // "" for a URL without one
	}
	if a.Err != nil {
		s.Err = a.Err
	}
	return s
}

// settle keeps how a cycle ended.
func (k *Keeper) settle(ctx context.Context, c *cycle, results []*Result, begin time.Time) {
	now := k.o.Now()
	ended := map[pinsetter.Name]*AutomationState{}
	for _, r := range results {
		t := k.tasks[r.name()]
		if t == nil {
			continue // it isn't loaded any more
		}
		if ended[r.name()] == nil {
			ended[r.name()] = &t.state
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
		k.o.Observer.Run(now.Sub(begin), state.Err)
	}
	k.recent = k.recent[:min(len(k.recent), maxRecent)]
	k.recall(ctx)
	for _, sel := range c.selector.done() {
		state := stateOf(ctx, sel)
		k.policies[sel.policy.Name] = state
		k.o.Observer.Selected(state.Held != "", state.Err)
		if w := k.scans[repositoryOf(sel.policy)]; w != nil && w.hash == "" && sel.listing != nil {
			w.hash = sel.listing.Hash
		}
	}
	k.draw()
}

// add takes up one result of a run; a run has several where changes are grouped.
func (s *AutomationState) add(r *Result) {
	s.Suspended = r.Suspended
	if r.Revision != "" {
		s.Revision = r.Revision
	}
	s.Held = append(s.Held, r.Held...)
	s.Findings = append(s.Findings, r.Findings...)
	if pr := r.PullRequest; pr != nil && pr.Action != Closed && pr.Action != Merged {
		s.PullRequests = append(s.PullRequests, *pr)
	}
	if r.Err != nil {
		joined := &Result{Err: s.Err}
		joined.fail(r.Err)
		s.Err = joined.Err
	}
}

// draw makes another picture.
func (k *Keeper) draw() {
	p := &Picture{At: k.o.Now(), Recent: slices.Clone(k.recent), Findings: slices.Concat(k.complaints, k.bot.set.Findings)}
	for _, name := range slices.SortedFunc(maps.Keys(k.tasks), pinsetter.Name.Compare) {
		state := k.tasks[name].state
		p.Automations = append(p.Automations, state)
		p.Findings = append(p.Findings, state.Findings...)
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
	k.picture.Store(p)
}

// recall takes the runs that the ledger has, where it has any: without, what was
// pushed and proposed since the start is known.
func (k *Keeper) recall(ctx context.Context) {
	if !k.o.Ledger.Remembers() {
		return
	}
	if runs, err := k.o.Ledger.History(ctx, store.Filter{Limit: maxRecent}); err == nil {
		k.recent = runs
	}
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

func repositoryOf(p *config.Policy) pinsetter.Name {
	if p.Repository == nil {
		return pinsetter.Name{}
	}
	return p.Repository.Name
}
