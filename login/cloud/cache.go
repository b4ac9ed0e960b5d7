package cloud

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

const (
	// margin is how long before its end a login is renewed, so that a scan that
	// begins with it can end with it. A login that is valid for less than 50
	// minutes is renewed after nine tenths of its time.
	margin = 5 * time.Minute

	// youngest is the age below which a refused login is not renewed: the host
	// refused the identity, and a new login would be refused too. It is also
	// the reason that 1,000 refused images cost one renewal.
	youngest = time.Minute

	// failureMemory is how long a failure is remembered: a cloud that refuses
	// an identity is asked once, not once for each image.
	failureMemory = 30 * time.Second

	// askTimeout bounds a request that several callers share.
	askTimeout = 2 * time.Minute
)

var sleep = pause.For

// cache remembers logins by scope. It is safe for concurrent use.
type cache struct {
	now     func() time.Time
	flights singleflight.Group

	mu   sync.Mutex
	kept map[string]entry
}

// entry is a login or an error, and how long it counts.
type entry struct {
	login     login.CloudLogin
	err       error
	at, until time.Time
}

func newCache(now func() time.Time) *cache { return &cache{now: now, kept: map[string]entry{}} }

// get returns the login for a scope, remembered or new. Concurrent callers
// share one call of ask, which goes on if a caller's ctx ends.
func (c *cache) get(ctx context.Context, key string, refused pinsetter.Secret, ask func(context.Context) (login.CloudLogin, error)) (login.CloudLogin, error) {
	if e, ok := c.remembered(key, refused); ok {
		return e.login, e.err
	}
	answer := c.flights.DoChan(key, func() (any, error) {
		if e, ok := c.remembered(key, refused); ok {
			return e, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		at := c.now()
		found, err := ask(ctx)
		e := entry{login: found, err: err, at: at, until: at.Add(failureMemory)}
		if err == nil {
			e.until = end(at, found.Until)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.kept[key] = e
		return e, nil
	})
	select {
	case result := <-answer:
		e := result.Val.(entry)
		return e.login, e.err
	case <-ctx.Done():
		return login.CloudLogin{}, fmt.Errorf("wait for a login: %w", context.Cause(ctx))
	}
}

// remembered returns the entry of a scope unless it has ended, or its login was
// refused and is old enough to be renewed.
func (c *cache) remembered(key string, refused pinsetter.Secret) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.kept[key]
	now := c.now()
	switch {
	case !found, !now.Before(e.until):
		return entry{}, false
	case e.err == nil && !refused.IsZero() && e.login.Password.Reveal() == refused.Reveal():
		return e, now.Sub(e.at) < youngest
	}
	return e, true
}

// longest bounds the time for which a login is used, whatever a cloud says.
const longest = 24 * time.Hour

// end returns the time until which a login is used. One that has ended by this
// machine's clock is used for a moment: the clock may be wrong, and a new one for
// each image would be too.
func end(at, until time.Time) time.Time {
	life := min(until.Sub(at), longest)
	if life <= 0 {
		return at.Add(failureMemory)
	}
	return at.Add(life - min(margin, life/10))
}
