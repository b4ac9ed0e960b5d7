package bot

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/replay"
)

// branch is the target of a lane that pushes to a branch:
//
//   - the branch is the base, or isn't there yet: on the base;
//   - the lane's automations made every commit that it has and the base hasn't: on
//     the base again, so that the branch never falls behind;
//   - it has a commit of somebody else, or may have, or one of another automation,
//     whose lane makes its own, or the server lets no commit be dropped: on top of
//     that, without force.
type branch struct {
	reading
	ground *plan.Ground
	lease  string           // what the branch must be at when the push arrives; "": it must not exist
	shown  *plan.Branch     // the branch if it is rebuilt from the base, else nil
	head   *gitops.Snapshot // with the commits so far
}

// fetch implements target.
func (b *branch) fetch(ctx context.Context) error { return b.fetchWith(ctx, b.lane.push) }

// read implements target.
func (b *branch) read(ctx context.Context) error {
	b.warnOfRival()
	b.aim(ctx)
	b.recallHistory(ctx, b.ground)
	b.head = b.ground.Start
	return nil
}

// aim decides what the commits are built on, and how they are pushed.
func (b *branch) aim(ctx context.Context) {
	l, start, w := b.lane, b.fetched.Base, b.ownership
	push := b.fetched.Push[l.push]
	found, built := &replay.Branch{}, push != nil && (l.isBase || l.mayBeOthers(push.Commits))
	if push != nil && !built {
		found = w.Of(ctx, l.writers(), b.fetched, func(string) string { return "" })[l.push]
	}
	switch {
	case push == nil && start.Ref() == "refs/heads/"+l.push:
		b.lease = start.Hash()
	case push == nil: // the branch is made
	case built, found.Err != nil, len(push.Commits) > 0 && l.isKept(ctx, w, l.push):
		start, b.lease = push.Head, push.Head.Hash()
	default:
		b.shown, b.lease = plan.NewBranch(push, found.Paths), push.Head.Hash()
	}
	b.ground = l.groundOn(start)
	b.ground.Proposal = func(pinsetter.Site) *plan.Branch { return b.shown }
}

// find implements target.
func (b *branch) find(ctx context.Context, a *fleet.Automation) *plan.Plan {
	return b.findOn(ctx, a, b.ground, b.head)
}

// apply implements target: it adds a commit to head.
func (b *branch) apply(ctx context.Context, p *plan.Plan) error {
	b.applyPlan(ctx, b.lane, p)
	head, err := p.Commit(ctx, b.head, b.o.Now())
	if err != nil {
		return &commitError{p.Automation, err}
	}
	b.head, p.Head = head, head
	return nil
}

// deliver implements target.
func (b *branch) deliver(ctx context.Context) (err error) {
	b.lane.seat.Away(func() {
		b.memory.keepQuiet(ctx, b.lane, b.fetched, b.found)
		err = b.pushAll(ctx)
	})
	return err
}

// results implements target.
func (b *branch) results() []*Result { return resultsOf(b.found...) }

// request is the push that moves the branch to head, without refspec and options.
func (b *branch) request(head *gitops.Snapshot) gitops.Push {
	return gitops.Push{Snapshot: head, Branch: b.lane.push, Lease: b.lease, Rebuilt: b.shown != nil}
}

// commitError says that an automation's commit can't be built: its template
// fails, or its key doesn't sign. The lane goes on without it.
type commitError struct {
	automation *fleet.Automation
	err        error
}

func (e *commitError) Error() string {
	return fmt.Sprintf("ImageUpdateAutomation %s: %v", e.automation.Name, e.err)
}

func (e *commitError) Unwrap() error { return e.err }
