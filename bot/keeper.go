package bot

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/store"
)

// KeeperOptions say how a Keeper works. What Options must have must be set.
type KeeperOptions struct {
	Options

	Shard Shard         // whose automations are run; zero: all
	Batch time.Duration // quiet period that collects what webhooks and scans say into one cycle

	// Notify is told what happened, from several goroutines; nil: nobody.
	Notify func(pinsetter.Event)

	// Random returns a number in [0, 1), for jitter; nil: math/rand.
	Random func() float64
}

// Keeper keeps running Cycle over a set of objects: each automation when it is
// due, when a scan finds other tags, or when it is woken. A repository is worked
// on by one cycle at a time. It is safe for concurrent use.
type Keeper struct {
	o KeeperOptions

	mu         sync.Mutex
	bot        *Bot // of the set in use; nil before the first
	tasks      map[pinsetter.Name]*task
	scans      map[pinsetter.Name]*watch      // of ImageRepositories
	policies   map[pinsetter.Name]PolicyState // as they were last decided on
	busy       map[string]bool                // repositories that a cycle works on
	complaints []pinsetter.Finding            // about objects that were not taken up
	recent     []store.Run                    // newest first

	running sync.WaitGroup
	changed chan struct{} // something is to be looked at now
	picture atomic.Pointer[Picture]
}

// task is an automation, and when it is to be run.
type task struct {
	automation *config.Automation
	repository string // key; "" where it can't be run
	schedule   schedule
	due        time.Time
	woken      time.Time // the first time since the last run began; zero: never
	wokenLast  time.Time
	state      AutomationState
}

// watch is an ImageRepository, and when its tags are to be listed.
type watch struct {
	repository *config.Repository
	due        time.Time
	hash       string // of the last listing; "" is not known
	scanning   bool
}

// NewKeeper returns a Keeper without objects. Use gives it some, and Run begins.
func NewKeeper(o KeeperOptions) *Keeper {
	o.Reuse = true
	o.Options = o.Options.filled()
	return &Keeper{
		o:        o,
		tasks:    map[pinsetter.Name]*task{},
		scans:    map[pinsetter.Name]*watch{},
		policies: map[pinsetter.Name]PolicyState{},
		busy:     map[string]bool{},
		changed:  make(chan struct{}, 1),
	}
}

// Use goes on with another set. Every automation is due then, but those with a
// schedule, which wait for it; a reconcile.fluxcd.io/requestedAt that is new makes
// these due too, and an ImageRepository's tags be listed anew. Cycles that have
// begun end with the set that they began with.
func (k *Keeper) Use(set *config.Set) {
	bot := New(set, k.o.Options)
	now := k.o.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	first := k.bot == nil
	k.bot, k.complaints = bot, nil
	before := k.tasks
	k.tasks = map[pinsetter.Name]*task{}
	for _, a := range k.o.Shard.Of(set.Automations) {
		t := newTask(a, now)
		if old := before[a.Name]; old != nil {
			t.state = old.state.of(a)
			if requestedAt(a.Annotations) != requestedAt(old.automation.Annotations) {
				t.due = now
			}
		}
		k.tasks[a.Name] = t
	}
	watched := k.scans
	k.scans = map[pinsetter.Name]*watch{}
	for _, r := range set.Repositories {
		if r.Err != nil || r.Suspended {
			continue
		}
		w := &watch{repository: r, due: now.Add(r.Spec.Interval.Duration)}
		if old := watched[r.Name]; old != nil {
			w.hash = old.hash
			if requestedAt(r.Annotations) != requestedAt(old.repository.Annotations) {
				bot.expire(r)
			}
		}
		k.scans[r.Name] = w
	}
	if first {
		k.recall(context.Background())
	}
	k.draw()
	k.poke()
}

// poke has Run look at what is due.
func (k *Keeper) poke() {
	select {
	case k.changed <- struct{}{}:
	default: // it is about to
	}
}

// Wake has the automations that objects are about run after the quiet period:
// those that write a policy, or a policy of an image, or to a GitRepository. An
// image's tags are listed anew, however young the last listing is. What a
// schedule says is waited for, unless its automation is named itself.
func (k *Keeper) Wake(objects []pinsetter.Object) {
	now := k.o.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bot == nil {
		return
	}
	for _, o := range objects {
		name := pinsetter.Name{Namespace: o.Namespace, Name: o.Name}
		switch o.Kind {
		case "ImageUpdateAutomation":
			if t := k.tasks[name]; t != nil {
				t.wake(now)
			}
		case "ImageRepository":
			if w := k.scans[name]; w != nil {
				k.bot.expire(w.repository)
				k.wakeFor(now, func(p *config.Policy) bool { return p.Repository == w.repository })
			}
		case "ImagePolicy":
			k.wakeFor(now, func(p *config.Policy) bool { return p.Name == name })
		case "GitRepository":
			for _, t := range k.tasks {
				if t.automation.Git != nil && t.automation.Git.Name == name && t.schedule.times == nil {
					t.wake(now)
				}
			}
		}
	}
	k.poke()
}

