package gate

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // containers without a distribution have no time zones

	"github.com/robfig/cron/v3"

	"github.com/pinsetter/pinsetter/spec"
)

// window is a time of writing that returns.
type window struct {
	starts   cron.Schedule
	zone     *time.Location
	duration time.Duration
}

func compileWindows(specs []spec.GateWindow) ([]window, error) {
	var windows []window
	var errs []error
	for i, s := range specs {
		w := window{duration: s.Duration.Duration, zone: time.UTC}
		var err error
		if w.starts, err = parseSchedule(s.Schedule); err != nil {
			errs = append(errs, &spec.FieldError{Field: fmt.Sprintf("spec.windows[%d].schedule", i), Err: err})
		}
		if w.zone, err = parseZone(s.TimeZone); err != nil {
			errs = append(errs, &spec.FieldError{Field: fmt.Sprintf("spec.windows[%d].timeZone", i), Err: err})
		}
		windows = append(windows, w)
	}
	return windows, errors.Join(errs...)
}

// calendar is a day before a leap day, from which every schedule that ever comes
// comes within the five years that the parser's schedules look ahead.
var calendar = time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC)

// parseSchedule reads the five fields of cron, or one of its words such as
// @daily.
func parseSchedule(text string) (cron.Schedule, error) {
	const advice = `write minute, hour, day of month, month and day of week, such as "0 2 * * 1-5"`
	switch {
	case strings.Contains(text, "="): // the parser panics on a zone that stands alone
		return nil, fmt.Errorf("parse schedule %q: write the zone in timeZone, and %s", text, advice)
	case strings.HasPrefix(text, "@every"):
		return nil, fmt.Errorf("parse schedule %q: it has no fixed times: %s", text, advice)
	case strings.HasPrefix(text, "@"): // the parser knows its words to the letter
	default:
		if err := checkCron(text); err != nil {
			return nil, fmt.Errorf("parse schedule %q: %w: %s", text, err, advice)
		}
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("parse schedule %q: %w: %s", text, err, advice)
	}
	if schedule.Next(calendar).IsZero() {
		return nil, fmt.Errorf("parse schedule %q: that day never comes: %s", text, advice)
	}
	return schedule, nil
}

// parseZone returns a time zone of the IANA database; "" is UTC. That of the
// machine is none, since a run elsewhere would decide otherwise.
func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC, fmt.Errorf("unknown time zone %q: write one of the IANA database, such as %q", name, "Europe/Berlin")
	}
	return zone, nil
}

// Schedule returns when a schedule comes next after a time: five fields of cron, or
// one of its words such as @daily, with "CRON_TZ=ZONE " in front for another time
// zone of the IANA database than UTC. What it returns is safe for concurrent use.
func Schedule(text string) (next func(time.Time) time.Time, err error) {
	w, zone := window{}, ""
	if rest, found := strings.CutPrefix(text, "CRON_TZ="); found {
		if zone, text, _ = strings.Cut(rest, " "); zone == "" {
			return nil, errors.New("CRON_TZ names no zone: write one of the IANA database, or leave it out for UTC")
		}
	}
	if w.starts, err = parseSchedule(strings.TrimSpace(text)); err != nil {
		return nil, err
	}
	if w.zone, err = parseZone(zone); err != nil {
		return nil, err
	}
	return w.next, nil
}

// open reports whether t lies in the window.
func (w window) open(t time.Time) bool {
	start := w.starts.Next(t.In(w.zone).Add(-w.duration)) // the first one that hasn't ended by t
	return !start.IsZero() && !start.After(t)
}

// next returns when the window opens after t, in its zone; the zero time where
// it doesn't within five years.
func (w window) next(t time.Time) time.Time { return w.starts.Next(t.In(w.zone)) }
