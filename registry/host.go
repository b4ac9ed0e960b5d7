package registry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/taglist"
)

// longestPause bounds the pause that one answer may cause, so that a
// Retry-After of ten years doesn't silence a daemon for good.
const longestPause = time.Hour

// host is the state that all requests to one host and port share.
type host struct {
	name  string
	limit *limit // of requests in flight

	mu     sync.Mutex
	until  time.Time // no request begins before this time
	reason string    // reason for the pause
	pages  taglist.Pages
}

// host returns the state of a host, by "name" or "name:port".
func (r *Registry) host(name string) *host {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, ok := r.hosts[name]
	if !ok {
		h = &host{name: name, limit: newLimit(r.options.Concurrency)}
		r.hosts[name] = h
	}
	return h
}

// enter waits for the host's pause to end and takes a slot. It fails with the
// error of ctx, or at once if the pause outlasts ctx. It holds no slot while
// waiting.
func (h *host) enter(ctx context.Context, o Options) (slot, error) {
	for {
		select {
		case h.limit.slots <- struct{}{}:
		case <-ctx.Done():
			return slot{}, fmt.Errorf("wait for one of %d requests to %s to end: %w", h.limit.most(), h.name, context.Cause(ctx))
		}
		taken := h.limit.taken()
		until, reason := h.pause()
		now := o.Now()
		if !now.Before(until) {
			return taken, nil
		}
		taken.leave()
		if left, ok := remaining(ctx, now); ok && until.Sub(now) > left {
			return slot{}, fmt.Errorf("%s: %s asked not to be called for another %s, and the timeout leaves %s",
				reason, h.name, round(until.Sub(now)), round(left))
		}
		if err := o.Sleep(ctx, until.Sub(now)); err != nil {
			return slot{}, fmt.Errorf("%s: wait until %s may be called again: %w", reason, h.name, err)
		}
	}
}

func (h *host) pause() (time.Time, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until, h.reason
}

// hold delays all requests to the host until the given time.
func (h *host) hold(until time.Time, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until.After(h.until) {
		h.until, h.reason = until, reason
	}
}

// remaining returns the time until ctx's deadline, and false if it has none.
func remaining(ctx context.Context, now time.Time) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	return deadline.Sub(now), ok
}

// round shortens a duration for display.
func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(time.Second)
	}
	return max(d.Round(time.Millisecond), 0)
}
