package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// defaultAnswer bounds one answer. The slowest that were met in earnest, lists
	// of 100,000 tags from object stores, take some ten seconds.
	defaultAnswer = 30 * time.Second

	// leastRate is how many bytes a second must come of an answer that has begun for
	// a third of its time. A line that gives less can't be told from a server that
	// doesn't mean to end.
	leastRate = 1 << 10
)

// errSlow is in the chain of the error for an answer that came too slowly.
var errSlow = errors.New("too slow")

// pace watches over one answer: it must begin and end within a time, and its
// bytes must not trickle. What doesn't keep to that is cut off.
type pace struct {
	host   string
	within time.Duration
	began  time.Time
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	read  int       // bytes of the body
	begun time.Time // when the first of them came
	timer *time.Timer

	stopped bool
}

// watch returns the context to send a request with, and what watches over its
// answer until stop.
func watch(ctx context.Context, host string, within time.Duration) (context.Context, *pace) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pace{host: host, within: within, began: time.Now(), cancel: cancel}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(p.step(), p.check)
	return ctx, p
}

// step is how often the pace is looked at.
func (p *pace) step() time.Duration { return p.within / 3 }

// came notes that bytes of the answer did.
func (p *pace) came(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read == 0 {
		p.begun = time.Now()
	}
	p.read += n
}

// check cuts the answer off where it is too slow.
func (p *pace) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	now := time.Now()
	if now.Sub(p.began) >= p.within {
		p.cancel(failure{fmt.Sprintf("%s gave no complete answer within %s: %d bytes came; a longer spec.timeout of the ImageRepository gives it more time",
			shown(p.host), p.within, p.read), errSlow})
		return
	}
	if came := now.Sub(p.begun); p.read > 0 && came >= p.step() && float64(p.read) < leastRate*came.Seconds() {
		p.cancel(failure{fmt.Sprintf("%s sent %d bytes of its answer in %s, and %d a second is the least",
			shown(p.host), p.read, round(came), leastRate), errSlow})
		return
	}
	p.timer.Reset(min(p.step(), p.within-now.Sub(p.began)))
}

// stop ends the watch.
func (p *pace) stop() {
	p.mu.Lock()
	p.stopped = true // a check that waits for the lock doesn't set the timer again
	p.timer.Stop()
	p.mu.Unlock()
	p.cancel(nil)
}

// explain returns why an answer was cut off, where err comes of that, else err.
func (p *pace) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSlow) {
		return cause
	}
	return err
}

// pacedBody is the body of an answer that is watched over. It says once when the
// answer has ended or is closed.
type pacedBody struct {
	io.ReadCloser
	ctx  context.Context
	pace *pace
	end  func()
}

func (b *pacedBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	b.pace.came(n)
	if err != nil && err != io.EOF { //nolint:errorlint // an io.Reader's
		err = b.pace.explain(b.ctx, err)
	}
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *pacedBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