// wakeFor wakes the automations without a schedule that write some policy.
func (k *Keeper) wakeFor(now time.Time, of func(*config.Policy) bool) {
	policies := keep(k.bot.set.Policies, of)
	for _, t := range k.tasks {
		if t.schedule.times == nil && slices.ContainsFunc(policies, t.automation.Selects) {
			t.wake(now)
		}
	}
}

// Run works until ctx ends. Then nothing new begins, and it returns when what is
// being written is finished.
func (k *Keeper) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			k.running.Wait()
			return
		case <-k.changed:
		case <-timer.C:
		}
		timer.Reset(k.begin(ctx))
	}
}

// longestNap bounds how long nothing is looked at, so that a clock that jumps is
// noticed.
const longestNap = time.Minute

// begin begins what is due, and returns when to look again.
func (k *Keeper) begin(ctx context.Context) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.o.Now()
	next := now.Add(longestNap)
	cycles := map[string][]*task{}
	waiting, oldest := 0, time.Time{}
	for _, name := range slices.SortedFunc(maps.Keys(k.tasks), pinsetter.Name.Compare) {
		t := k.tasks[name]
		when := t.when(k.o.Batch)
		switch {
		case when.After(now):
			next = earlier(next, when)
		case k.busy[t.repository]: // its end looks again
			waiting++
			oldest = earlier(oldest, when)
		default:
			cycles[t.repository] = append(cycles[t.repository], t)
		}
	}
	k.o.Observer.Queue(waiting, oldest)
	for repository, tasks := range cycles {
		k.busy[repository] = repository != ""
		k.running.Add(1)
		go k.cycle(ctx, repository, k.bot, k.starting(tasks, now))
	}
	return max(earlier(next, k.scanDue(ctx, now)).Sub(now), 0)
}

// earlier returns the earlier of two times, of which a may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// starting notes that tasks are begun, and returns their automations.
func (k *Keeper) starting(tasks []*task, now time.Time) []*config.Automation {
	var automations []*config.Automation
	for _, t := range tasks {
		t.woken, t.wokenLast = time.Time{}, time.Time{}
		t.due = t.schedule.next(now, k.o.Random)
		t.state.NextRun = t.due
		automations = append(automations, t.automation)
	}
	return automations
}

// cycle runs the automations of one repository.
func (k *Keeper) cycle(ctx context.Context, repository string, bot *Bot, automations []*config.Automation) {
	defer k.running.Done()
	begin := k.o.Now()
	c, results := bot.cycle(ctx, Push, automations)
	k.mu.Lock()
	delete(k.busy, repository)
	if ctx.Err() == nil {
		k.settle(ctx, c, results, begin)
	}
	k.poke()
	k.mu.Unlock()
	if ctx.Err() == nil {
		k.tell(results)
	}
}

// scanDue lists the tags of the images whose interval is over, and returns when
// the next one's is.
func (k *Keeper) scanDue(ctx context.Context, now time.Time) time.Time {
	var due []*watch
	next := now.Add(longestNap)
	for _, w := range k.scans {
		switch {
		case w.scanning || !k.isUsed(w.repository):
		case w.due.After(now):
			next = earlier(next, w.due)
		default:
			w.scanning = true
			due = append(due, w)
		}
	}
	if len(due) > 0 {
		k.running.Add(1)
		go k.scan(ctx, k.bot, due)
	}
	return next
}

// isUsed reports whether an automation that is run without a schedule of its own
// may write a policy of the image.
func (k *Keeper) isUsed(r *config.Repository) bool {
	return slices.ContainsFunc(k.bot.set.Policies, func(p *config.Policy) bool {
		if p.Repository != r {
			return false
		}
		for _, t := range k.tasks {
			if t.schedule.times == nil && t.automation.Selects(p) {
				return true
			}
		}
		return false
	})
}

// scan lists tags, and wakes the automations whose images have others than
// before. What can't be listed is said by the automation's next run.
func (k *Keeper) scan(ctx context.Context, bot *Bot, due []*watch) {
	defer k.running.Done()
	c := bot.newCycle(Propose)
	hashes := each(due, func(w *watch) string {
		listing, err := c.selector.scan(ctx, w.repository)
		if err != nil {
			return ""
		}
		return listing.Hash
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.o.Now()
	for i, w := range due {
		w.scanning = false
		w.due = now.Add(w.repository.Spec.Interval.Duration)
		if hashes[i] != "" && hashes[i] != w.hash {
			w.hash = hashes[i]
			k.wakeFor(now, func(p *config.Policy) bool { return p.Repository == w.repository })
		}
	}
	k.poke()
}

// Explain explains a policy of the set in use, nil where it has none of that
// name.
func (k *Keeper) Explain(ctx context.Context, name pinsetter.Name) *Explanation {
	k.mu.Lock()
	bot := k.bot
	k.mu.Unlock()
	if bot == nil {
		return nil
	}
	p := bot.set.Policy(name)
	if p == nil {
		return nil
	}
	return bot.Explain(ctx, p, k.o.Shard.Of(bot.set.Automations))
}

// Complain shows what is wrong with objects that were not taken up, until Use.
func (k *Keeper) Complain(findings []pinsetter.Finding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.complaints = findings
	if k.bot != nil {
		k.draw()
	}
}
