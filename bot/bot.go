// Package bot is the conductor: it knows the order of the steps, and is the
// only room that sees all of them. A cycle fetches a branch, finds the markers
// in it, decides what each site takes, applies that, and pushes a commit.
//
//	Cycle     repositories, in parallel
//	  lane      the automations that read one revision and write one target
//	    attempt   the steps, once; done again if the target has changed
package bot

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/charts"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/replay"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/seats"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
	"github.com/pinsetter/pinsetter/verify"
)

// Options are the settings of a bot. Registry and Git must be set. The bot sets
// Git.Screen itself.
type Options struct {
	Registry *registry.Registry
	Charts   *charts.Client // reads the indexes of ChartRepositories; nil: with the settings of its zero Options
	Git      gitops.Options
	Forge    forge.Options
	Roots    *verify.Roots    // of keyless signatures; nil: those that the program brings
	Ledger   *store.Ledger    // what was seen and done; nil: nothing is remembered
	Now      func() time.Time // the clock of commits and scans; nil: time.Now
	Log      *slog.Logger     // nil: silent
	Progress func(string)     // told what is being done, from several goroutines; nil: nobody
	Observer Observer         // nil: nobody

	// Version is that of the program. Findings of another version aren't reused.
	Version string

	// Reuse lets a cycle use an image's cached tag list until its interval has passed,
	// if Registry caches lists (registry.Options.Keep).
	Reuse bool

	waits *serverWaits // for servers, of all bots that share the options
}

// WithDefaults returns the options with defaults for zero values. Bots that are made
// with the same result share tokens, and the list of servers that are waited for.
func (o Options) WithDefaults() Options {
	if o.Ledger == nil {
		o.Ledger = &store.Ledger{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Roots == nil {
		o.Roots = &verify.Roots{Now: o.Now}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Charts == nil {
		o.Charts = charts.New(charts.Options{})
	}
	if o.waits == nil {
		o.waits = &serverWaits{hosts: map[string]*hostWaits{}}
	}
	o.Git.LatestTags = policy.LatestGitTags
	if o.Git.Keep != "" {
		o.Git.Screen = gitops.Screen{Version: setters.Screen, Wants: setters.HasToken, Notes: setters.Notes + " " + o.Version}
	}
	o.Forge.RateLimit = o.Observer.RateLimit
	if o.Forge.Tokens == nil {
		o.Forge.Tokens = forge.NewTokens(o.Forge)
	}
	o.Git.Credential = appCredential(o.Forge.Tokens)
	return o
}

// Bot carries out a set of objects. Between calls it remembers in the ledger alone,
// and works without what that has lost. Its methods are safe for concurrent use, but
// two cycles at once race on pushes, and one of them does its work again.
type Bot struct {
	set *fleet.Set
	o   Options

	pushes  sync.Map // key of a lane's branch to []string: the commits that it pushed there last
	remotes sync.Map // *fleet.GitSource to *gitops.Remote: what a server can do is asked once
	moving  moving
}

// remote returns the repository of a source. It is opened once.
func (b *Bot) remote(src *fleet.GitSource) (*gitops.Remote, error) {
	known, ok := b.remotes.Load(src)
	if !ok {
		remote, err := gitops.Open(src, b.o.Git)
		if err != nil {
			return nil, err
		}
		known, _ = b.remotes.LoadOrStore(src, remote)
	}
	return known.(*gitops.Remote), nil
}

// New returns a bot for set.
func New(set *fleet.Set, o Options) *Bot { return &Bot{set: set, o: o.WithDefaults()} }

// appCredential logs in to Git as a GitHub App.
func appCredential(tokens *forge.Tokens) func(context.Context, *fleet.GitSource) (string, pinsetter.Secret, error) {
	return func(ctx context.Context, src *fleet.GitSource) (string, pinsetter.Secret, error) {
		token, err := tokens.Git(ctx, &fleet.Forge{
			Provider: fleet.ForgeGitHub, URL: src.URL, Timeout: src.Timeout, App: src.App, TLS: src.Auth.TLS, Proxy: src.Auth.Proxy,
		})
		return "x-access-token", token, err
	}
}

// Mode says how far a cycle goes.
type Mode int

// The modes.
const (
	Propose Mode = iota // up to the rewrite: nothing is written anywhere
	Push                // to the end
)

// cycle is one pass over some automations. It remembers the answers of registries
// until its end.
type cycle struct {
	*Bot
	mode      Mode
	now       time.Time // of the whole cycle
	selector  *selector.Selector
	ownership *replay.Ownership
	memory    *laneMemory
	rechecks  bool // whether what is written still verifies
}

func (b *Bot) newCycle(mode Mode) *cycle {
	now := b.o.Now()
	s := scanner.New(b.o.Registry, b.o.Now)
	if b.o.Reuse {
		s = scanner.NewReusing(b.o.Registry, b.o.Now)
	}
	s.Charts = b.o.Charts
	s.Asked = func(object *fleet.Repository, took time.Duration, err error) {
		b.o.Observer.Scan(selector.HostOf(object.Image), took, err)
	}
	s.Asks = func(object *fleet.Repository, what string) func() {
		return b.o.wait(selector.HostOf(object.Image), what)
	}
	sel := selector.New(selector.Options{
		Scanner: s, Set: b.set, Roots: b.o.Roots, Ledger: b.o.Ledger, Now: now, Progress: b.o.Progress, Log: b.o.Log,
	})
	return &cycle{
		Bot: b, mode: mode, now: now, selector: sel, rechecks: mode == Push,
		ownership: &replay.Ownership{Selector: sel, Pushes: &b.pushes, Records: mode == Push},
		memory:    &laneMemory{selector: sel, mode: mode, version: b.o.Version},
	}
}

// Cycle runs automations as far as mode says and returns a result for each, sorted
// by namespace and name. Failures are in the results and never stop the others. Repositories are worked on in parallel, the automations of
// one in sequence.
func (b *Bot) Cycle(ctx context.Context, mode Mode, automations []*fleet.Automation) []*Result {
	_, results := b.cycle(ctx, mode, automations, seats.New(seats.AtOnce, nil).Take)
	return results
}

// cycle is Cycle that also returns its memory. Take returns a seat
// for each repository.
func (b *Bot) cycle(ctx context.Context, mode Mode, automations []*fleet.Automation, take func() *seats.Seat) (*cycle, []*Result) {
	c := b.newCycle(mode)
	if err := b.moving.once(ctx, b.o.Ledger, b.set.Automations); err != nil {
		c.selector.Failing.Failed(err)
	}
	lanes, results := c.lanes(automations)
	c.o.Log.Debug("cycle", "automations", len(automations), "repositories", len(lanes))
	results = append(results, c.runAll(ctx, lanes, take)...)
	c.selector.Tell(ctx)
	sortResults(results)
	if mode == Push {
		sayUntraced(c.o.Log, results)
		c.record(ctx, results)
	}
	return c, results
}

// The outcome of a cycle for an automation, or for one of its groups.
type (
	// Result is one automation's part in a cycle; see plan.Result.
	Result = plan.Result
	// PullRequest is a pull request after a cycle.
	PullRequest = plan.PullRequest
	// Pushed is where an automation's commit went.
	Pushed = plan.Pushed
	// Action says what a cycle did to a pull request.
	Action = plan.Action
)

// The actions.
const (
	Created   = plan.Created
	Updated   = plan.Updated
	Unchanged = plan.Unchanged
	Closed    = plan.Closed
	Merged    = plan.Merged
)
