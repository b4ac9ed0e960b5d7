package keeper

import (
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
)

// agenda holds the tasks of a Keeper for one set of objects, with the indexes
// that save comparing every policy with every automation.
type agenda struct {
	tasks        []*task // sorted by name
	byName       map[pinsetter.Name]*task
	repositories []*tasksOf                            // sorted by the name of their first task
	waking       map[string][]*task                    // that images wake, by namespace
	policies     map[*fleet.Repository][]*fleet.Policy // of an image
	watches      map[pinsetter.Name]*watch             // by ImageRepository
	written      map[*fleet.Policy][]*task             // what writers found
}

// tasksOf are the tasks of one repository.
type tasksOf struct {
	repository string // key; "" for those that can't be run
	tasks      []*task
}

// watch is an ImageRepository and the time when its tags are listed next.
type watch struct {
	image    *fleet.Repository
	used     bool // some automation that images wake writes a policy of it
	wanted   bool // a cycle asked for its tags: some marker leads to it
	due      time.Time
	at       time.Time // of the last listing; zero: there is none
	hash     string    // of it
	scanning bool
}

// next returns the agenda for the automations of another set. It takes over
// what this one knows of them. It calls expire for each image whose new
// annotation asks for a listing.
func (a agenda) next(set *fleet.Set, automations []*fleet.Automation, expire func(*fleet.Repository), now time.Time) agenda {
	next := agenda{
		byName:   map[pinsetter.Name]*task{},
		waking:   map[string][]*task{},
		policies: map[*fleet.Repository][]*fleet.Policy{},
		watches:  map[pinsetter.Name]*watch{},
		written:  map[*fleet.Policy][]*task{},
	}
	places := map[string]*tasksOf{}
	for _, automation := range automations {
		t := newTask(automation, now)
		if old := a.byName[automation.Name]; old != nil {
			t.follow(old, now)
		}
		next.tasks = append(next.tasks, t)
		next.byName[automation.Name] = t
		if places[t.repository] == nil {
			places[t.repository] = &tasksOf{repository: t.repository}
			next.repositories = append(next.repositories, places[t.repository])
		}
		places[t.repository].tasks = append(places[t.repository].tasks, t)
		if t.schedule.interval > 0 {
			namespace := automation.Name.Namespace
			next.waking[namespace] = append(next.waking[namespace], t)
		}
	}
	for _, p := range set.Policies {
		if p.Repository != nil {
			next.policies[p.Repository] = append(next.policies[p.Repository], p)
		}
	}
	for _, r := range set.Repositories {
		if r.Err != nil || r.Suspended {
			continue
		}
		used := next.isWritten(r, func(*task) bool { return true })
		w := &watch{image: r, used: used, due: now.Add(r.Spec.Interval.Duration)}
		if old := a.watches[r.Name]; old != nil {
			w.hash, w.at, w.wanted = old.hash, old.at, old.wanted
			w.due = earlier(w.due, w.nextListing())
			if requestedAt(r.Annotations) != requestedAt(old.image.Annotations) {
				expire(r)
			}
		}
		next.watches[r.Name] = w
	}
	return next
}

// nextListing returns the time of the next listing, or the zero time if there
// was none yet.
func (w *watch) nextListing() time.Time {
	if w.at.IsZero() {
		return time.Time{}
	}
	return w.at.Add(w.image.Spec.Interval.Duration)
}

// isWritten reports whether a task that images wake, and that by accepts,
// writes a policy of the image.
func (a agenda) isWritten(r *fleet.Repository, by func(*task) bool) bool {
	return slices.ContainsFunc(a.policies[r], func(p *fleet.Policy) bool {
		return slices.ContainsFunc(a.waking[p.Name.Namespace], func(t *task) bool { return by(t) && t.automation.Selects(p) })
	})
}

// writers returns the tasks that write a policy and that images wake.
func (a agenda) writers(p *fleet.Policy) []*task {
	found, known := a.written[p]
	if !known {
		for _, t := range a.waking[p.Name.Namespace] {
			if t.automation.Selects(p) {
				found = append(found, t)
			}
		}
		a.written[p] = found
	}
	return found
}

// listed records a listing of an image's tags. If the tags changed, it wakes
// the tasks that write them, except those that have seen the new ones.
func (a agenda) listed(w *watch, listing bot.Listing, seen map[pinsetter.Name]bool, now time.Time) {
	if !listing.At.After(w.at) {
		return
	}
	changed := !w.at.IsZero() && listing.Hash != w.hash
	w.at, w.hash = listing.At, listing.Hash
	w.due = w.nextListing()
	if !changed {
		return
	}
	for _, p := range a.policies[w.image] {
		for _, t := range a.writers(p) {
			if !seen[t.automation.Name] {
				t.follows(now)
			}
		}
	}
}

// settle records the listings of a cycle, which the automations that it ran
// have seen.
func (a agenda) settle(policies []bot.PolicyState, ended map[pinsetter.Name]*AutomationState, now time.Time) {
	seen := map[pinsetter.Name]bool{}
	for name := range ended {
		seen[name] = true
	}
	for _, p := range policies {
		if w := a.watches[p.Repository]; w != nil {
			w.wanted = true
			a.listed(w, p.Listing, seen, now)
		}
	}
}

// recall gives automations that haven't run yet their last recorded success.
func (a agenda) recall(last map[string]time.Time) {
	for _, t := range a.tasks {
		if t.state.LastSuccess.IsZero() {
			t.state.LastSuccess = last[t.automation.Name.String()]
		}
	}
}

// setBack corrects plans that a clock made while it was ahead: what is an
// interval away by that clock is an interval away from now.
func (a agenda) setBack(now time.Time, chance float64) {
	for _, t := range a.tasks {
		t.plan(earlier(t.due, t.schedule.next(now, chance)))
		if t.woken.After(now) {
			t.woken, t.wokenLast = now, now
		}
		if !t.changed.IsZero() {
			t.changed = earlier(t.changed, now.Add(t.delay()))
		}
	}
	for _, w := range a.watches {
		w.due = earlier(w.due, now.Add(w.image.Spec.Interval.Duration))
		if w.at.After(now) {
			w.at = now
		}
	}
}
