package bot

import (
	"context"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/plan"
)

// target is how a lane's commits are pushed:
//
//   - the push branch is the base, or isn't there yet: on the base;
//   - every commit that it has and the base hasn't was made by the lane's
//     automations: on the base again, so that the branch never falls behind;
//   - somebody else's commit is on it, or may be, or one of another automation,
//     whose lane makes its own, or the server lets no commit be dropped: on top of
//     that, without force.
type target struct {
	lease string       // what the push branch must be at when the push arrives; "": it must not exist
	shown *plan.Branch // the push branch where it is rebuilt from the base, else nil
}

// aim decides how a lane pushes, and what its commits are built on.
func (w *ownership) aim(ctx context.Context, l *lane, fetched *gitops.Fetched) (*plan.Ground, *target) {
	start, to := fetched.Base, &target{}
	push := fetched.Push[l.push]
	found, built := &owned{}, push != nil && (l.isBase || l.mayBeOthers(push.Commits))
	if push != nil && !built {
		found = w.own(ctx, l, fetched, func(string) string { return "" })[l.push]
	}
	switch {
	case push == nil && fetched.Base.Ref() == "refs/heads/"+l.push:
		to.lease = fetched.Base.Hash()
	case push == nil: // the branch is made
	case built, found.err != nil, len(push.Commits) > 0 && w.isKept(ctx, l, l.push):
		start, to.lease = push.Head, push.Head.Hash()
	default:
		to.shown, to.lease = plan.NewBranch(push, found.paths), push.Head.Hash()
	}
	g := l.groundOn(start)
	g.Proposal = func(pinsetter.Site) *plan.Branch { return to.shown }
	return g, to
}

// request is the push that moves the lane's branch to head, without refspec and
// options.
func (t *target) request(l *lane, head *gitops.Snapshot) gitops.Push {
	return gitops.Push{Snapshot: head, Branch: l.push, Lease: t.lease, Rebuilt: t.shown != nil}
}

// groundOn returns the ground of the lane's commits on start.
func (l *lane) groundOn(start *gitops.Snapshot) *plan.Ground {
	return plan.NewGround(l.repository(), start, l.readAt)
}

// repository returns the key of the lane's repository.
func (l *lane) repository() string {
	key, _ := address.Key(l.git.URL) // lanes has it already
	return key
}
