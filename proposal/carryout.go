package proposal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/plan"
)

// proposer carries out what a survey came to.
type proposer struct{ *Survey }

// CarryOut is steps 5 and 6 for every group that isn't done. What fails is in
// the group's result and stops no other; that a branch has moved is returned when
// the others are done.
func (s *Survey) CarryOut(ctx context.Context, done Settled) error {
	p := proposer{s}
	var stale error
	// A branch that no group has any more may stand where another is to be made.
	first := slices.SortedStableFunc(slices.Values(s.Groups), func(a, b *Group) int { return cmp.Compare(rank(a), rank(b)) })
	for _, g := range first {
		if done[g.branch] != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !g.Failed {
			err := p.carryOut(context.WithoutCancel(ctx), g) // what is begun is finished
			if errors.Is(err, forge.ErrMoved) {
				err = fmt.Errorf("%w: %w", gitops.ErrStale, err)
			}
			if errors.Is(err, gitops.ErrStale) {
				stale = err
				continue
			}
			if err != nil {
				g.fail(err)
				s.heed(err)
			}
		}
		if g.Failed && g.Result.Pushed == nil {
			g.Result.Changes = []pinsetter.Change{}
		}
		done[g.branch] = g
	}
	s.keepInMind(ctx)
	return stale
}

func rank(g *Group) int {
	if g.left {
		return 0
	}
	return 1
}

// carryOut brings a group's branch and pull request to what was decided.
func (s proposer) carryOut(ctx context.Context, g *Group) error {
	if err := s.stopMerging(ctx, g); err != nil {
		return err
	}
	switch {
	case slices.Contains(s.branches.bases, g.branch) && (g.wanted() || g.there != nil):
		return fmt.Errorf("branch %s is one that automations start from, and is not written: give the pull request another branch", g.branch)
	case g.foreign():
		return s.comment(ctx, g)
	case g.unsure != nil:
		g.report(plan.Unchanged)
		return nil
	case s.Whole.FileErr != nil && g.there != nil:
		g.report(plan.Unchanged) // what can't be read may be what is proposed
		return nil
	case s.Whole.IsBlind() && g.there != nil && !g.wanted():
		g.report(plan.Unchanged) // the same
		return nil
	case g.wanted():
		return s.offer(ctx, g)
	}
	return s.withdraw(ctx, g)
}

// report says in the group's result what became of its pull request. Changes are
// those that were written now.
func (g *Group) report(action plan.Action) {
	if g.Result.Pushed == nil && action != plan.Created {
		g.Result.Changes = []pinsetter.Change{}
	}
	if g.pr != nil {
		g.Result.PullRequest = &plan.PullRequest{Number: g.pr.Number, URL: g.pr.URL, Action: action, Refused: g.refusal}
	}
}

// comment says on the pull request, once, that it is somebody else's now.
func (s proposer) comment(ctx context.Context, g *Group) error {
	g.report(plan.Unchanged)
	if g.pr == nil || g.pr.State != forge.StateOpen || g.known.Commented {
		return nil
	}
	text := fmt.Sprintf("Branch `%s` has a commit that Pinsetter didn't make, so Pinsetter leaves it alone from now on. "+
		"Merge this pull request, or close it and delete the branch, to have updates proposed again.", g.branch)
	err := s.forge.CommentOnce(ctx, g.pr, "somebody-elses-commit", text)
	g.known.Commented = err == nil
	return err
}

// Words why a pull request is closed.
const (
	nothingLeft = "Nothing is left to propose: the base branch shows it already, another value is chosen, or its marker or policy is gone."
	noGroup     = "Changes are grouped another way now, or come from a branch of another name: what is still to be proposed is in another pull request."
)

// withdraw ends the pull request of a group that changes nothing any more, and
// deletes its branch. What a person refused is left as it is.
func (s proposer) withdraw(ctx context.Context, g *Group) error {
	if g.pr != nil && g.pr.State == forge.StateClosed && !g.pr.Ours && g.refusal {
		g.report(plan.Unchanged)
		return nil
	}
	over := g.known.PullRequest == nil && (g.pr == nil || g.pr.State != forge.StateOpen)
	if over && (g.there == nil || s.o.Conductor.IsKept(ctx, g.branch)) {
		g.pr = nil // it was over before
		return nil
	}
	action := plan.Closed
	switch {
	case g.pr == nil:
	case g.pr.State == forge.StateMerged:
		action = plan.Merged
	case g.pr.State == forge.StateOpen && g.there != nil && g.pr.HeadHash != g.lease():
		return fmt.Errorf("pull request #%d: %w", g.pr.Number, gitops.ErrStale) // somebody may have come to it
	case g.pr.State == forge.StateOpen:
		closed, err := s.forge.Close(ctx, g.pr, "")
		if err != nil {
			return err
		}
		g.pr = closed
	}
	if g.pr != nil && g.pr.Ours { // closed now, or by a run that went no further
		why := nothingLeft
		if g.left {
			why = noGroup
		}
		if err := s.forge.CommentOnce(ctx, g.pr, "nothing-left", why); err != nil {
			return err
		}
	}
	stays, err := s.delete(ctx, g)
	if err != nil {
		return err
	}
	if !stays || !over {
		g.report(action)
	}
	g.pr, g.known = nil, Record{Refused: g.known.Refused} // it is over
	return nil
}

