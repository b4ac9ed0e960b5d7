package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress is a line on a terminal that says what is going on. It appears after
// half a second. On anything but a terminal it shows nothing. It is safe for
// concurrent use.
type progress struct {
	w io.Writer // nil: not a terminal

	mu      sync.Mutex
	line    string
	patient bool // it is too early to show anything
	shown   bool
	timer   *time.Timer
}

// patience is how long a command runs before it shows progress.
const patience = 500 * time.Millisecond

func newProgress(w io.Writer) *progress {
	p := &progress{patient: true}
	if IsTerminal(w) {
		p.w = w
		p.timer = time.AfterFunc(patience, p.begin)
	}
	return p
}

// begin shows the line that was set while it was too early.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.patient = false
	p.draw()
}

// Show replaces the line.
func (p *progress) Show(line string) {
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
	fmt.Fprintf(p.w, "\r\x1b[K%s", Printable(p.line))
}

// Done clears the line until the next call of show.
func (p *progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = ""
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
