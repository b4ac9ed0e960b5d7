package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/setters"
)

// reading is what one attempt reads of a lane's repository.
type reading struct {
	*cycle
	lane    *lane
	remote  *gitops.Remote
	fetched *gitops.Fetched // nil until it is fetched
	found   []*plan.Plan
}

// fetchWith fetches the lane's base, and branches beside it.
func (r *reading) fetchWith(ctx context.Context, branches ...string) error {
	l := r.lane
	remote, err := r.Bot.remote(l.git)
	if err != nil {
		return err
	}
	r.o.Progress("fetching " + remote.String())
	l.seat.Using(nil) // of an attempt before
	ended := r.o.wait(remote.Host(), "fetch "+remote.String())
	fetched, err := l.looks.fetch(gitops.WithAway(ctx, l.seat.Away), remote, l.base, branches...)
	ended()
	if err != nil {
		return err
	}
	r.remote, r.fetched, l.readAt = remote, fetched, r.o.Now()
	l.seat.Using(r.used)
	r.o.Log.Debug("fetched", "repository", remote.String(), "revision", fetched.Base.String(), "branches", len(fetched.Push))
	return nil
}

// used returns how many bytes of memory files and the objects that lead to them take.
func (r *reading) used() int64 {
	bytes := r.fetched.Base.Held()
	for _, p := range r.found {
		for _, file := range p.Marked {
			bytes += int64(len(file.Data))
		}
	}
	return bytes
}

// quiet implements target.
func (r *reading) quiet(ctx context.Context) []*Result {
	return r.memory.isQuiet(ctx, r.lane, r.fetched)
}

// close implements target.
func (r *reading) close() {
	if r.fetched != nil {
		r.fetched.Close()
	}
}

// recallHistory lets the ground read the trailers of earlier commits, once.
func (r *reading) recallHistory(ctx context.Context, g *plan.Ground) {
	g.RecallHistory(ctx, r.remote, r.lane.automations, func(err error) {
		r.o.Log.Warn("what was written before is not known from the history", "repository", r.remote.String(), "error", err)
	})
}

// findOn gathers the markers below an automation's path in head. Those of a file that
// was searched before with the same bytes are remembered.
func (r *reading) findOn(ctx context.Context, a *fleet.Automation, g *plan.Ground, head *gitops.Snapshot) *plan.Plan {
	p := plan.New(a, g)
	r.o.Progress("reading " + a.Name.String())
	var gathering plan.Gathering
	for file, err := range head.Files(ctx, a.Path, setters.IsCandidate) {
		if errors.Is(err, gitops.ErrBound) && file.Path != "" {
			p.Result.Findings = append(p.Result.Findings, setters.TooLarge(file.Path, err))
			continue
		}
		if err != nil {
			if file.Path == "" {
				err = fmt.Errorf("spec.update.path: %w", err)
			}
			p.FileErr = errors.Join(p.FileErr, fmt.Errorf("ImageUpdateAutomation %s: %w", a.Name, err))
			continue
		}
		if file.Note != nil || setters.HasToken(file.Data) {
			gathering.Add(file)
		}
	}
	marked, leftOut := gathering.Files()
	p.Result.Findings = append(p.Result.Findings, leftOut...)
	search := func(f gitops.File) *setters.File {
		found, recalled := setters.Recall(f.Path, f.Data, f.Note)
		if !recalled {
			found = setters.Find(f.Path, f.Data)
			if f.Note == nil { // else it is that of a file whose name makes it something else
				head.Note(f, found.Note())
			}
		}
		return found
	}
	for i, found := range selector.Each(marked, search) {
		p.Result.Findings = append(p.Result.Findings, found.Findings...)
		p.Marked = append(p.Marked, plan.NewFile(found, marked[i].Path, marked[i].Data))
	}
	p.Result.Fail(p.FileErr)
	p.Result.Unmarked = p.IsUnmarked()
	r.found = append(r.found, p)
	if a == r.lane.automations[len(r.lane.automations)-1] {
		r.fetched.Keep() // while registries are asked
	}
	return p
}

// send pushes, and tells the observer. Before that the ledger is told what was seen.
func (r *reading) send(ctx context.Context, p gitops.Push) (gitops.Pushed, error) {
	r.selector.Tell(ctx)
	defer r.lane.looks.forget()
	ended := r.o.wait(r.remote.Host(), "push to "+r.remote.String())
	defer ended()
	pushed, err := r.remote.Push(ctx, p)
	r.o.Observer.Push(err)
	return pushed, err
}
