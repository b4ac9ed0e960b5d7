package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/pause"
)

// propose works on a lane whose automation proposes, until what is to become of
// each of its pull requests is settled. It returns a result for each group of
// changes, else one for the automation.
func (c *cycle) propose(ctx context.Context, l *lane) []*Result {
	done := map[string]*group{} // by branch
	for n := 1; ; n++ {
		results, err := c.proposeOnce(ctx, l, done)
		switch {
		case err == nil:
			return results
		case errors.Is(err, gitops.ErrStale) && n < attempts && pause.For(ctx, time.Duration(n)*100*time.Millisecond) == nil:
			c.o.Log.Info("a branch moved; starting again", "repository", l.git.Name, "automation", l.automations[0].Name, "attempt", n)
			continue
		case errors.Is(err, gitops.ErrStale):
			err = fmt.Errorf("%w, %d times in a row; the next run tries again", err, n)
		}
		results = l.failed(err)
		for _, g := range done { // what was done is there
			if !g.idle() {
				results = append(results, g.result)
			}
		}
		return c.observed(results)
	}
}

// proposeOnce surveys the lane, and carries out what isn't done. An error is
// gitops.ErrStale when a branch has moved since it was read.
func (c *cycle) proposeOnce(ctx context.Context, l *lane, done map[string]*group) ([]*Result, error) {
	s, err := c.survey(ctx, l, nil)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if s.quiet != nil {
		return s.quiet, nil
	}
	if c.mode == Push {
		l.seat.away(func() { err = c.carryOutAll(ctx, s, done) })
	}
	if err != nil {
		return nil, err
	}
	return c.observed(s.results(done)), nil
}

// observed tells the observer what became of pull requests.
func (c *cycle) observed(results []*Result) []*Result {
	for _, r := range results {
		if r.PullRequest != nil && r.PullRequest.Action != Unchanged {
			c.o.Observer.PullRequest(r.PullRequest.Action)
		}
	}
	return results
}

// survey does the steps up to the rewrite for all groups: what to propose is
// decided once, on the base, and then divided. With a policy, only its sites are
// decided. The caller closes the survey.
func (c *cycle) survey(ctx context.Context, l *lane, only *fleet.Policy) (*survey, error) {
	s := &survey{lane: l}
	c.remember(ctx, s)
	var err error
	if s.remote, s.Fetched, err = c.fetch(ctx, l, l.proposes.asked(maps.Keys(s.known))...); err != nil {
		return nil, err
	}
	l.seat.holding(func() int64 { return held(s.Fetched) })
	if only == nil {
		if s.quiet = c.isQuiet(ctx, l, s.Fetched); s.quiet != nil {
			return s, nil
		}
	}
	c.findOwn(ctx, s)
	s.ground = newGround(l, s.Base)
	s.ground.groups, s.ground.shown = true, s.shows
	c.recallHistory(ctx, s.remote, l, s.ground)
	s.whole = c.find(ctx, l.automations[0], s.ground, s.Base)
	s.Keep() // as attempt does
	s.whole.only = only
	l.seat.holding(func() int64 { return held(s.Fetched, s.whole) })
	l.seat.away(func() { c.decide(ctx, s.whole) })
	if err := s.split(); err != nil {
		s.Close()
		return nil, err
	}
	l.seat.away(func() { c.consult(ctx, s) })
	for _, g := range s.groups {
		g.apply()
	}
	return s, nil
}

// consult learns from the forge what became of each group's pull request, and takes back
// what people or the forge don't want.
func (c *cycle) consult(ctx context.Context, s *survey) {
	c.look(ctx, s)
	for _, g := range s.groups {
		if err := c.hear(ctx, s, g); err != nil {
			g.fail(err)
		}
	}
	for _, g := range s.groups {
		if err := c.weigh(ctx, s, g); err != nil {
			g.fail(err)
		}
	}
}

// findOwn finds the branches of which the bot made every commit.
func (c *cycle) findOwn(ctx context.Context, s *survey) {
	s.own, s.unsure = map[string]*shown{}, map[string]error{}
	for branch, found := range c.own(ctx, s.lane, s.Fetched, func(branch string) string { return s.known[branch].Commit }) {
		switch {
		case found.err == nil:
			s.own[branch] = newShown(s.Push[branch], found)
		case !found.isTheirs():
			s.unsure[branch] = found.err
		}
	}
}

// made reports whether a commit that the forge lists is taken for the bot's: it
// says so, and nothing is written or dropped by it.
func (s *survey) made(branch string, commit gitops.CommitInfo) bool {
	a := s.lane.automations[0]
	return commit.Hash == s.known[branch].Commit || made(a, commit) && within(a, commit)
}

// within reports whether a commit says that it wrote below an automation's path,
// or not what it wrote: another Pinsetter may have an automation of that name
// with another path.
func within(a *fleet.Automation, commit gitops.CommitInfo) bool {
	changes := message.ParseTrailers(commit.Message).Changes
	return len(changes) == 0 || slices.ContainsFunc(changes, func(c pinsetter.Change) bool { return a.Covers(c.Path) })
}

// shows returns the branch of the bot's own that proposes a site, or nil.
func (s *survey) shows(site pinsetter.Site) *shown {
	branch, err := s.lane.proposes.of(s.lane.proposes.group(site.Policy, site.Path))
	if err != nil {
		return nil // split says so
	}
	return s.own[branch]
}

