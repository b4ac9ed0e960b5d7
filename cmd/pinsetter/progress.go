package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is one line on a terminal that says what is going on. On anything
// but a terminal, and in the first half second, it shows nothing.
type progress struct {
	mu      sync.Mutex
	w       io.Writer // nil: not a terminal
	started time.Time
	shown   bool
}

// patience is how long a command may run before it says what it is doing.
const patience = 500 * time.Millisecond

func newProgress(w io.Writer, now time.Time) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{w: w, started: now}
}

// show replaces the line. It is safe for concurrent use.
func (p *progress) show(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || time.Since(p.started) < patience {
		return
	}
	p.shown = true
	fmt.Fprintf(p.w, "\r\x1b[K%s", printable(line))
}

// done clears the line.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
