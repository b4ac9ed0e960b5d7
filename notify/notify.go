// Package notify delivers events to the Providers that Flux's Alerts name.
//
//	n := notify.Open(set, notify.Options{Report: log})
//	n.Tell(event)
//	err := n.Close(ctx)
//
// Each type of Provider is a small file. Libraries for many services send plain
// text through HTTP clients of their own, and don't support Flux's events,
// Alertmanager, annotations or commit statuses.
//
// No error contains an address, a token or a key. Messages contain text by
// publishers of images; it is escaped for its destination, so that it can't
// mention people or hide links.
package notify

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

// Options configure the access to Providers. The zero value uses nothing from
// the environment, and drops reports of failed deliveries.
type Options struct {
	// Report is told of messages that could not be delivered. It is called
	// concurrently.
	Report func(error)

	// Instance is the name of this process in events, such as its host; "":
	// none.
	Instance string

	// Dialer opens all connections.
	Dialer login.Dialer

	// Clouds logs in to the message services of Google Cloud and Azure. Nil:
	// only what Secrets hold.
	Clouds Clouds

	// Environment.Getenv says whether the environment's proxies are used.
	Environment login.Environment

	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Sleep waits before another try; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Clouds are the logins of this process to the message services of clouds.
type Clouds interface {
	// Messages returns a bearer token for Google Pub/Sub or Azure Event Hubs. A
	// key of the cloud, as JSON, takes the place of the process' identity.
	Messages(ctx context.Context, r login.CloudRequest, key pinsetter.Secret) (login.CloudLogin, error)
}

// Notifier delivers events in the background. It is safe for concurrent use.
type Notifier struct {
	o      Options
	ctx    context.Context // of all deliveries; cancelled when Close gives up
	cancel context.CancelFunc
	work   sync.WaitGroup // the lanes

	mu     sync.Mutex
	routes []route
	lanes  []*lane
	news   news
	closed bool
}

// route is an alert and the lanes that it sends to.
type route struct {
	alert *fleet.Alert
	to    *lane
}

// Open returns a notifier for the alerts of a set. It leaves out alerts and
// Providers that are suspended or have errors. It reports and leaves out
// Providers that it can't connect to.
func Open(set *fleet.Set, o Options) *Notifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	n := &Notifier{o: o, news: news{}}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.Use(set)
	return n
}

// Use replaces the alerts by those of another set. Messages that are queued
// already are delivered as before, and old news isn't told again. After Close
// it does nothing.
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

// open returns a lane that isn't running yet. If that fails it reports the
// reason and returns nil.
func (n *Notifier) open(p *fleet.Provider) *lane {
	client, err := connect(p, n.o)
	if err != nil {
		n.o.Report(fmt.Errorf("reach Provider %s: %w", p.Name, err))
		return nil
	}
	return &lane{provider: p, client: client, secrets: secretsOf(p, n.o), o: n.o, queue: make(chan message, queueLength)}
}

// end lets the lanes end once their queues are empty. The caller holds the
// lock.
func (n *Notifier) end() {
	for _, l := range n.lanes {
		close(l.queue)
	}
	n.lanes, n.routes = nil, nil
}

// Tell sends an event to the Providers of the alerts that select it, if it is
// news. It is not news if it is
//
//   - a failure with the same words as the object's last one. If an object fails
//     in several ways, send one event a cycle that names them all.
//   - a recovery of an object that hasn't failed. So it may be told in each cycle.
//   - holds that were all told last time. Their reasons are not compared, since
//     these contain times. An event without holds only makes Tell forget the
//     object's holds.
//
// A new process starts without memory, and tells again what still fails or is
// held.
//
// Tell never blocks. If a Provider's queue is full, the event is dropped and
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
			m := told.with(r.alert.Metadata)
			m.alert = r.alert.Name
			r.to.offer(m)
		}
	}
}

// selects reports whether an alert is for a message. A recovery ends an error,
// so alerts with severity error get it too. Filters look at Flux's text
// and at the summary, each by itself, so that anchors hold.
func selects(a *fleet.Alert, m message) bool {
	if !a.Selects(m.event.Object) || a.ErrorsOnly && m.Severity != severityError && m.event.Kind != pinsetter.EventRecovered {
		return false
	}
	finds := func(filter *regexp.Regexp) bool {
		return filter.MatchString(m.filtered) || m.event.Summary != "" && filter.MatchString(m.event.Summary)
	}
	return !slices.ContainsFunc(a.Exclude, finds) && (len(a.Include) == 0 || slices.ContainsFunc(a.Include, finds))
}

// Close delivers the queued messages and returns nil. If the context ends
// first, it returns the context's error and reports what wasn't delivered.
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
