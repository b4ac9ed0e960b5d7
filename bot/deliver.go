package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
)

// delivery is one push of a lane: the commits of automations with the same push options.
type delivery struct {
	plans   []*plan.Plan
	head    *gitops.Snapshot // with their commits
	options map[string]string
}

// deliveries divides a lane's plans into pushes, in the order of their commits.
// Plans without a commit need no push. If no plan has one, the branch is moved back to
// its start, with the options of an automation whose commit is taken back.
func deliveries(plans []*plan.Plan, back *plan.Branch) []*delivery {
	var all, wanted []*delivery
	for _, p := range plans {
		if last := len(all) - 1; last < 0 || !maps.Equal(all[last].options, p.Automation.PushOptions) {
			all = append(all, &delivery{options: p.Automation.PushOptions})
		}
		d := all[len(all)-1]
		d.plans, d.head = append(d.plans, p), p.Head
	}
	for _, d := range all {
		if slices.ContainsFunc(d.plans, func(p *plan.Plan) bool { return p.Hash != "" }) {
			wanted = append(wanted, d)
		}
	}
	if len(wanted) > 0 {
		return wanted
	}
	i := slices.IndexFunc(all, func(d *delivery) bool {
		return slices.ContainsFunc(d.plans, func(p *plan.Plan) bool { return back.HasCommitOf(p.Automation) })
	})
	return all[max(i, 0):][:1]
}

// refspecs returns the distinct refspecs of the delivery's automations, at least one:
// "" is that of an automation without a refspec.
func (d *delivery) refspecs() []string {
	var specs []string
	for _, p := range d.plans {
		specs = append(specs, p.Automation.Refspec)
	}
	slices.Sort(specs)
	return slices.Compact(specs)
}

// deliverAll makes all pushes of a lane. Each demands that the branch is as the push
// before left it. An error is about the first: nothing was pushed. If a later one fails,
// so do its automations and those after it, since their commits are on top.
func (b *branch) deliverAll(ctx context.Context, plans []*plan.Plan) error {
	before, all := b.memory.dues(ctx, b.lane), deliveries(plans, b.shown)
	due := slices.Clone(before)
	for _, d := range all {
		due = with(due, d.refspecs()...)
	}
	b.memory.keepDues(ctx, b.lane, due)
	due = before
	request := b.request(all[0].head)
	for i, d := range all {
		request.Snapshot, request.Options = d.head, d.options
		failed, err := b.pushDelivery(ctx, request, d)
		if err != nil && i == 0 {
			b.memory.keepDues(ctx, b.lane, before)
			return err
		}
		if err != nil {
			failDeliveries(all[i:], err)
			break
		}
		due = with(without(due, d.refspecs()...), failed...)
		request.Lease, request.Rebuilt = d.head.Hash(), false
	}
	for _, p := range plans {
		if p.Hash == "" && b.shown.HasCommitOf(p.Automation) {
			p.Result.Pushed = &Pushed{Commit: request.Lease, Branch: b.lane.push} // what it proposed is taken back
		}
	}
	b.memory.keepDues(ctx, b.lane, due)
	return nil
}

// pushDelivery pushes the branch, and after it each refspec of the delivery's
// automations, and returns those that failed. An error is about the branch: nothing
// was pushed.
func (b *branch) pushDelivery(ctx context.Context, request gitops.Push, d *delivery) (failed []string, err error) {
	for i, refspec := range d.refspecs() {
		request.Refspec = refspec
		if i > 0 {
			request.Lease = d.head.Hash() // it is there
		}
		pushed, err := b.send(ctx, request)
		if i == 0 && pushed.Branch == "" {
			return nil, err
		}
		if err != nil {
			failed = append(failed, refspec)
		}
		for _, p := range d.plans {
			recordPush(p, pushed, refspec, err)
		}
	}
	return failed, nil
}

// failDeliveries says that nothing of some deliveries was pushed, and why.
func failDeliveries(deliveries []*delivery, err error) {
	for _, d := range deliveries {
		for _, p := range d.plans {
			p.Result.Changes, p.Result.Images = []pinsetter.Change{}, []pinsetter.Written{}
			p.Result.Fail(fmt.Errorf("ImageUpdateAutomation %s: %w; the next run tries again", p.Automation.Name, err))
		}
	}
}

// recordPush records in a plan's result a push of the branch, and of refspec if it is the
// plan's.
func recordPush(p *plan.Plan, pushed gitops.Pushed, refspec string, err error) {
	if p.Hash != "" && pushed.Branch != "" {
		p.Result.Pushed = &Pushed{Commit: p.Hash, Branch: pushed.Branch, Message: p.Text}
		p.Result.Wrote = p.Wrote
	}
	if p.Hash == "" || refspec == "" || p.Automation.Refspec != refspec {
		return
	}
	if err != nil {
		p.Result.Fail(fmt.Errorf("ImageUpdateAutomation %s: %w", p.Automation.Name, err))
		return
	}
	p.Result.Pushed.Refspec = refspec
}

// with returns the refspecs and those of more that aren't among them and not empty.
func with(refspecs []string, more ...string) []string {
	for _, spec := range more {
		if spec != "" && !slices.Contains(refspecs, spec) {
			refspecs = append(slices.Clip(refspecs), spec)
		}
	}
	return refspecs
}

// without returns the refspecs less some.
func without(refspecs []string, some ...string) []string {
	return keep(refspecs, func(spec string) bool { return !slices.Contains(some, spec) })
}
