package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
)

// courier brings the commits of a lane's plans to the server.
type courier struct {
	*cycle
	lane   *lane
	remote *gitops.Remote
	to     *target
}

// push is step 5. It says in the results what was pushed; where nothing is, no
// automation changed anything. The error is about the branch; a refspec that is
// refused once the branch is pushed fails the automations that asked for it.
func (r *courier) push(ctx context.Context, head *gitops.Snapshot, plans []*plan.Plan) error {
	l, to := r.lane, r.to
	wanted, err := head.Hash() != plans[0].Ground.Start.Hash(), error(nil)
	switch {
	case to.shown != nil && onlyWait(plans):
		wanted = false
	case to.shown != nil:
		wanted, err = to.shown.Differs(ctx, head, plans)
	}
	if err != nil || !wanted {
		for _, p := range plans {
			p.Result.Changes = []pinsetter.Change{}
		}
		if err != nil {
			return err
		}
		return r.pushDues(ctx, plans)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what is begun is finished
	r.o.Progress("pushing to " + l.push)
	r.o.Log.Debug("pushing", "repository", r.remote.String(), "branch", l.push, "commit", head.Hash())
	if err := r.deliverAll(ctx, plans); err != nil {
		return insteadOfPush(err, plans)
	}
	if !l.isBase {
		r.ownership.keepPushed(ctx, l, l.push, commitsOf(plans))
	}
	return nil
}

// commitsOf returns the hashes of the commits of plans that were pushed.
func commitsOf(plans []*plan.Plan) []string {
	hashes := []string{}
	for _, p := range plans {
		if p.Hash != "" && p.Result.Pushed != nil {
			hashes = append(hashes, p.Hash)
		}
	}
	return hashes
}

// onlyWait reports whether all that plans would write is proposed already and
// waits: nothing is decided about it now, or nothing may be written.
func onlyWait(plans []*plan.Plan) bool {
	some := false
	for _, p := range plans {
		for _, file := range p.Marked {
			for i, image := range file.Takes {
				if decide.ShownAt(file.Sites[i], image) {
					continue
				}
				if file.Kept[i] != decide.Waits {
					return false
				}
				some = true
			}
		}
	}
	return some
}

// insteadOfPush adds to a push that the server's rules refuse what they may want
// instead.
func insteadOfPush(err error, plans []*plan.Plan) error {
	if !errors.Is(err, gitops.ErrProtected) {
		return err
	}
	return fmt.Errorf("%w; where the branch is protected, have the change proposed: an object of kind PullRequest (pinsetter.dev/v1alpha1) with spec.automationRef.name: %s",
		err, plans[0].Automation.Name.Name)
}

// send pushes for a lane, and tells the observer. Before that the ledger is told what
// was seen.
func (c *cycle) send(ctx context.Context, l *lane, remote *gitops.Remote, p gitops.Push) (gitops.Pushed, error) {
	c.selector.Tell(ctx)
	defer l.looks.forget()
	ended := c.o.wait(remote.Host(), "push to "+remote.String())
	defer ended()
	pushed, err := remote.Push(ctx, p)
	c.o.Observer.Push(err)
	return pushed, err
}