// delete deletes a group's branch, and reports whether it stays because the server's
// rules want that.
func (s proposer) delete(ctx context.Context, g *Group) (stays bool, err error) {
	if g.there == nil {
		return false, nil
	}
	s.o.Log.Info("deleting", "repository", s.Remote.String(), "branch", g.branch)
	err = s.Remote.Delete(ctx, g.branch, g.lease())
	if !errors.Is(err, gitops.ErrProtected) {
		return false, err
	}
	s.o.Log.Warn("the server lets the branch not be deleted; it stays", "repository", s.Remote.String(), "branch", g.branch, "error", err)
	s.o.Conductor.KeepKept(ctx, g.branch)
	return true, nil
}

// offer brings the branch to what the group proposes, where it shows something
// else, and the pull request to what is to be read about it.
func (s proposer) offer(ctx context.Context, g *Group) error {
	learnt := s.learnBuilds(ctx, g)
	head, push, err := s.build(ctx, g)
	switch {
	case err != nil:
		return err
	case !push && g.pr != nil && g.pr.State == forge.StateMerged:
		g.report(plan.Merged) // the base was read before that
		return nil
	case push && !g.wanted(): // nothing of it may be written anew
		g.report(plan.Unchanged)
		return nil
	}
	if !learnt && !push && g.pr != nil && g.pr.State == forge.StateOpen {
		g.report(plan.Unchanged) // it says more than could be found out now
		return s.autoMerge(ctx, g)
	}
	proposal, err := s.describe(g)
	if err != nil {
		return err
	}
	if push && s.limit != nil {
		return s.limit // what is pushed would have no pull request
	}
	if push {
		if err := s.pushGroup(ctx, g, head); err != nil {
			return err
		}
	}
	action, err := s.bring(ctx, g, proposal, push)
	g.report(action)
	if err != nil {
		return err
	}
	return s.autoMerge(ctx, g)
}

// build returns the commit of a group, and whether the branch is to be moved to
// it. What a gate refuses now stays on a branch that needs no push, and is left
// out of one that does.
func (s proposer) build(ctx context.Context, g *Group) (*gitops.Snapshot, bool, error) {
	head, err := g.Commit(ctx, s.Base, s.o.Now())
	if err != nil || g.shown == nil {
		return head, true, err
	}
	differs, err := g.shown.Differs(ctx, head, []*plan.Plan{g.Plan})
	if err != nil || !differs || !g.keeps(decide.Refused) {
		return head, differs, err
	}
	g.drop(func(file plan.File, i int) bool { return file.Kept[i] == decide.Refused })
	g.Apply()
	head, err = g.Commit(ctx, s.Base, s.o.Now())
	return head, true, err
}

// pushGroup is step 5 for one group: as the automation, or as the forge, which
// signs it.
func (s proposer) pushGroup(ctx context.Context, g *Group, head *gitops.Snapshot) error {
	a := s.automation
	s.o.Progress("pushing to " + g.branch)
	s.o.Log.Info("pushing", "repository", s.Remote.String(), "branch", g.branch, "commit", g.Hash)
	send := s.push
	if a.PullRequest.Spec.VerifiedCommits {
		send = s.commitVerified
	}
	has := g.there != nil && len(g.there.Commits) > 0
	if has && s.o.Conductor.IsKept(ctx, g.branch) {
		return send(ctx, g, head, true)
	}
	err := send(ctx, g, head, false)
	if has && (errors.Is(err, gitops.ErrNoReplace) || errors.Is(err, forge.ErrNoReplace)) {
		s.o.Log.Info("the server lets the branch not be replaced; committing on top of it", "repository", s.Remote.String(), "branch", g.branch)
		s.o.Conductor.KeepKept(ctx, g.branch)
		return send(ctx, g, head, true)
	}
	return err
}

// push pushes a group's commit. If it goes over the branch, that loses nothing: its
// files are the same, so that the pull request shows what it would show otherwise.
func (s proposer) push(ctx context.Context, g *Group, head *gitops.Snapshot, over bool) error {
	push := gitops.Push{Snapshot: head, Branch: g.branch, Lease: g.lease(), Rebuilt: g.there != nil && !over, Options: s.automation.PushOptions}
	var below []string
	if over {
		var err error
		if push.Snapshot, err = g.CommitOver(ctx, s.Base, g.there, s.o.Now()); err != nil {
			return err
		}
		for _, commit := range g.there.Commits {
			below = append(below, commit.Hash)
		}
	}
	pushed, err := s.o.Conductor.Push(ctx, s.Remote, push, below)
	if pushed.Branch == "" {
		return err
	}
	g.landed()
	return nil
}

