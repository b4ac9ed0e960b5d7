// Package budget holds tests to what their work may cost, whatever else the machine does.
package budget

import (
	"runtime/metrics"
	"testing"
	"time"
)

// What reading foreign bytes may take: so much in any case, and so much for each byte.
// They are far above what is needed, and far below what work takes that grows with the
// square of its input.
const (
	budgetMemory = 16 << 20 // bytes, in all that is allocated
	memoryOfByte = 4 << 10
	budgetTime   = time.Second // of the processor
	timeOfByte   = 20 * time.Microsecond
)

// Affords has work read size foreign bytes, and fails the test if that allocates more
// memory or takes more processor time than reading so many may. What other goroutines
// allocate is counted too, and their time isn't.
func Affords(t testing.TB, size int, work func()) {
	t.Helper()
	before := allocated()
	took := ThreadTime(t, work)
	spent := allocated() - before
	if most := uint64(budgetMemory + size*memoryOfByte); spent > most {
		t.Errorf("reading %d bytes allocates %d, and may allocate %d", size, spent, most)
	}
	if most := slower * (budgetTime + time.Duration(size)*timeOfByte); took > most {
		t.Errorf("reading %d bytes takes %s, and may take %s", size, took, most)
	}
}

// allocated returns the bytes that were allocated since the process began.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
