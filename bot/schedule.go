package bot

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
)

// CheckSchedule says what is wrong with the value of config.ScheduleAnnotation:
// five fields of cron, "@daily" and the like, with "CRON_TZ=ZONE " in front for
// another time zone than UTC.
func CheckSchedule(text string) error {
	_, err := parseSchedule(text)
	return err
}

func parseSchedule(text string) (func(time.Time) time.Time, error) {
	zone := ""
	if rest, found := strings.CutPrefix(text, "CRON_TZ="); found {
		zone, text, _ = strings.Cut(rest, " ")
	}
	return gate.Schedule(strings.TrimSpace(text), zone)
}

// schedule says when an automation is run.
type schedule struct {
	interval time.Duration
	times    func(time.Time) time.Time // nil: by the interval
}

// jitter is the part of an interval by which runs are put off at random, so that
// those of many automations come apart.
const jitter = 0.05

// next returns when to run after a run that begins now.
func (s schedule) next(now time.Time, random func() float64) time.Time {
	if s.times != nil {
		return s.times(now)
	}
	if random == nil {
		random = rand.Float64
	}
	return now.Add(s.interval + time.Duration(jitter*random()*float64(s.interval)))
}

// newTask returns the task of an automation: due now, or when its schedule says.
func newTask(a *config.Automation, now time.Time) *task {
	t := &task{automation: a, due: now, schedule: schedule{interval: max(a.Spec.Interval.Duration, time.Second)}}
	if text := a.Annotations[config.ScheduleAnnotation]; text != "" {
		if times, err := parseSchedule(text); err == nil { // loading says what is wrong
			t.schedule.times = times
			t.due = times(now)
		}
	}
	if a.Git != nil {
		t.repository, _ = gitops.Key(a.Git.URL) // a URL without one fails the automation
	}
	t.state = AutomationState{}.of(a)
	t.state.NextRun = t.due
	return t
}

// wake notes that the task is to be run after the quiet period.
func (t *task) wake(now time.Time) {
	if t.woken.IsZero() {
		t.woken = now
	}
	t.wokenLast = now
}

// longestBatch is how many quiet periods a wake-up waits at most, where others
// keep coming.
const longestBatch = 5

// when returns when the task is to be run.
func (t *task) when(batch time.Duration) time.Time {
	if t.woken.IsZero() {
		return t.due
	}
	quiet := earlier(t.woken.Add(longestBatch*batch), t.wokenLast.Add(batch))
	return earlier(t.due, quiet)
}

// requestedAt returns when somebody asked for a run, in their words.
func requestedAt(annotations map[string]string) string {
	return annotations["reconcile.fluxcd.io/requestedAt"]
}
