package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/pause"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/proposal"
	"github.com/pinsetter/pinsetter/replay"
	"github.com/pinsetter/pinsetter/seats"
)

// attempts is how often a lane starts again when its branch moves while it works.
// Each attempt reads the new head, so only a branch that moves on every time, for as
// long as a fetch and a push take, exhausts them.
const attempts = 5

// lane is the automations that read one revision of a repository and push to
// one branch with the same credentials: one fetch does for all, each makes a
// commit, and one push takes the commits of those that have the same options. One
// that writes an artifact has a lane of its own.
type lane struct {
	git         *fleet.GitSource // of one of them: the session of all; nil: the target is an artifact
	base        fleet.GitRef
	push        string // branch
	isBase      bool   // some automation reads the push branch: it is never forced
	automations []*fleet.Automation

	// others push to the branch too, in lanes of their own or in another run. What
	// they may have committed is never replaced.
	others []*fleet.Automation

	kept []string // branches of which the server lets no commit be dropped, as a push found out

	readAt   time.Time   // when its branches were read
	revision string      // of an artifact's source, once it is known; for people
	looks    looks       // of all lanes of the repository
	seat     *seats.Seat // of the repository; nil: it needs none

	// proposes is set for the lane of one automation whose changes go into pull
	// requests: it has a branch for each, and no push.
	proposes *proposal.Branches
	settled  proposal.Settled // by the attempts so far
}

// lanes sorts automations into repositories and lanes. A repository has one writer,
// whatever it is reached by: its lanes run one after the other, so that each reads
// what those before it pushed. Automations that can't run get their results at once.
func (c *cycle) lanes(automations []*fleet.Automation) (map[string][]*lane, []*Result) {
	results := []*Result{}
	repositories := map[string][]*lane{}
	for _, a := range automations {
		r := plan.NewResult(a)
		if err := c.unusable(a); err != nil || a.Suspended {
			r.Fail(err)
			results = append(results, r)
			continue
		}
		if isDelivery(a) {
			key := RepositoryOf(a)
			repositories[key] = append(repositories[key], &lane{automations: []*fleet.Automation{a}})
			continue
		}
		key, err := address.Key(a.Git.URL)
		if err == nil {
			repositories[key], err = join(repositories[key], a)
		}
		if err != nil {
			r.Fail(fmt.Errorf("ImageUpdateAutomation %s: %w", a.Name, err))
			results = append(results, r)
		}
	}
	markBranches(c.set, repositories)
	return repositories, results
}

// runAll runs repositories in parallel, each once take has a seat for it, and the
// lanes of each in sequence.
func (c *cycle) runAll(ctx context.Context, repositories map[string][]*lane, take func() *seats.Seat) []*Result {
	var g errgroup.Group
	slots := make([][]*Result, len(repositories))
	for i, key := range slices.Sorted(maps.Keys(repositories)) {
		seat := take()
		g.Go(func() error {
			defer seat.Leave()
			lookOnce(repositories[key], c.remote)
			for _, l := range repositories[key] {
				l.seat = seat
				slots[i] = append(slots[i], observed(c.o.Observer, c.run(ctx, l))...)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error: it is in the results
	return slices.Concat(slots...)
}

// run works on a lane until its decisions are delivered. It returns a result for each of
// the lane's automations, whatever happens.
func (c *cycle) run(ctx context.Context, l *lane) []*Result {
	var failed []*Result
	for n := 1; len(l.automations) > 0; n++ {
		results, err := c.attempt(ctx, l)
		if err != nil || l.proposes != nil { // which may have merged and deleted
			l.looks.forget()
		}
		var bad *commitError
		switch {
		case err == nil:
			return append(failed, results...)
		case errors.As(err, &bad):
			n--
			var out *lane
			out, l = l.without(bad.automation)
			failed = append(failed, out.failed(bad.err)...)
		case errors.Is(err, gitops.ErrNoReplace) && l.push != "" && !slices.Contains(l.kept, l.push):
			n--
			c.o.Log.Info("the server lets the branch not be replaced; committing on top of it", "repository", l.git.Name, "branch", l.push)
			l.keepKept(ctx, c.ownership, l.push)
		case errors.Is(err, gitops.ErrStale) && n < attempts && pause.For(ctx, time.Duration(n)*100*time.Millisecond) == nil:
			l.sayMoved(c.o.Log, n)
		case errors.Is(err, gitops.ErrStale):
			err = fmt.Errorf("%w, %d times in a row; the next run tries again", err, n)
			return append(failed, l.failed(err)...)
		default:
			return append(failed, l.failed(err)...)
		}
	}
	return failed
}

// sayMoved says that an attempt begins anew.
func (l *lane) sayMoved(log *slog.Logger, attempt int) {
	if l.proposes != nil {
		log.Info("a branch moved; starting again", "repository", l.git.Name, "automation", l.automations[0].Name, "attempt", attempt)
		return
	}
	log.Info("the branch moved; starting again", "repository", l.git.Name, "branch", l.push, "attempt", attempt)
}

// without splits the lane in two: a alone, and the others.
func (l *lane) without(a *fleet.Automation) (alone, others *lane) {
	x, y := *l, *l
	x.automations = []*fleet.Automation{a}
	y.automations = slices.DeleteFunc(slices.Clone(l.automations), func(b *fleet.Automation) bool { return a == b })
	return &x, &y
}

// failed returns a result with err for each automation of the lane, and those of pull
// requests that were settled before.
func (l *lane) failed(err error) []*Result {
	var results []*Result
	for _, a := range l.automations {
		r := plan.NewResult(a)
		r.Revision = l.revision
		r.Fail(fmt.Errorf("%s %s: %w", a.Kind(), a.Name, err))
		results = append(results, r)
	}
	return append(results, l.settled.Results()...)
}

// refspecs returns the distinct refspecs of the lane's automations, at least one:
// "" is that of an automation without a refspec.
func (l *lane) refspecs() []string {
	var specs []string
	for _, a := range l.automations {
		if !slices.Contains(specs, a.Refspec) {
			specs = append(specs, a.Refspec)
		}
	}
	slices.Sort(specs)
	return specs
}

func sortResults(results []*Result) {
	slices.SortFunc(results, func(a, b *Result) int {
		return cmp.Or(a.Automation().Compare(b.Automation()), strings.Compare(a.Group, b.Group))
	})
}

// writers returns who pushes to the lane's branches.
func (l *lane) writers() replay.Writers {
	return replay.Writers{Key: l.key(), Automations: l.automations}
}

// isKept reports whether a push found out that the server lets no commit of a branch be
// dropped.
func (l *lane) isKept(ctx context.Context, w *replay.Ownership, branch string) bool {
	return slices.Contains(l.kept, branch) || w.IsKept(ctx, l.writers(), branch)
}

// keepKept remembers what isKept reports.
func (l *lane) keepKept(ctx context.Context, w *replay.Ownership, branch string) {
	l.kept = with(l.kept, branch)
	w.KeepKept(ctx, l.writers(), branch)
}

// resultsOf returns the results of plans.
func resultsOf(plans ...*plan.Plan) []*Result {
	results := make([]*Result, 0, len(plans))
	for _, p := range plans {
		results = append(results, p.Result)
	}
	return results
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
