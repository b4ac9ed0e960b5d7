// Package notify tells people and machines what happened: it delivers events to
// the Providers that Flux's Alerts send them to.
//
//	n := notify.Open(set, notify.Options{Report: log})
//	n.Tell(event)
//	err := n.Close(ctx)
//
// Each type of Provider is a small file here. The libraries that send to many
// services carry plain text by clients of their own choosing, and know nothing
// of Flux's events, Alertmanager, annotations or commit statuses.
//
// An address, a token or a key shows in no error. Messages are whatever
// publishers of images wrote, and are escaped for where they go, so that they
// can't mention people or hide links.
package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// Options says how Providers are reached. The zero value takes nothing from the
// environment and keeps silent about what can't be delivered.
type Options struct {
	// Report is told what could not be delivered, from several goroutines.
	Report func(error)

	// Instance names this process in events, such as by its host; "": none.
	Instance string

	// Dialer opens all connections.
	Dialer login.Dialer

	// Environment says with Getenv whether the environment's proxies are used.
	Environment login.Environment

	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Sleep waits before another try; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Notifier delivers events in the background. It is safe for concurrent use.
type Notifier struct {
	o      Options
	ctx    context.Context // of all deliveries; ends when Close gives up
	cancel context.CancelFunc
	work   sync.WaitGroup // the lanes

	mu     sync.Mutex
	routes []route
	lanes  []*lane
	news   news
	closed bool
}

// route is an alert and where it sends to.
type route struct {
	alert *fleet.Alert
	to    *lane
}

// Open returns a notifier for the alerts of a set. Alerts and Providers that are
// suspended or have errors are left out, as are Providers that no connection can
// be made to; the latter are reported.
func Open(set *fleet.Set, o Options) *Notifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	n := &Notifier{o: o, news: news{}}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.Use(set)
	return n
}

// Use goes on with the alerts of another set. What was told before is delivered
// as it was meant, and what people know they are not told again. It does nothing
// after Close.
func (n *Notifier) Use(set *fleet.Set) {
	lanes := map[*fleet.Provider]*lane{}
	var routes []route
	for _, alert := range set.Alerts {
		provider := alert.Provider
		if alert.Err != nil || alert.Suspended || provider == nil || provider.Suspended {
			continue
		}
		if _, known := lanes[provider]; !known {
			lanes[provider] = n.open(provider)
		}
		if to := lanes[provider]; to != nil {
			routes = append(routes, route{alert, to})
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.end()
	n.routes = routes
	for _, to := range lanes {
		if to != nil {
			n.lanes = append(n.lanes, to)
			n.work.Go(func() { to.run(n.ctx) })
		}
	}
}

// open returns a lane that isn't running yet, or nil after reporting why not.
func (n *Notifier) open(p *fleet.Provider) *lane {
	client, err := connect(p, n.o)
	if err != nil {
		n.o.Report(fmt.Errorf("reach Provider %s: %w", p.Name, err))
		return nil
	}
	return &lane{provider: p, client: client, secrets: secretsOf(p, n.o), o: n.o, queue: make(chan message, queueLength)}
}

// end lets the lanes end once their queues are empty. The caller holds the lock.
func (n *Notifier) end() {
	for _, l := range n.lanes {
		close(l.queue)
	}
	n.lanes, n.routes = nil, nil
}

// Tell sends an event to the Providers of the alerts that select it, once it is
// news:
//
//   - a failure that the object had before, word for word, is none. Of an object
//     that fails in several ways, one event a cycle names them all.
//   - a recovery of what hasn't failed is none. It may be told in each cycle.
//   - holds that are all among those that were told last are none. It is what is
//     held that is compared, not the words, which tell the time. An event without
//     holds only makes the object's forgotten.
//
// What is news is this process's to know: another tells again what goes on.
//
// Tell never blocks. An event that finds a Provider's queue full is dropped and
// reported. After Close nothing is delivered.
func (n *Notifier) Tell(e pinsetter.Event) {
	if e.At.IsZero() {
		e.At = n.o.Now()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || !n.news.admits(e) {
		return
	}
	told := describe(e, n.o.Instance)
	for _, r := range n.routes {
		if selects(r.alert, told) {
			r.to.offer(told.with(r.alert.Metadata))
		}
	}
}

// selects reports whether an alert is for a message. A recovery ends an error,
// so alerts for errors alone are for it too.
func selects(a *fleet.Alert, m message) bool {
	if !a.Selects(m.event.Object) || a.ErrorsOnly && m.Severity != severityError && m.event.Kind != pinsetter.EventRecovered {
		return false
	}
	for _, exclude := range a.Exclude {
		if exclude.MatchString(m.Message) {
			return false
		}
	}
	included := false
	for _, include := range a.Include {
		included = included || include.MatchString(m.Message)
	}
	return included || len(a.Include) == 0
}

// Close delivers what was told and returns nil, or the context's error when that
// ends first; what isn't delivered then is reported.
func (n *Notifier) Close(ctx context.Context) error {
	n.mu.Lock()
	n.closed = true
	n.end()
	n.mu.Unlock()
	done := make(chan struct{})
	go func() {
		n.work.Wait()
		close(done)
	}()
	defer n.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		n.cancel()
		<-done
		return ctx.Err()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
