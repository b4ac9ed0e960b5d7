package bot

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
)

// attempt does the steps for the automations of a lane, once. An error is about
// all of them, and is gitops.ErrStale when the branch has moved since it was
// read; what concerns one automation is in its result.
func (c *cycle) attempt(ctx context.Context, l *lane) ([]*Result, error) {
	remote, fetched, err := c.fetch(ctx, l, l.push)
	if err != nil {
		return nil, err
	}
	defer fetched.Close()
	plans := make([]*plan.Plan, 0, len(l.automations))
	l.seat.Using(func() int64 { return used(fetched, plans...) })
	if results := c.memory.isQuiet(ctx, l, fetched); results != nil {
		return results, nil
	}
	c.warnOfRival(l, fetched.Base)
	g, to := c.ownership.aim(ctx, l, fetched)
	c.recallHistory(ctx, remote, l, g)
	head := g.Start
	for i, a := range l.automations {
		p := c.find(ctx, a, g, head)
		if i == len(l.automations)-1 {
			fetched.Keep() // while registries are asked
		}
		plans = append(plans, p)
		l.seat.Away(func() { c.decide(ctx, p) })
		p.Apply()
		if c.mode == Push {
			l.seat.Away(func() { c.trace(ctx, p) })
		}
		if head, err = p.Commit(ctx, head, c.o.Now()); err != nil {
			return nil, &commitError{a, err}
		}
		p.Head = head
	}
	if c.mode == Push {
		l.seat.Away(func() {
			c.memory.keepQuiet(ctx, l, fetched, plans)
			err = (&courier{c, l, remote, to}).push(ctx, head, plans)
		})
	}
	results := make([]*Result, 0, len(plans))
	for _, p := range plans {
		results = append(results, p.Result)
	}
	return results, err
}

// used returns how many bytes of files and of what leads to them are in memory.
func used(fetched *gitops.Fetched, plans ...*plan.Plan) int64 {
	bytes := fetched.Base.Held()
	for _, p := range plans {
		for _, file := range p.Marked {
			bytes += int64(len(file.Data))
		}
	}
	return bytes
}

// fetch is step 1: it reads the lane's base, and branches beside it.
func (c *cycle) fetch(ctx context.Context, l *lane, branches ...string) (*gitops.Remote, *gitops.Fetched, error) {
	remote, err := c.remote(l.git)
	if err != nil {
		return nil, nil, err
	}
	c.o.Progress("fetching " + remote.String())
	l.seat.Using(nil) // of an attempt before
	ended := c.o.wait(remote.Host(), "fetch "+remote.String())
	fetched, err := l.looks.fetch(gitops.WithAway(ctx, l.seat.Away), remote, l.base, branches...)
	ended()
	if err != nil {
		return nil, nil, err
	}
	l.readAt = c.o.Now()
	c.o.Log.Debug("fetched", "repository", remote.String(), "revision", fetched.Base.String(), "branches", len(fetched.Push))
	return remote, fetched, nil
}

// recallHistory lets the ground ask what trailers say was written, once.
func (c *cycle) recallHistory(ctx context.Context, remote *gitops.Remote, l *lane, g *plan.Ground) {
	g.RecallHistory(ctx, remote, l.automations, func(err error) {
		c.o.Log.Warn("what was written before is not known from the history", "repository", remote.String(), "error", err)
	})
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
