package gitops

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// TestAPackThatTricklesEnds: a byte now and then is not enough.
func TestAPackThatTricklesEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = out.CloseWithError(context.Canceled) })
	go func() {
		for ctx.Err() == nil {
			_, _ = in.Write([]byte{0})
			time.Sleep(time.Millisecond)
		}
	}()
	f := watch(out, 100*time.Millisecond, cancel)
	defer f.stop()
	_, err := io.Copy(io.Discard, f)
	if err = trickled(ctx, err); !errors.Is(err, ErrTimeout) {
		t.Errorf("it ends with %v", err)
	}
}
