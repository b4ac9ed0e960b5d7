package budget

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadTime does some work and returns the processor time of the thread that did
// it. Unlike a clock it doesn't count the time that other processes took, so that
// two of them can be compared on a busy machine. Work of other goroutines isn't
// counted.
func ThreadTime(t testing.TB, work func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now := func() time.Duration {
		var used unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
			t.Fatal(err)
		}
		return time.Duration(used.Nano())
	}
	before := now()
	work()
	return now() - before
}
