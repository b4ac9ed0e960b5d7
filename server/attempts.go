package server

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How many passwords may be wrong before a client waits.
const (
	maxAttempts  = 10 // of one client in attemptsWithin
	maxStrangers = 10_000
)

// attemptsWithin is the time that attempts are counted in.
const attemptsWithin = time.Minute

// attempts counts what clients tried. The zero attempts are ready; they are safe
// for concurrent use.
type attempts struct {
	mu     sync.Mutex
	began  time.Time
	counts map[string]int // by client
}

// take counts an attempt and reports whether it may be made.
func (a *attempts) take(now time.Time, client string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.began).Abs() >= attemptsWithin || a.counts == nil { // the clock may have gone back
		a.began, a.counts = now, map[string]int{}
	}
	count := a.counts[client]
	if count >= maxAttempts || count == 0 && len(a.counts) >= maxStrangers {
		return false
	}
	a.counts[client]++
	return true
}

// giveBack takes an attempt back that was right.
func (a *attempts) giveBack(client string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts[client]--; a.counts[client] <= 0 {
		delete(a.counts, client)
	}
}

// client returns who sends a request: an IPv4 address, or the /64 of an IPv6 one,
// which is what one client has. Headers that name another are not believed.
func client(r *http.Request) string {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip := address.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.Prefix(64) // of an IPv6 address there is one
	return prefix.String()
}
