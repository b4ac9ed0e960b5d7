package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/pause"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/proposal"
)

// propose works on a lane whose automation proposes, until what is to become of
// each of its pull requests is settled. It returns a result for each group of
// changes, else one for the automation.
func (c *cycle) propose(ctx context.Context, l *lane) []*Result {
	done := proposal.Settled{}
	for n := 1; ; n++ {
		results, err := c.proposeOnce(ctx, l, done)
		switch {
		case err == nil:
			return c.observed(results)
		case errors.Is(err, gitops.ErrStale) && n < attempts && pause.For(ctx, time.Duration(n)*100*time.Millisecond) == nil:
			c.o.Log.Info("a branch moved; starting again", "repository", l.git.Name, "automation", l.automations[0].Name, "attempt", n)
			continue
		case errors.Is(err, gitops.ErrStale):
			err = fmt.Errorf("%w, %d times in a row; the next run tries again", err, n)
		}
		return c.observed(append(l.failed(err), done.Results()...)) // what was done is there
	}
}

// proposeOnce surveys the lane, and carries out what isn't done. An error is
// gitops.ErrStale when a branch has moved since it was read.
func (c *cycle) proposeOnce(ctx context.Context, l *lane, done proposal.Settled) ([]*Result, error) {
	s, quiet, err := c.survey(ctx, l, nil)
	if err != nil || quiet != nil {
		return quiet, err
	}
	defer s.Close()
	if c.mode == Push {
		l.seat.Away(func() {
			err = s.CarryOut(ctx, done)
			if err == nil && s.IsIdle() {
				c.memory.keepQuiet(ctx, l, s.Fetched, []*plan.Plan{s.Whole})
			}
		})
	}
	if err != nil {
		return nil, err
	}
	return s.Results(done), nil
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
// decided. Where nothing can be to do, it returns the results instead. The caller
// closes the survey.
func (c *cycle) survey(ctx context.Context, l *lane, only *fleet.Policy) (*proposal.Survey, []*Result, error) {
	s := proposal.New(l.proposes, c.memory.records(ctx, l), proposal.Options{
		Conductor: conductor{c, l}, Forge: c.o.Forge, Log: c.o.Log, Progress: c.o.Progress, Now: c.o.Now,
	})
	remote, fetched, err := c.fetch(ctx, l, s.Asked()...)
	if err != nil {
		return nil, nil, err
	}
	l.seat.Using(func() int64 { return used(fetched) })
	if only == nil {
		if quiet := c.memory.isQuiet(ctx, l, fetched); quiet != nil {
			fetched.Close()
			return nil, quiet, nil
		}
	}
	c.warnOfRival(l, fetched.Base)
	ground := l.groundOn(fetched.Base)
	own, unsure := c.findOwn(ctx, l, fetched, s.Commit)
	s.Read(proposal.Reading{Remote: remote, Fetched: fetched, Ground: ground, Own: own, Unsure: unsure})
	c.recallHistory(ctx, remote, l, ground)
	whole := c.find(ctx, l.automations[0], ground, fetched.Base)
	fetched.Keep() // as attempt does
	whole.Only = only
	l.seat.Using(func() int64 { return used(fetched, whole) })
	l.seat.Away(func() { c.decide(ctx, whole) })
	if err := s.Divide(whole); err != nil {
		s.Close()
		return nil, nil, err
	}
	l.seat.Away(func() { s.Consult(ctx) })
	s.Apply()
	return s, nil, nil
}

// findOwn finds the branches of which the bot made every commit, and those of which
// that can't be found out now.
func (c *cycle) findOwn(ctx context.Context, l *lane, fetched *gitops.Fetched, remembered func(branch string) string) (map[string]*plan.Branch, map[string]error) {
	own, unsure := map[string]*plan.Branch{}, map[string]error{}
	for branch, found := range c.ownership.own(ctx, l, fetched, remembered) {
		switch {
		case found.err == nil:
			own[branch] = plan.NewBranch(fetched.Push[branch], found.paths)
		case !found.isTheirs():
			unsure[branch] = found.err
		}
	}
	return own, unsure
}

// conductor is the cycle's proposal.Conductor for a lane.
type conductor struct {
	c *cycle
	l *lane
}

// Push implements proposal.Conductor.
func (d conductor) Push(ctx context.Context, remote *gitops.Remote, p gitops.Push, below []string) (gitops.Pushed, error) {
	pushed, err := d.c.send(ctx, d.l, remote, p)
	if pushed.Branch != "" {
		d.c.ownership.keepPushed(ctx, d.l, p.Branch, append([]string{p.Snapshot.Hash()}, below...))
	}
	return pushed, err
}

// IsKept implements proposal.Conductor.
func (d conductor) IsKept(ctx context.Context, branch string) bool {
	return d.c.ownership.isKept(ctx, d.l, branch)
}

// KeepKept implements proposal.Conductor.
func (d conductor) KeepKept(ctx context.Context, branch string) {
	d.c.ownership.keepKept(ctx, d.l, branch)
}

// Keep implements proposal.Conductor.
func (d conductor) Keep(ctx context.Context, changed map[string]json.RawMessage) {
	d.c.memory.keepRecords(ctx, d.l, changed)
}

// Provenance implements proposal.Conductor.
func (d conductor) Provenance(ctx context.Context, p *decide.Policy, image pinsetter.Image) pinsetter.Provenance {
	ctx, cancel := context.WithTimeout(ctx, tracedWithin)
	defer cancel()
	return d.c.selector.Provenance(ctx, p, image)
}