// looksAtOnce bounds the pull requests that are asked for at once.
const looksAtOnce = 4

// look asks the forge for the pull requests of all groups that may have one, or
// are to get one.
func (c *cycle) look(ctx context.Context, s *survey) {
	asked := keep(s.groups, func(g *group) bool {
		return g.there != nil || g.known.PullRequest != nil || g.changes(anySite)
	})
	if len(asked) == 0 {
		return
	}
	a := s.whole.automation
	var err error
	if s.forge, err = forge.Open(&a.PullRequest.Forge, c.o.Forge); err != nil {
		for _, g := range asked {
			g.fail(err)
		}
		return
	}
	c.o.Progress("asking " + s.forge.String())
	var all errgroup.Group
	all.SetLimit(looksAtOnce)
	for _, g := range asked {
		all.Go(func() error {
			pr, err := s.forge.Find(ctx, g.branch, a.BaseBranch(), g.known.PullRequest)
			if err != nil {
				g.fail(err)
				return nil
			}
			g.pr = pr
			return nil
		})
	}
	_ = all.Wait() // the functions return no error: it is in the groups
	for _, g := range asked {
		s.heed(g.result.Err)
	}
}

func anySite(pinsetter.Site) bool { return true }

// heed remembers that the forge wants to be left alone.
func (s *survey) heed(err error) {
	if errors.Is(err, forge.ErrRateLimited) && s.limit == nil {
		s.limit = err
	}
}

// fail records an error of a group: nothing is done for it in this run.
func (g *group) fail(err error) {
	g.failed = true
	g.result.fail(fmt.Errorf("ImageUpdateAutomation %s: %w", g.automation.Name, err))
}

// weigh takes back what people or the forge don't want of a group.
func (c *cycle) weigh(ctx context.Context, s *survey, g *group) error {
	if g.failed {
		return nil
	}
	if g.foreign() {
		g.leaveAlone(ctx)
		return nil
	}
	if g.unsure != nil {
		g.hold(pinsetter.RuleForeign, func(pinsetter.Site, pinsetter.Image) string {
			return fmt.Sprintf("whether branch %s is Pinsetter's own can't be found out now, and it stays as it is: %s", g.branch, oneLine(g.unsure))
		})
		return nil
	}
	s.respect(g)
	return c.spareWorkflows(ctx, s, g)
}

// leaveAlone holds what somebody else's commit on the branch keeps from being
// proposed.
func (g *group) leaveAlone(ctx context.Context) {
	way := "delete the branch"
	if g.pr != nil && g.pr.State == forge.StateOpen {
		way = fmt.Sprintf("merge pull request #%d, or close it and delete the branch", g.pr.Number)
	}
	g.drop(func(file markedFile, i int) bool {
		twin, found := twinIn(sitesOf(ctx, g.there.Head, file.path), file.Sites[i])
		return found && decide.ShownAt(twin, file.takes[i]) // it is proposed already
	})
	g.hold(pinsetter.RuleForeign, func(pinsetter.Site, pinsetter.Image) string {
		if len(g.there.Commits) == 0 {
			return fmt.Sprintf("branch %s is there, and nothing says that Pinsetter made it: delete it, or name another by spec.branch of the PullRequest", g.branch)
		}
		return fmt.Sprintf("branch %s has a commit of somebody else, and is left alone: %s", g.branch, way)
	})
}

// workflows is where GitHub keeps what runs with the repository's secrets.
const workflows = ".github/workflows/"

// spareWorkflows holds changes of GitHub's workflows where the credentials may
// not change them: the push would be refused as a whole.
func (c *cycle) spareWorkflows(ctx context.Context, s *survey, g *group) error {
	touches := func(file markedFile) bool { return strings.HasPrefix(file.path, workflows) && len(file.takes) > 0 }
	if s.forge == nil || !slices.ContainsFunc(g.marked, touches) {
		return nil
	}
	pusher, err := c.pusher(s)
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
func (c *cycle) pusher(s *survey) (*forge.Repository, error) {
	object, git := s.whole.automation.PullRequest, s.lane.git
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
	return forge.Open(&as, c.o.Forge)
}

// results returns the results of all groups, those that were settled in an
// earlier attempt too. What isn't about one group is in a result of its own, or
// in that of the one group that all changes share.
func (s *survey) results(done map[string]*group) []*Result {
	whole := s.whole.result
	var results []*Result
	for _, g := range s.groups {
		if settled := done[g.branch]; settled != nil {
			g = settled
		}
		if !g.idle() {
			results = append(results, g.result)
		}
		delete(done, g.branch)
	}
	for _, g := range done {
		results = append(results, g.result)
	}
	if s.lane.proposes.single != "" && len(results) == 1 {
		results[0].fail(whole.Err)
		results[0].Findings = whole.Findings
		return results
	}
	if len(results) == 0 || whole.Err != nil {
		whole.Held = []pinsetter.Hold{}
		return append(results, whole)
	}
	results[0].Findings = whole.Findings
	return results
}

// idle reports whether there is nothing to say about a group.
func (g *group) idle() bool {
	r := g.result
	return r.PullRequest == nil && r.Err == nil && len(r.Changes)+len(r.Held) == 0
}
