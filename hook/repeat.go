package hook

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
)

// Senders repeat a delivery if they think that it got lost, and whoever saw a signed
// one can send it as often as they like. A sender may also write the same into each,
// so a repeated one isn't dropped: it asks for a look later.
const (
	repeatPause   = 10 * time.Second // between two looks for one content
	maxRemembered = 1000             // contents; more are looked at without a pause
)

// repeats remembers what was delivered lately. It is safe for concurrent use.
type repeats struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time // ends of the pauses that began with a look
	late  map[[sha256.Size]byte]bool      // a look comes at the end
}

// contentOf returns what a delivery is remembered by.
func contentOf(r *fleet.Receiver, body []byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte(r.Name.String() + "\n"))
	h.Write(body)
	return [sha256.Size]byte(h.Sum(nil))
}

// look calls wake now, or once at the end of the pause if this content came lately.
// It returns the error of a call now; then no pause begins, since the sender tries
// again. The error of a later call goes to failed.
func (p *repeats) look(content [sha256.Size]byte, wake func() error, failed func(error)) error {
	p.mu.Lock()
	now := time.Now()
	for c, end := range p.until {
		if !now.Before(end) && !p.late[c] {
			delete(p.until, c)
		}
	}
	end, lately := p.until[content]
	switch {
	case lately && p.late[content]:
	case lately:
		p.late[content] = true
		time.AfterFunc(end.Sub(now), func() {
			p.mu.Lock()
			delete(p.late, content)
			p.until[content] = time.Now().Add(repeatPause)
			p.mu.Unlock()
			if err := wake(); err != nil {
				failed(err)
			}
		})
	case len(p.until) < maxRemembered:
		p.until[content] = now.Add(repeatPause)
	}
	p.mu.Unlock()
	if lately {
		return nil
	}
	err := wake()
	if err != nil {
		p.mu.Lock()
		if !p.late[content] {
			delete(p.until, content)
		}
		p.mu.Unlock()
	}
	return err
}
