package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultAnswer bounds one answer. The slowest that were met in earnest, lists
	// of 100,000 tags from object stores, take some ten seconds.
	defaultAnswer = 30 * time.Second

	// leastRate is how many bytes a second of an answer must come, once a third of
	// its time is over. A line that gives less can't be told from a server that
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

	read atomic.Int64 // bytes of the body

	mu    sync.Mutex
	begun time.Time // when the answer did; zero: it hasn't
	timer *time.Timer
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

// begin notes that the answer has begun.
func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = time.Now()
}

// check cuts the answer off where it is too slow.
func (p *pace) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	read, now := p.read.Load(), time.Now()
	if now.Sub(p.began) >= p.within {
		p.cancel(failure{fmt.Sprintf("%s gave no complete answer within %s: %d bytes came; a longer spec.timeout of the ImageRepository gives it more time",
			shown(p.host), p.within, read), errSlow})
		return
	}
	if came := now.Sub(p.begun); !p.begun.IsZero() && came >= p.step() && float64(read) < leastRate*came.Seconds() {
		p.cancel(failure{fmt.Sprintf("%s sent %d bytes of its answer in %s, and %d a second is the least",
			shown(p.host), read, round(came), leastRate), errSlow})
		return
	}
	p.timer.Reset(min(p.step(), p.within-now.Sub(p.began)))
}

// stop ends the watch.
func (p *pace) stop() {
	p.mu.Lock()
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
	b.pace.read.Add(int64(n))
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
