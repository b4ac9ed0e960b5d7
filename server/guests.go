package server

import (
	linked "container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	maxGuests = 512 // concurrent connections

	// spokenWithin is how long an idle connection keeps its place if others
	// want it.
	spokenWithin = 250 * time.Millisecond
)

// guests is a listener with a bounded number of places. If all are taken, a new
// connection takes the place of the one that has been idle for longest. So
// clients that only hold connections open, or open one after the other, keep
// nobody out. A new connection has to wait only if every place has a request in
// progress.
type guests struct {
	net.Listener
	places int

	mu      sync.Mutex
	open    int
	quiet   *linked.List  // of *guest: the idle ones, longest idle first
	changed chan struct{} // signals a change of the fields above
	ended   bool
}

func newGuests(listener net.Listener, places int) *guests {
	return &guests{Listener: listener, places: places, quiet: linked.New(), changed: make(chan struct{}, 1)}
}

// guest is a connection.
type guest struct {
	net.Conn
	of *guests

	// The following fields are protected by guests.mu.
	requests int             // in progress
	since    time.Time       // start of its idle time
	place    *linked.Element // in quiet; nil: it is busy, or closed
	gone     bool
}

// Accept implements net.Listener. It is called by one goroutine.
func (l *guests) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &guest{Conn: conn, of: l}
	for {
		wait, taken := l.take(c)
		if taken {
			return c, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-l.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take gives c a place. If there is none now, it returns the time until the
// next attempt.
func (l *guests) take(c *guest) (wait time.Duration, taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.places && !l.ended {
		longest := l.quiet.Front()
		if longest == nil {
			return time.Minute, false
		}
		silent := longest.Value.(*guest)
		if left := spokenWithin - time.Since(silent.since); left > 0 {
			return left, false
		}
		silent.leave()
		_ = silent.Conn.Close() // the error has no reader
	}
	l.open++
	c.hush()
	return 0, true
}

// Close implements net.Listener.
func (l *guests) Close() error {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.poke()
	return l.Listener.Close()
}

func (l *guests) poke() {
	select {
	case l.changed <- struct{}{}:
	default: // a look is pending already
	}
}

// hush marks the guest as idle. The lock is held.
func (c *guest) hush() {
	if !c.gone {
		c.since = time.Now()
		c.place = c.of.quiet.PushBack(c)
	}
}

// speak marks the guest as busy. The lock is held.
func (c *guest) speak() {
	if c.place != nil {
		c.of.quiet.Remove(c.place)
		c.place = nil
	}
}

// leave gives up the guest's place, once. The lock is held.
func (c *guest) leave() {
	if c.gone {
		return
	}
	c.speak()
	c.gone = true
	c.of.open--
}

// Close implements net.Conn.
func (c *guest) Close() error {
	c.of.mu.Lock()
	c.leave()
	c.of.mu.Unlock()
	c.of.poke()
	return c.Conn.Close()
}

type guestKey struct{}

// known puts a connection's guest into the context of its requests. It is an
// http.Server.ConnContext.
func known(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, conn)
}

// heard serves requests with next, and marks their guest as busy meanwhile.
func heard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(guestKey{}).(*guest)
		if ok {
			c.ask(1)
			defer c.ask(-1)
		}
		next.ServeHTTP(w, r)
	})
}

// ask changes the number of requests in progress.
func (c *guest) ask(more int) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.requests += more
	if c.requests > 0 {
		c.speak()
		return
	}
	c.hush()
	c.of.poke()
}