// landed records that the group's commit is on its branch.
func (g *Group) landed() {
	g.Result.Pushed = &plan.Pushed{Commit: g.Hash, Branch: g.branch, Message: g.Text}
	g.Result.Wrote = g.Wrote
	g.known.Commit = g.Hash
}

// describe returns what the pull request is to be.
func (s proposer) describe(g *Group) (forge.Proposal, error) {
	a := s.automation
	object := a.PullRequest
	of := message.Proposal{
		Data:   g.MessageData(),
		Group:  g.name,
		Ranges: g.ranges(),
		Held:   g.Result.Held,
		Builds: g.known.Builds,
	}
	title, err := object.Texts.Title(of)
	if err != nil {
		return forge.Proposal{}, err
	}
	body, err := object.Texts.Body(of, forge.MaxBody)
	if err != nil {
		return forge.Proposal{}, err
	}
	return forge.Proposal{
		Head: g.branch, Base: a.BaseBranch(), Title: title, Body: body,
		Labels: object.Spec.Labels, Reviewers: object.Spec.Reviewers, Assignees: object.Spec.Assignees, Draft: object.Spec.Draft,
	}, nil
}

// bring opens the group's pull request, or updates it.
func (s proposer) bring(ctx context.Context, g *Group, p forge.Proposal, pushed bool) (plan.Action, error) {
	if g.pr == nil || g.pr.State != forge.StateOpen {
		s.o.Progress("opening a pull request for " + g.branch)
		pr, err := s.forge.Create(ctx, p)
		if pr != nil {
			g.pr, g.known = pr, Record{Builds: g.known.Builds, Commit: g.known.Commit, Refused: g.known.Refused}
		}
		return plan.Created, err
	}
	pr, changed, err := s.forge.Update(ctx, g.pr, p)
	if pr != nil {
		g.pr = pr
	}
	if pushed {
		g.pr.HeadHash = g.Result.Pushed.Commit
	}
	if pushed || changed {
		return plan.Updated, err
	}
	return plan.Unchanged, err
}

// stopMerging takes back what the forge was to do by itself, where that isn't
// wanted any more, or isn't bound to a commit: earlier versions asked for that too.
func (s proposer) stopMerging(ctx context.Context, g *Group) error {
	if g.pr == nil || g.pr.State != forge.StateOpen {
		return nil
	}
	object := s.automation.PullRequest
	asked, provider := object.Spec.AutoMerge, object.Forge.Provider
	mayBe := provider == fleet.ForgeGitea && g.known.PullRequest == nil // Gitea doesn't say
	promised := g.known.Merging != "" || asked && (g.pr.AutoMerge || mayBe)
	bound := provider == fleet.ForgeGitLab
	if !promised || bound && asked && !g.foreign() && g.unsure == nil && !g.keeps(decide.Waits, decide.Refused) {
		return nil
	}
	err := s.forge.StopMerging(ctx, g.pr)
	if errors.Is(err, forge.ErrForbidden) && g.known.Merging == "" {
		s.o.Log.Warn("somebody had the forge merge this by itself, which the token may not take back", "pullRequest", g.pr.URL, "error", err)
		return nil
	}
	if err == nil {
		g.known.Merging, g.pr.AutoMerge = "", false
	}
	return err
}

// autoMerge merges an open pull request, or has the forge merge it when its rules
// allow. Its branch must be what was pushed now, or be the bot's and show what is
// decided now, all of which could be written: what is merged is that commit.
func (s proposer) autoMerge(ctx context.Context, g *Group) error {
	object := s.automation.PullRequest
	if !object.Spec.AutoMerge || g.pr == nil || g.pr.State != forge.StateOpen || g.pr.Draft || g.keeps(decide.Waits, decide.Refused) {
		return nil
	}
	mine := ""
	switch {
	case g.Result.Pushed != nil:
		mine = g.Result.Pushed.Commit
	case g.shown != nil:
		mine = g.lease()
	}
	if mine == "" || g.pr.HeadHash != mine {
		return nil
	}
	if object.Forge.Provider == fleet.ForgeGitLab && g.pr.AutoMerge && g.known.Merging == mine {
		return nil
	}
	merging, why, err := s.forge.Merge(ctx, g.pr)
	if err != nil {
		return err
	}
	g.known.Merging, g.pr.AutoMerge = "", false
	switch merging {
	case forge.MergeDone:
		g.report(plan.Merged)
		g.pr.State = forge.StateMerged
	case forge.MergeEnabled:
		g.known.Merging, g.pr.AutoMerge = mine, true
	default:
		s.o.Log.Info("not merged yet", "pullRequest", g.pr.URL, "reason", why)
	}
	return nil
}
