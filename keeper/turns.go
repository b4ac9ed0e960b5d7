package keeper

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/seats"
)

// longestNap bounds the time between two checks, so that a jump of the clock is
// noticed.
const longestNap = time.Minute

// begin starts the cycles that are due, and returns the time until the next
// check.
func (k *Keeper) begin(ctx context.Context) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if now.Before(k.looked) {
		k.agenda.setBack(now, k.o.Random())
	}
	k.looked = now
	due, next := k.agenda.due(now, k.o.Batch)
	for {
		i := longestWaiting(due, k.busy)
		if i < 0 {
			break
		}
		seat := k.seats.TryTake()
		if seat == nil {
			break
		}
		k.start(ctx, due[i], now, seat)
		due = slices.Delete(due, i, i+1)
	}
	k.tellQueue(due)
	next = earlier(next, k.scanDue(ctx, now))
	return max(earlier(next, now.Add(longestNap)).Sub(now), 0)
}

// longestWaiting returns the turn that has waited longest, of those whose
// repository no cycle works on; -1 if there is none.
func longestWaiting(turns []turn, busy map[string]bool) int {
	longest := -1
	for i, t := range turns {
		if !busy[t.repository] && (longest < 0 || t.since.Before(turns[longest].since)) {
			longest = i
		}
	}
	return longest
}

// tellQueue tells the observer how many automations wait, and since when.
func (k *Keeper) tellQueue(waiting []turn) {
	length, oldest := 0, time.Time{}
	for _, t := range waiting {
		length += len(t.tasks)
		oldest = earlier(oldest, t.since)
	}
	k.o.Observer.Queue(length, oldest)
}

// turn is the due tasks of one repository. Since is when the first of them was
// due.
type turn struct {
	repository string
	since      time.Time
	tasks      []*task
}

// due returns the turns at a time, and the time of the next one, or the zero
// time if there is none.
func (a agenda) due(now time.Time, batch time.Duration) (turns []turn, next time.Time) {
	for _, place := range a.repositories {
		mine := turn{repository: place.repository}
		for _, t := range place.tasks {
			switch when := t.when(batch); {
			case when.IsZero():
			case when.After(now):
				next = earlier(next, when)
			default:
				mine.since = earlier(mine.since, when)
				mine.tasks = append(mine.tasks, t)
			}
		}
		if len(mine.tasks) > 0 {
			mine.tasks = withMates(mine.tasks, place.tasks)
			turns = append(turns, mine)
		}
	}
	return turns, next
}

// withMates returns the due tasks and, of the others, those that push to the
// same branch if all of its commits are rebuilt together. A task with a
// schedule waits for it.
func withMates(due, all []*task) []*task {
	chosen, built := map[*task]bool{}, map[string]bool{}
	for _, t := range due {
		chosen[t] = true
		built[t.builds()] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(t *task) bool {
		return !chosen[t] && (t.schedule.interval == 0 || t.builds() == "" || !built[t.builds()])
	})
}

// builds returns the push branch that the task rebuilds together with others,
// or "" if it pushes to the base.
func (t *task) builds() string {
	a := t.automation
	if a.PullRequest != nil || a.PushBranch == a.Base.Branch {
		return ""
	}
	return a.PushBranch
}

// start runs the tasks of a turn in a cycle, on a seat.
func (k *Keeper) start(ctx context.Context, t turn, now time.Time, on *seats.Seat) {
	var automations []*fleet.Automation
	chance := k.o.Random() // one for all: those that run together stay together
	for _, task := range t.tasks {
		for _, image := range task.stale {
			k.bot.Expire(image)
		}
		task.woken, task.wokenLast, task.changed, task.stale = time.Time{}, time.Time{}, time.Time{}, nil
		task.plan(task.schedule.next(now, chance))
		automations = append(automations, task.automation)
	}
	k.busy[t.repository] = true
	k.picture = nil
	k.running.Add(1)
	go k.cycle(ctx, t.repository, k.bot, automations, on)
}

// cycle runs the automations of one repository on a seat.
func (k *Keeper) cycle(ctx context.Context, repository string, b *bot.Bot, automations []*fleet.Automation, on *seats.Seat) {
	defer k.running.Done()
	e := ending{Report: b.CycleOn(ctx, on, automations), stopped: ctx.Err() != nil}
	if !e.stopped {
		e.recent, e.remembered = k.recall(ctx)
	}
	k.tell(automations, e)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.busy, repository)
	if !e.stopped {
		k.settle(e)
	}
	k.poke()
}

// scanDue lists the tags of the images whose interval is over. It returns the
// time of the next listing, or the zero time if none is planned.
func (k *Keeper) scanDue(ctx context.Context, now time.Time) time.Time {
	due := map[*fleet.Repository]*watch{}
	var next time.Time
	busy := func(t *task) bool { return k.busy[t.repository] }
	for _, w := range k.agenda.watches {
		switch {
		case w.scanning, !w.used, !w.wanted:
		case w.due.After(now):
			next = earlier(next, w.due)
		case k.agenda.isWritten(w.image, busy): // that cycle lists it, and its end looks again
		default:
			w.scanning = true
			due[w.image] = w
		}
	}
	if len(due) > 0 {
		k.running.Add(1)
		go k.scan(ctx, k.bot, due)
	}
	return next
}

// scan lists tags, and wakes the automations whose images have new ones. It
// reports no error: the automation's next run does.
func (k *Keeper) scan(ctx context.Context, b *bot.Bot, due map[*fleet.Repository]*watch) {
	defer k.running.Done()
	images := slices.Collect(maps.Keys(due))
	b.ScanEach(ctx, images, func(image *fleet.Repository, listing bot.Listing) { k.scanned(due[image], listing) })
}

// scanned records a listing of an image's tags. The zero listing means that it
// failed.
func (k *Keeper) scanned(of *watch, listing bot.Listing) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	of.scanning = false
	w := k.agenda.watches[of.image.Name]
	if w == nil {
		return // it isn't loaded any more
	}
	w.due = now.Add(w.image.Spec.Interval.Duration)
	k.agenda.listed(w, listing, nil, now)
	k.picture = nil // it shows when that was
	k.poke()
}
