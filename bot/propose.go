package bot

import (
	"context"
	"encoding/json"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/proposal"
)

// proposals are the target of a lane whose automation proposes: the branches of its
// pull requests. What to propose is decided once, on the base, and then divided.
type proposals struct {
	reading
	*proposal.Survey
	only *fleet.Policy // whose sites are decided; nil: all
}

// fetch implements target.
func (t *proposals) fetch(ctx context.Context) error {
	t.Survey = proposal.New(t.lane.proposes, t.memory.records(ctx, t.lane), proposal.Options{
		Conductor: conductor{t}, Forge: t.o.Forge, Log: t.o.Log, Progress: t.o.Progress, Now: t.o.Now,
	})
	return t.fetchWith(ctx, t.Asked()...)
}

// read implements target.
func (t *proposals) read(ctx context.Context) error {
	t.warnOfRival()
	ground := t.lane.groundOn(t.fetched.Base)
	own, unsure := t.findOwn(ctx)
	t.Read(proposal.Reading{Remote: t.remote, Fetched: t.fetched, Ground: ground, Own: own, Unsure: unsure})
	t.recallHistory(ctx, ground)
	return nil
}

// find implements target.
func (t *proposals) find(ctx context.Context, a *fleet.Automation) *plan.Plan {
	p := t.findOn(ctx, a, t.Ground, t.fetched.Base)
	p.Only = t.only
	return p
}

// apply implements target: for all groups.
func (t *proposals) apply(ctx context.Context, p *plan.Plan) error {
	if err := t.Divide(p); err != nil {
		return err
	}
	t.lane.seat.Away(func() { t.Consult(ctx) })
	t.Apply()
	return nil
}

// deliver implements target.
func (t *proposals) deliver(ctx context.Context) (err error) {
	t.lane.seat.Away(func() {
		err = t.CarryOut(ctx, t.lane.settled)
		if err == nil && t.IsIdle() {
			t.memory.keepQuiet(ctx, t.lane, t.fetched, []*plan.Plan{t.Whole})
		}
	})
	return err
}

// results implements target.
func (t *proposals) results() []*Result { return t.Results(t.lane.settled) }

// findOwn finds the branches of which the bot made every commit, and those of which
// that can't be found out now.
func (t *proposals) findOwn(ctx context.Context) (map[string]*plan.Branch, map[string]error) {
	own, unsure := map[string]*plan.Branch{}, map[string]error{}
	for branch, found := range t.ownership.Of(ctx, t.lane.writers(), t.fetched, t.Commit) {
		switch {
		case found.Err == nil:
			own[branch] = plan.NewBranch(t.fetched.Push[branch], found.Paths)
		case !found.IsTheirs():
			unsure[branch] = found.Err
		}
	}
	return own, unsure
}

// observed tells an observer what became of pull requests.
func observed(o Observer, results []*Result) []*Result {
	for _, r := range results {
		if r.PullRequest != nil && r.PullRequest.Action != Unchanged {
			o.PullRequest(r.PullRequest.Action)
		}
	}
	return results
}

// conductor is the proposal.Conductor of proposals.
type conductor struct{ t *proposals }

// Push implements proposal.Conductor.
func (d conductor) Push(ctx context.Context, _ *gitops.Remote, p gitops.Push, below []string) (gitops.Pushed, error) {
	pushed, err := d.t.send(ctx, p)
	if pushed.Branch != "" {
		d.t.ownership.KeepPushed(ctx, d.t.lane.writers(), p.Branch, append([]string{p.Snapshot.Hash()}, below...))
	}
	return pushed, err
}

// IsKept implements proposal.Conductor.
func (d conductor) IsKept(ctx context.Context, branch string) bool {
	return d.t.lane.isKept(ctx, d.t.ownership, branch)
}

// KeepKept implements proposal.Conductor.
func (d conductor) KeepKept(ctx context.Context, branch string) {
	d.t.lane.keepKept(ctx, d.t.ownership, branch)
}

// Keep implements proposal.Conductor.
func (d conductor) Keep(ctx context.Context, changed map[string]json.RawMessage) {
	d.t.memory.keepRecords(ctx, d.t.lane, changed)
}

// Provenance implements proposal.Conductor.
func (d conductor) Provenance(ctx context.Context, p *decide.Policy, image pinsetter.Image) pinsetter.Provenance {
	ctx, cancel := context.WithTimeout(ctx, tracedWithin)
	defer cancel()
	return d.t.selector.Provenance(ctx, p, image)
}
