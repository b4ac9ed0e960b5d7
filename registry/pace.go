package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
)

const (
	// defaultAnswer bounds one answer. The slowest real answers, lists of
	// 100,000 tags from object stores, take about ten seconds.
	defaultAnswer = 30 * time.Second

	// leastRate is the least rate, in bytes a second, of an answer after a
	// third of its time. A slower line can't be told from a server that never
	// means to end.
	leastRate = 1 << 10
)

// errSlow is in the chain of the error for an answer that arrived too slowly.
var errSlow = errors.New("too slow")

// pace supervises one answer: it must begin and end within a time, and keep a
// least rate. Of a bulk one, and of the request before it, something must move
// within the time. Otherwise pace cancels it.
type pace struct {
	host   string
	within time.Duration
	bulk   bool
	began  time.Time // of a bulk one: time of the last byte
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	read  int       // bytes of the body so far
	begun time.Time // time of the first byte
	timer *time.Timer

	stopped bool
}

// watch returns a context for sending a request, and the pace that supervises
// its answer until stop.
func watch(ctx context.Context, host string, within time.Duration, bulk bool) (context.Context, *pace) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pace{host: host, within: within, bulk: bulk, began: time.Now(), cancel: cancel}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(p.step(), p.check)
	return ctx, p
}

// step is the interval between checks.
func (p *pace) step() time.Duration { return p.within / 3 }

// came notes n bytes of the answer.
func (p *pace) came(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bulk {
		p.began = time.Now()
	} else if p.read == 0 {
		p.begun = time.Now()
	}
	p.read += n
}

// check cancels the answer if it is too slow.
func (p *pace) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	now := time.Now()
	if p.bulk && now.Sub(p.began) >= p.within {
		p.cancel(pinsetter.Reword(fmt.Sprintf("nothing went to or came from %s for %s, after %d bytes", pinsetter.Display(p.host), p.within, p.read), errSlow))
		return
	}
	if now.Sub(p.began) >= p.within {
		p.cancel(pinsetter.Reword(fmt.Sprintf("%s gave no complete answer within %s: %d bytes came; a longer timeout of the object gives it more time",
			pinsetter.Display(p.host), p.within, p.read), errSlow))
		return
	}
	if came := now.Sub(p.begun); !p.bulk && p.read > 0 && came >= p.step() && float64(p.read) < leastRate*came.Seconds() {
		p.cancel(pinsetter.Reword(fmt.Sprintf("%s sent %d bytes of its answer in %s, and %d a second is the least",
			pinsetter.Display(p.host), p.read, round(came), leastRate), errSlow))
		return
	}
	p.timer.Reset(min(p.step(), p.within-now.Sub(p.began)))
}

// stop ends the supervision.
func (p *pace) stop() {
	p.mu.Lock()
	p.stopped = true // keeps a check that waits for the lock from setting the timer again
	p.timer.Stop()
	p.mu.Unlock()
	p.cancel(nil)
}

// explain returns the reason of the cancellation if that caused err, else err.
func (p *pace) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSlow) {
		return cause
	}
	return err
}

// pacedBody is the supervised body of an answer. It reports once when the
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
