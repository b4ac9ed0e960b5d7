package gitops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// The least that must come of a pack once it has begun: so many bytes a second,
// after the first seconds. A server may take long before it begins, but not then.
const (
	leastRate  = 1 << 10
	rateCounts = 10 * time.Second
)

type awayKey struct{}

// WithAway returns a context in which away is called with each wait for a
// server that has not begun to answer. Nothing of the answer is in memory then.
// Away must call wait, and return when that has ended.
func WithAway(ctx context.Context, away func(wait func())) context.Context {
	return context.WithValue(ctx, awayKey{}, away)
}

// await calls wait through the away of the context, if there is one.
func await(ctx context.Context, wait func()) {
	if away, ok := ctx.Value(awayKey{}).(func(wait func())); ok {
		away(wait)
		return
	}
	wait()
}

// errTrickles is the cause of the end of a pack that comes too slowly.
var errTrickles = fmt.Errorf("%w: less than %d bytes a second of the pack came", ErrTimeout, leastRate)

// flow reads a pack, and ends it if it comes too slowly.
type flow struct {
	io.Reader
	read atomic.Int64
	stop func() // stops looking
}

// watch returns the reader of a pack that has begun. Cancel ends the request.
func watch(pack io.Reader, after time.Duration, cancel context.CancelCauseFunc) *flow {
	f, began, ended := &flow{Reader: pack}, time.Now(), make(chan struct{})
	f.stop = func() { close(ended) }
	go func() {
		tick := time.NewTicker(after)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			if float64(f.read.Load()) < leastRate*time.Since(began).Seconds() {
				cancel(errTrickles)
				return
			}
		}
	}()
	return f
}

func (f *flow) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	f.read.Add(int64(n))
	return n, err
}

// trickled returns the reason why a pack was ended, if err is due to that, else
// err.
func trickled(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errTrickles) {
		return cause
	}
	return err
}

// broken is a reader that fails.
type broken struct{ error }

func (b broken) Read([]byte) (int, error) { return 0, b.error }
