package proposal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/plan"
)

// Consult learns from the forge what became of each group's pull request, and takes back
// what people or the forge don't want.
func (s *Survey) Consult(ctx context.Context) {
	s.look(ctx)
	for _, g := range s.Groups {
		if err := s.hear(ctx, g); err != nil {
			g.fail(err)
		}
	}
	for _, g := range s.Groups {
		if err := s.weigh(ctx, g); err != nil {
			g.fail(err)
		}
	}
}

// made reports whether a commit that the forge lists is taken for the bot's: it
// says so, and nothing is written or dropped by it.
func (s *Survey) made(branch string, commit gitops.CommitInfo) bool {
	a := s.automation
	return commit.Hash == s.known[branch].Commit || plan.Made(a, commit) && within(a, commit)
}

// within reports whether a commit says that it wrote below an automation's path,
// or not what it wrote: another Pinsetter may have an automation of that name
// with another path.
func within(a *fleet.Automation, commit gitops.CommitInfo) bool {
	changes := message.ParseTrailers(commit.Message).Changes
	return len(changes) == 0 || slices.ContainsFunc(changes, func(c pinsetter.Change) bool { return a.Covers(c.Path) })
}

// look asks the forge for the pull requests of all groups that may have one, or
// are to get one.
func (s *Survey) look(ctx context.Context) {
	asked := slices.DeleteFunc(slices.Clone(s.Groups), func(g *Group) bool {
		return g.there == nil && g.known.PullRequest == nil && !g.changes(anySite)
	})
	if len(asked) == 0 {
		return
	}
	a := s.automation
	var err error
	if s.forge, err = forge.Open(&a.PullRequest.Forge, s.o.Forge); err != nil {
		for _, g := range asked {
			g.fail(err)
		}
		return
	}
	s.o.Progress("asking " + s.forge.String())
	sought := make([]forge.Sought, len(asked))
	for i, g := range asked {
		sought[i] = forge.Sought{Head: g.branch, Base: a.BaseBranch(), Known: g.known.PullRequest}
	}
	for i, found := range s.forge.FindAll(ctx, sought) {
		g := asked[i]
		if g.pr = found.PullRequest; found.Err != nil {
			g.fail(found.Err)
		}
		s.heed(g.Result.Err)
	}
}

func anySite(pinsetter.Site) bool { return true }

// heed remembers that the forge wants to be left alone.
func (s *Survey) heed(err error) {
	if errors.Is(err, forge.ErrRateLimited) && s.limit == nil {
		s.limit = err
	}
}

// weigh takes back what people or the forge don't want of a group.
func (s *Survey) weigh(ctx context.Context, g *Group) error {
	if g.Failed {
		return nil
	}
	if g.foreign() {
		g.leaveAlone(ctx)
		return nil
	}
	if g.unsure != nil {
		g.hold(pinsetter.RuleForeign, func(pinsetter.Site, pinsetter.Image) string {
			return fmt.Sprintf("whether branch %s is Pinsetter's own can't be found out now, and it stays as it is: %s", g.branch, pinsetter.OneLine(g.unsure))
		})
		return nil
	}
	s.respect(g)
	return s.spareWorkflows(ctx, g)
}

// workflows is where GitHub keeps what runs with the repository's secrets.
const workflows = ".github/workflows/"

// spareWorkflows holds changes of GitHub's workflows where the credentials may
// not change them: the push would be refused as a whole.
func (s *Survey) spareWorkflows(ctx context.Context, g *Group) error {
	touches := func(file plan.File) bool { return strings.HasPrefix(file.Path, workflows) && len(file.Takes) > 0 }
	if s.forge == nil || !slices.ContainsFunc(g.Marked, touches) {
		return nil
	}
	pusher, err := s.pusher()
	if err != nil || pusher == nil {
		return err
	}
	may, why, err := pusher.MayEditWorkflows(ctx)
	if err != nil || may {
		return err
	}
	g.hold(pinsetter.RuleWorkflows, func(site pinsetter.Site, _ pinsetter.Image) string {
		if strings.HasPrefix(site.Path, workflows) {
			return why
		}
		return ""
	})
	return nil
}

// pusher returns the repository for who pushes to it: that is asked which files
// may be changed. Nil: a key of ssh, from which GitHub keeps no files.
func (s *Survey) pusher() (*forge.Repository, error) {
	object, git := s.automation.PullRequest, s.automation.Git
	as := object.Forge
	as.App, as.Token = git.App, git.Auth.Password
	switch {
	case object.Spec.VerifiedCommits || as.App == object.Forge.App && as.Token == object.Forge.Token:
		return s.forge, nil
	case strings.HasPrefix(git.URL, "ssh:"):
		return nil, nil
	case !object.Forge.Lent: // a mirror's token, or another tenant's, is not the forge's to see
		return s.forge, nil
	}
	return forge.Open(&as, s.o.Forge)
}
