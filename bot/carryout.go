package bot

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
)

// carryOutAll is steps 5 and 6 for every group that isn't done. What fails is in
// the group's result and stops no other; that a branch has moved is returned when
// the others are done.
func (c *cycle) carryOutAll(ctx context.Context, s *survey, done map[string]*group) error {
	var stale error
	// A branch that no group has any more may stand where another is to be made.
	first := slices.SortedStableFunc(slices.Values(s.groups), func(a, b *group) int { return cmp.Compare(rank(a), rank(b)) })
	for _, g := range first {
		if done[g.branch] != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !g.failed {
			err := c.carryOut(context.WithoutCancel(ctx), s, g) // what is begun is finished
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
		if g.failed && g.result.Pushed == nil {
			g.result.Changes = []pinsetter.Change{}
		}
		done[g.branch] = g
	}
	c.keepInMind(ctx, s)
	if stale == nil && !slices.ContainsFunc(s.groups, func(g *group) bool { return !g.idle() || g.pr != nil }) {
		c.keepQuiet(ctx, s.lane, s.Fetched, []*plan{s.whole})
	}
	return stale
}

func rank(g *group) int {
	if g.left {
		return 0
	}
	return 1
}

// carryOut brings a group's branch and pull request to what was decided.
func (c *cycle) carryOut(ctx context.Context, s *survey, g *group) error {
	if err := c.stopMerging(ctx, s, g); err != nil {
		return err
	}
	switch {
	case slices.Contains(s.lane.proposes.bases, g.branch) && (g.wanted() || g.there != nil):
		return fmt.Errorf("branch %s is one that automations start from, and is not written: give the pull request another branch", g.branch)
	case g.foreign():
		return c.comment(ctx, s, g)
	case g.unsure != nil:
		g.report(Unchanged)
		return nil
	case s.whole.fileErr != nil && g.there != nil:
		g.report(Unchanged) // what can't be read may be what is proposed
		return nil
	case s.whole.isBlind() && g.there != nil && !g.wanted():
		g.report(Unchanged) // the same
		return nil
	case g.wanted():
		return c.offer(ctx, s, g)
	}
	return c.withdraw(ctx, s, g)
}

// report says in the group's result what became of its pull request. Changes are
// those that were written now.
func (g *group) report(action Action) {
	if g.result.Pushed == nil && action != Created {
		g.result.Changes = []pinsetter.Change{}
	}
	if g.pr != nil {
		g.result.PullRequest = &PullRequest{Number: g.pr.Number, URL: g.pr.URL, Action: action, Refused: g.refusal}
	}
}

// comment says on the pull request, once, that it is somebody else's now.
func (c *cycle) comment(ctx context.Context, s *survey, g *group) error {
	g.report(Unchanged)
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
func (c *cycle) withdraw(ctx context.Context, s *survey, g *group) error {
	if g.pr != nil && g.pr.State == forge.StateClosed && !g.pr.Ours && g.refusal {
		g.report(Unchanged)
		return nil
	}
	if g.there == nil && g.known.PullRequest == nil && (g.pr == nil || g.pr.State != forge.StateOpen) {
		g.pr = nil // it was over before
		return nil
	}
	action := Closed
	switch {
	case g.pr == nil:
	case g.pr.State == forge.StateMerged:
		action = Merged
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
	if g.there != nil {
		c.o.Log.Info("deleting", "repository", s.remote.String(), "branch", g.branch)
		if err := s.remote.Delete(ctx, g.branch, g.lease()); err != nil {
			return err
		}
	}
	g.report(action)
	g.pr, g.known = nil, proposalRecord{Refused: g.known.Refused} // it is over
	return nil
}

// offer brings the branch to what the group proposes, where it shows something
// else, and the pull request to what is to be read about it.
func (c *cycle) offer(ctx context.Context, s *survey, g *group) error {
	head, push, err := c.build(ctx, s, g)
	switch {
	case err != nil:
		return err
	case !push && g.pr != nil && g.pr.State == forge.StateMerged:
		g.report(Merged) // the base was read before that
		return nil
	case push && !g.wanted(): // nothing of it may be written anew
		g.report(Unchanged)
		return nil
	}
	learnt := c.learnBuilds(ctx, s, g)
	if !learnt && !push && g.pr != nil && g.pr.State == forge.StateOpen {
		g.report(Unchanged) // it says more than could be found out now
		return c.autoMerge(ctx, s, g)
	}
	proposal, err := c.describe(s, g)
	if err != nil {
		return err
	}
	if push && s.limit != nil {
		return s.limit // what is pushed would have no pull request
	}
	if push {
		if err := c.pushGroup(ctx, s, g, head); err != nil {
			return err
		}
	}
	action, err := c.bring(ctx, s, g, proposal, push)
	g.report(action)
	if err != nil {
		return err
	}
	return c.autoMerge(ctx, s, g)
}

// build returns the commit of a group, and whether the branch is to be moved to
// it. What a gate refuses now stays on a branch that needs no push, and is left
// out of one that does.
func (c *cycle) build(ctx context.Context, s *survey, g *group) (*gitops.Snapshot, bool, error) {
	head, err := c.commit(ctx, g.plan, s.Base)
	if err != nil || g.shown == nil {
		return head, true, err
	}
	differs, err := g.shown.differs(ctx, head, []*plan{g.plan})
	if err != nil || !differs || !g.keeps(decide.Refused) {
		return head, differs, err
	}
	g.drop(func(file markedFile, i int) bool { return file.kept[i] == decide.Refused })
	g.apply()
	head, err = c.commit(ctx, g.plan, s.Base)
	return head, true, err
}

// pushGroup is step 5 for one group: as the automation, or as the forge, which
// signs it.
func (c *cycle) pushGroup(ctx context.Context, s *survey, g *group, head *gitops.Snapshot) error {
	a := s.whole.automation
	c.o.Progress("pushing to " + g.branch)
	c.o.Log.Info("pushing", "repository", s.remote.String(), "branch", g.branch, "commit", g.commit)
	if a.PullRequest.Spec.VerifiedCommits {
		return c.commitVerified(ctx, s, g)
	}
	pushed, err := c.send(ctx, s.remote, gitops.Push{
		Snapshot: head, Branch: g.branch, Lease: g.lease(), Rebuilt: g.there != nil, Options: a.PushOptions,
	})
	if pushed.Branch == "" {
		return err
	}
	c.keepPushed(ctx, s.lane, g.branch, []string{g.commit})
	g.landed()
	return nil
}

// landed records that the group's commit is on its branch.
func (g *group) landed() {
	g.result.Pushed = &Pushed{Commit: g.commit, Branch: g.branch}
	g.result.wrote = g.wrote
	g.known.Commit = g.commit
}

// describe returns what the pull request is to be.
func (c *cycle) describe(s *survey, g *group) (forge.Proposal, error) {
	a := s.whole.automation
	object := a.PullRequest
	of := message.Proposal{
		Data:   message.Data{Automation: a.Name, Path: a.Path, Changes: g.result.Changes, Images: g.written},
		Group:  g.name,
		Ranges: g.ranges(),
		Held:   g.result.Held,
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
func (c *cycle) bring(ctx context.Context, s *survey, g *group, p forge.Proposal, pushed bool) (Action, error) {
	if g.pr == nil || g.pr.State != forge.StateOpen {
		c.o.Progress("opening a pull request for " + g.branch)
		pr, err := s.forge.Create(ctx, p)
		if pr != nil {
			g.pr, g.known = pr, proposalRecord{Builds: g.known.Builds, Commit: g.known.Commit, Refused: g.known.Refused}
		}
		return Created, err
	}
	pr, changed, err := s.forge.Update(ctx, g.pr, p)
	if pr != nil {
		g.pr = pr
	}
	if pushed {
		g.pr.HeadHash = g.result.Pushed.Commit
	}
	if pushed || changed {
		return Updated, err
	}
	return Unchanged, err
}

// stopMerging takes back what the forge was to do by itself, where that isn't
// wanted any more, or isn't bound to a commit: earlier versions asked for that too.
func (c *cycle) stopMerging(ctx context.Context, s *survey, g *group) error {
	if g.pr == nil || g.pr.State != forge.StateOpen {
		return nil
	}
	object := s.whole.automation.PullRequest
	asked, provider := object.Spec.AutoMerge, object.Forge.Provider
	mayBe := provider == fleet.ForgeGitea && g.known.PullRequest == nil // Gitea doesn't say
	promised := g.known.Merging != "" || asked && (g.pr.AutoMerge || mayBe)
	bound := provider == fleet.ForgeGitLab
	if !promised || bound && asked && !g.foreign() && g.unsure == nil && !g.keeps(decide.Waits, decide.Refused) {
		return nil
	}
	err := s.forge.StopMerging(ctx, g.pr)
	if errors.Is(err, forge.ErrForbidden) && g.known.Merging == "" {
		c.o.Log.Warn("somebody had the forge merge this by itself, which the token may not take back", "pullRequest", g.pr.URL, "error", err)
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
func (c *cycle) autoMerge(ctx context.Context, s *survey, g *group) error {
	object := s.whole.automation.PullRequest
	if !object.Spec.AutoMerge || g.pr == nil || g.pr.State != forge.StateOpen || g.pr.Draft || g.keeps(decide.Waits, decide.Refused) {
		return nil
	}
	mine := ""
	switch {
	case g.result.Pushed != nil:
		mine = g.result.Pushed.Commit
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
		g.report(Merged)
		g.pr.State = forge.StateMerged
	case forge.MergeEnabled:
		g.known.Merging, g.pr.AutoMerge = mine, true
	default:
		c.o.Log.Info("not merged yet", "pullRequest", g.pr.URL, "reason", why)
	}
	return nil
}
