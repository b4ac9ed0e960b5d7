package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
)

// A refspec is pushed after its branch, and the run may fail at it, or end in
// between. The ledger knows which are due, so that the next run goes on there,
// also where it has nothing else to do.

// duesKey names a lane's refspecs that are due, for the ledger.
func (l *lane) duesKey() string { return l.key() + refspecsDue }

const refspecsDue = "\nrefspecs"

// hasRefspec reports whether something is pushed after the lane's branch.
func (l *lane) hasRefspec() bool {
	return slices.ContainsFunc(l.refspecs(), func(spec string) bool { return spec != "" })
}

// optionsOf returns the push options of the lane's first automation that has a
// refspec.
func (l *lane) optionsOf(refspec string) map[string]string {
	i := slices.IndexFunc(l.automations, func(a *fleet.Automation) bool { return a.Refspec == refspec })
	if i < 0 {
		return nil
	}
	return l.automations[i].PushOptions
}

// dues returns the refspecs of a lane that an earlier run was to push, and didn't.
func (m *laneMemory) dues(ctx context.Context, l *lane) []string {
	if !l.hasRefspec() || m.selector.Failing.Now() {
		return nil
	}
	body, err := m.selector.Ledger.Quiet().Of(ctx, l.duesKey())
	if err != nil {
		m.selector.Failing.Failed(err)
		return nil
	}
	var due []string
	if body == nil || json.Unmarshal(body, &due) != nil {
		return nil
	}
	return keep(due, func(spec string) bool { return slices.Contains(l.refspecs(), spec) })
}

// keepDues remembers which refspecs of a lane are due.
func (m *laneMemory) keepDues(ctx context.Context, l *lane, due []string) {
	if !l.hasRefspec() || m.selector.Failing.Now() {
		return
	}
	var body json.RawMessage
	if len(due) > 0 {
		body, _ = json.Marshal(due) // of texts
	}
	if err := m.selector.Ledger.Quiet().Put(ctx, m.selector.Now, l.duesKey(), body); err != nil {
		m.selector.Failing.Failed(err)
	}
}

// pushDues pushes the refspecs that are due, at the head of the lane's branch. In a
// freeze they wait like everything else.
func (b *branch) pushDues(ctx context.Context, plans []*plan.Plan) error {
	l := b.lane
	due := b.memory.dues(ctx, l)
	if len(due) == 0 || ctx.Err() != nil || slices.ContainsFunc(plans, (*plan.Plan).IsClosed) {
		return ctx.Err()
	}
	if b.lease == "" { // somebody deleted the branch
		b.memory.keepDues(ctx, l, nil)
		return nil
	}
	at := plans[0].Ground.Start
	if b.shown != nil {
		at = b.shown.Head
	}
	ctx = context.WithoutCancel(ctx) // what is begun is finished
	var left []string
	for _, refspec := range due {
		request := b.request(at)
		request.Lease, request.Refspec, request.Options = at.Hash(), refspec, l.optionsOf(refspec)
		pushed, err := b.send(ctx, request)
		switch {
		case errors.Is(err, gitops.ErrStale) && pushed.Branch == "":
			return err
		case err != nil:
			left = append(left, refspec)
		}
		for _, p := range plans {
			if p.Automation.Refspec != refspec {
				continue
			}
			if err != nil {
				p.Result.Fail(fmt.Errorf("ImageUpdateAutomation %s: %w", p.Automation.Name, err))
				continue
			}
			p.Result.Pushed = &Pushed{Commit: pushed.Commit, Refspec: refspec}
		}
	}
	b.memory.keepDues(ctx, l, left)
	return nil
}
