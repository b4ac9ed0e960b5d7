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
	maxGuests = 512 // connections at once

	// spokenWithin is for how long a connection that asks nothing is left its place
	// where others want it.
	spokenWithin = 250 * time.Millisecond
)

// guests is a listener with so many places. Where all are taken, who comes next
// gets that of the guest that has asked nothing for longest: so those who only
// hold connections open, or open one after the other, keep nobody out. Only where
// every place has a request that is being answered does one have to be waited for.
type guests struct {
	net.Listener
	places int

	mu      sync.Mutex
	open    int
	quiet   *linked.List  // of *guest: those that ask nothing, the longest first
	changed chan struct{} // something of the above did
	ended   bool
}

func newGuests(listener net.Listener, places int) *guests {
	return &guests{Listener: listener, places: places, quiet: linked.New(), changed: make(chan struct{}, 1)}
}

// guest is a connection.
type guest struct {
	net.Conn
	of *guests

	// What follows is under the lock of all guests.
	requests int             // that are being answered
	since    time.Time       // when it had none last
	place    *linked.Element // in quiet; nil: it is answered, or gone
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

// take gives c a place, if there is one or can be, else says when to look again.
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
		_ = silent.Conn.Close() // nobody is told
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
	default: // it is about to be looked at
	}
}

// hush notes that the guest asks nothing. The lock is held.
func (c *guest) hush() {
	if !c.gone {
		c.since = time.Now()
		c.place = c.of.quiet.PushBack(c)
	}
}

// speak notes that the guest asks something. The lock is held.
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

// known has the requests of a connection know whose they are: an
// http.Server.ConnContext.
func known(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, conn)
}

// heard answers by next, and leaves the guest its place meanwhile.
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

// ask counts requests that are being answered.
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
