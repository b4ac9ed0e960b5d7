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

// pushAll pushes the commits of all plans, and says so in their results. If nothing is
// pushed, no automation changed anything. The error is about the branch; a refspec that
// is refused once the branch is pushed fails the automations that asked for it.
func (b *branch) pushAll(ctx context.Context) error {
	l, plans := b.lane, b.found
	wanted, err := b.head.Hash() != b.ground.Start.Hash(), error(nil)
	switch {
	case b.shown != nil && onlyWait(plans):
		wanted = false
	case b.shown != nil:
		wanted, err = b.shown.Differs(ctx, b.head, plans)
	}
	if err != nil || !wanted {
		for _, p := range plans {
			p.Result.Changes = []pinsetter.Change{}
		}
		if err != nil {
			return err
		}
		return b.pushDues(ctx, plans)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what is begun is finished
	b.o.Progress("pushing to " + l.push)
	b.o.Log.Debug("pushing", "repository", b.remote.String(), "branch", l.push, "commit", b.head.Hash())
	if err := b.deliverAll(ctx, plans); err != nil {
		return insteadOfPush(err, plans)
	}
	if !l.isBase {
		b.ownership.KeepPushed(ctx, l.writers(), l.push, commitsOf(plans))
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

// onlyWait reports whether everything that plans would write is proposed already and
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

// insteadOfPush adds a way out to an error about a push that the server's rules refuse.
func insteadOfPush(err error, plans []*plan.Plan) error {
	if !errors.Is(err, gitops.ErrProtected) {
		return err
	}
	return fmt.Errorf("%w; where the branch is protected, have the change proposed: an object of kind PullRequest (pinsetter.dev/v1alpha1) with spec.automationRef.name: %s",
		err, plans[0].Automation.Name.Name)
}
