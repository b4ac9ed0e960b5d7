package exchange

import (
	"context"
	"sync"
	"time"
)

// Pace keeps a least time between requests that write. Transports with the same
// credentials share one. It is safe for concurrent use.
type Pace struct {
	between time.Duration // the least time between two

	mu   sync.Mutex
	last time.Time
}

// NewPace returns a pace with so much time between two requests.
func NewPace(between time.Duration) *Pace { return &Pace{between: between} }

// wait waits until the next request may write.
func (p *Pace) wait(ctx context.Context, o Options) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.last.Add(p.between).Sub(o.Now()); !p.last.IsZero() && wait > 0 {
		if err := o.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	p.last = o.Now()
	return nil
}

// Ready waits until a request may write.
func (t *Transport) Ready(ctx context.Context) error {
	if t.pace == nil {
		return nil
	}
	return t.pace.wait(ctx, t.options)
}

type onceKey struct{}

// Once makes the requests of a context be sent only one time and without a
// pause: the caller has just read the state that they depend on, and checks the
// result. Call Ready first.
func Once(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

type etagKey struct{}

// WithETag makes the requests of a context conditional: the transport sends the
// ETag, and returns ErrNotModified for a 304. An empty etag changes nothing.
func WithETag(ctx context.Context, etag string) context.Context {
	return context.WithValue(ctx, etagKey{}, etag)
}
