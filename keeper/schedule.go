package keeper

import (
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
)

// schedule says when an automation runs: at its times, else at its interval. An
// automation with neither runs once, because only other objects can change its
// outcome.
type schedule struct {
	interval time.Duration
	times    func(time.Time) time.Time
}

// jitter is the part of an interval by which runs are delayed at random, so
// that many automations don't run at once.
const jitter = 0.05

// shortest is the least time between two runs by interval.
const shortest = time.Second

// next returns the time of the run after one that begins now, or the zero time
// for never. Chance is in [0, 1).
func (s schedule) next(now time.Time, chance float64) time.Time {
	switch {
	case s.times != nil:
		return s.times(now)
	case s.interval == 0:
		return time.Time{}
	}
	return now.Add(s.interval + time.Duration(jitter*chance*float64(s.interval)))
}

// task is an automation and the time of its next run.
type task struct {
	automation *fleet.Automation
	repository string // key; "" where it can't be run
	schedule   schedule
	due        time.Time // zero: never
	woken      time.Time // the first time since the last run began; zero: never
	wokenLast  time.Time
	changed    time.Time           // when a change of its policies is to be written, after its delay; zero: there is none
	stale      []*fleet.Repository // images whose tags the next run lists anew
	state      AutomationState
}

// newTask returns the task of an automation: due now, or when its schedule says.
func newTask(a *fleet.Automation, now time.Time) *task {
	t := &task{automation: a}
	t.state = AutomationState{}.of(a)
	if a.Err == nil && !a.Suspended {
		t.repository = bot.RepositoryOf(a) // an automation without one fails
	}
	if t.repository != "" {
		t.schedule = scheduleOf(a)
	}
	if t.schedule.times != nil {
		t.plan(t.schedule.times(now))
	} else {
		t.plan(now)
	}
	return t
}

func scheduleOf(a *fleet.Automation) schedule {
	if a.Schedule != nil {
		return schedule{times: a.Schedule}
	}
	return schedule{interval: max(a.Spec.Interval.Duration, shortest)}
}

// plan sets the time of the next run.
func (t *task) plan(due time.Time) { t.due, t.state.NextRun = due, due }

// follow takes over the state of the same automation's task in the set before.
func (t *task) follow(old *task, now time.Time) {
	t.state = old.state.of(t.automation)
	t.woken, t.wokenLast, t.changed, t.stale = old.woken, old.wokenLast, old.changed, old.stale
	before, after := old.automation.Annotations, t.automation.Annotations
	switch {
	case requestedAt(before) != requestedAt(after):
		t.due = now
	case t.schedule.times != nil && before[fleet.ScheduleAnnotation] == after[fleet.ScheduleAnnotation]:
		t.due = earlier(t.due, old.due) // it may be waiting for its turn
	}
	t.plan(t.due)
}

// wake makes the task run after the quiet period.
func (t *task) wake(now time.Time) {
	if t.woken.IsZero() {
		t.woken = now
	}
	t.wokenLast = now
}

// follows records that policies of the task may have changed. The task runs
// after the automation's policyChangeDelay, counted from the first change.
// Without a delay it runs after the quiet period.
func (t *task) follows(now time.Time) {
	delay := t.delay()
	switch {
	case delay <= 0:
		t.wake(now)
	case t.changed.IsZero():
		t.changed = now.Add(delay)
	}
}

func (t *task) delay() time.Duration {
	if d := t.automation.Spec.PolicyChangeDelay; d != nil {
		return d.Duration
	}
	return 0
}

// While wake-ups keep coming, the first one waits for at most that many quiet
// periods, or for shortestLimit if that is longer.
const (
	batchLimit    = 5
	shortestLimit = 30 * time.Second
)

// when returns the time of the next run, or the zero time for never.
func (t *task) when(batch time.Duration) time.Time {
	due := earlier(t.due, t.changed)
	if t.woken.IsZero() {
		return due
	}
	limit := max(shortestLimit, batchLimit*batch)
	quiet := earlier(t.woken.Add(limit), t.wokenLast.Add(batch))
	return earlier(due, quiet)
}

// earlier returns the earlier of two times. The zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// requestedAt returns the value of the annotation by which somebody asked for a
// run.
func requestedAt(annotations map[string]string) string {
	return annotations["reconcile.fluxcd.io/requestedAt"]
}
