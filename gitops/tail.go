package gitops

import (
	"strings"
	"sync"
)

// tailBytes bounds what is kept of a server's messages.
const tailBytes = 16 << 10

// tail keeps the last bytes that are written to it. It is safe for concurrent
// use.
type tail struct {
	mutex sync.Mutex
	bytes []byte
	cut   bool // there was more before
}

func (t *tail) Write(p []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - tailBytes; extra > 0 {
		t.bytes, t.cut = append(t.bytes[:0], t.bytes[extra:]...), true
	}
	return len(p), nil
}

// String returns the whole lines of what was kept: the end of one could be that
// of a secret, by which nobody knows it.
func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := string(t.bytes)
	if t.cut {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.ToValidUTF8(text, "")
}
