package gitops

import (
	"strings"
	"sync"
)

// tailBytes bounds the server's messages that are remembered.
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

// String returns whole lines: half a secret at the start of a cut one would not
// be known for a secret.
func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := string(t.bytes)
	if t.cut {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.ToValidUTF8(text, "")
}
