package server

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bounds on wrong passwords before a client has to wait.
const (
	maxAttempts  = 10 // of one client in attemptsWithin
	maxStrangers = 10_000
)

// attemptsWithin is the period in which attempts are counted.
const attemptsWithin = time.Minute

// attempts counts the attempts of clients. The zero value is ready for use; it
// is safe for concurrent use.
type attempts struct {
	mu     sync.Mutex
	began  time.Time
	counts map[string]int // by client
}

// take counts an attempt, and reports whether it is allowed.
func (a *attempts) take(now time.Time, client string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.began).Abs() >= attemptsWithin || a.counts == nil { // the clock may have been set back
		a.began, a.counts = now, map[string]int{}
	}
	count := a.counts[client]
	if count >= maxAttempts || count == 0 && len(a.counts) >= maxStrangers {
		return false
	}
	a.counts[client]++
	return true
}

// giveBack uncounts an attempt that succeeded.
func (a *attempts) giveBack(client string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts[client]--; a.counts[client] <= 0 {
		delete(a.counts, client)
	}
}

// client returns the sender of a request: an IPv4 address, or the /64 of an
// IPv6 address, since one client has a whole /64. It ignores headers that name
// other addresses.
func client(r *http.Request) string {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip := address.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.Prefix(64) // never fails for an IPv6 address
	return prefix.String()
}
