// Package keeper decides when cycles run. It keeps a set of objects current and
// runs the cycles of package bot over it. An automation runs at its interval or
// by its schedule, when the tags of an image change, and when somebody wakes
// it.
package keeper

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/seats"
	"github.com/pinsetter/pinsetter/store"
)

// Options are the settings of a Keeper.
type Options struct {
	Bot      bot.Options   // of the cycles; Reuse is set
	Observer Observer      // nil: nobody
	Shard    Shard         // whose automations are run; zero: all
	Batch    time.Duration // quiet period that collects what webhooks and scans say into one cycle

	// Notify is called with each event, from several goroutines. Nil: nobody is
	// told.
	Notify func(pinsetter.Event)

	// Random returns a number in [0, 1), for jitter; nil: math/rand.
	Random func() float64
}

// Observer counts what a Keeper does, for metrics. Its methods are called from
// several goroutines. Cycles have an observer of their own, in bot.Options.
type Observer interface {
	// Run is called after each run of an automation, with its duration and
	// error.
	Run(took time.Duration, err error)

	// Selected is called after each decision on a policy. Held says that the
	// policy has candidates and none passes.
	Selected(held bool, err error)

	// Queue is called with the number of automations that wait for another one
	// of their repository, and since when the oldest waits.
	Queue(length int, oldest time.Time)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Run(time.Duration, error) {}
func (nobody) Selected(bool, error)     {}
func (nobody) Queue(int, time.Time)     {}

// Keeper runs cycles over a set of objects: each automation when it is due,
// when a scan finds new tags, or when it is woken. One cycle at a time works on
// a repository, and as many repositories are worked on at once as bot.Cycle
// allows. It is safe for concurrent use.
type Keeper struct {
	o Options

	mu         sync.Mutex
	set        *fleet.Set // in use; nil before the first
	bot        *bot.Bot   // of the set
	agenda     agenda
	busy       map[string]bool                    // keys of repositories that a cycle works on
	seats      *seats.Seats                       // of the cycles
	looked     time.Time                          // when what is due was looked for last
	policies   map[pinsetter.Name]bot.PolicyState // as they were last decided on
	complaints []pinsetter.Finding                // about objects that were not taken up
	recent     []store.Run                        // newest first
	at         time.Time                          // since when all of this is so
	picture    *Picture                           // of it; nil: nobody has asked yet

	running sync.WaitGroup
	changed chan struct{} // something is to be looked at now
}

// New returns a Keeper without objects. Call Use to give it some, and Run to
// begin.
func New(o Options) *Keeper {
	o.Bot.Reuse = true
	o.Bot = o.Bot.WithDefaults()
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	k := &Keeper{
		o:        o,
		policies: map[pinsetter.Name]bot.PolicyState{},
		busy:     map[string]bool{},
		changed:  make(chan struct{}, 1),
	}
	k.seats = seats.New(seats.AtOnce, k.poke)
	return k
}

// now returns the wall clock's time, which schedules mean. It may jump.
func (k *Keeper) now() time.Time { return k.o.Bot.Now().Round(0) }

// Use replaces the set. Every automation is due then, except that one with a
// schedule waits for it. A new reconcile.fluxcd.io/requestedAt makes that one
// due too, and makes an ImageRepository list its tags again. Cycles that run
// keep the set that they began with. Ctx bounds the reading of the ledger.
func (k *Keeper) Use(ctx context.Context, set *fleet.Set) {
	b := bot.New(set, k.o.Bot)
	recent, remembered := k.recall(ctx)
	succeeded, _ := k.o.Bot.Ledger.Runs().LastSuccess(ctx) // without, there was none yet
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set, k.bot, k.complaints = set, b, nil
	k.agenda = k.agenda.next(set, k.o.Shard.Of(set.Automations), b.Expire, now)
	k.agenda.recall(succeeded)
	for name := range k.policies {
		if set.Policy(name) == nil {
			delete(k.policies, name)
		}
	}
	if remembered {
		k.recent = recent
	}
	k.redraw()
	k.poke()
}

// poke makes Run check what is due.
func (k *Keeper) poke() {
	select {
	case k.changed <- struct{}{}:
	default: // it is about to
	}
}

// Run works until ctx ends. It then begins nothing new, and returns once
// running cycles have finished writing.
func (k *Keeper) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-k.changed:
		case <-timer.C:
		}
		if ctx.Err() != nil {
			k.running.Wait()
			return
		}
		timer.Reset(k.begin(ctx))
	}
}

// Explain explains a policy of the set in use. It returns nil if the set has no
// policy of that name.
func (k *Keeper) Explain(ctx context.Context, name pinsetter.Name) *bot.Explanation {
	k.mu.Lock()
	set, b := k.set, k.bot
	k.mu.Unlock()
	if set == nil {
		return nil
	}
	p := set.Policy(name)
	if p == nil {
		return nil
	}
	return b.Explain(ctx, p, k.o.Shard.Of(set.Automations))
}

// Complain puts findings about objects that couldn't be loaded into the
// Picture, until the next call of Complain or Use.
func (k *Keeper) Complain(findings []pinsetter.Finding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.complaints = findings
	k.redraw()
}
