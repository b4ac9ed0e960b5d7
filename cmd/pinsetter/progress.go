package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is one line on a terminal that says what is going on, from half a
// second on. On anything but a terminal it shows nothing. It is safe for
// concurrent use.
type progress struct {
	w io.Writer // nil: not a terminal

	mu      sync.Mutex
	line    string
	patient bool // too early to show anything
	shown   bool
	timer   *time.Timer
}

// patience is how long a command may run before it says what it is doing.
const patience = 500 * time.Millisecond

func newProgress(w io.Writer) *progress {
	p := &progress{patient: true}
	if isTerminal(w) {
		p.w = w
		p.timer = time.AfterFunc(patience, p.begin)
	}
	return p
}

// begin shows what was going on while it was too early to say so.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.patient = false
	p.draw()
}

// show replaces the line.
func (p *progress) show(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = line
	p.draw()
}

func (p *progress) draw() {
	if p.w == nil || p.patient || p.line == "" {
		return
	}
	p.shown = true
	fmt.Fprintf(p.w, "\r\x1b[K%s", printable(p.line))
}

// done clears the line, and shows no other before the next call of show.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = ""
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
