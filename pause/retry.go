package pause

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Backoff returns the pause before a retry: 250 ms, doubled for each retry that
// there was, up to 16 s. Half of it is random, a number from 0 to 1, so that
// clients don't come back together.
func Backoff(retries int, random float64) time.Duration {
	full := 250 * time.Millisecond << min(retries, 6)
	return time.Duration(float64(full) * (1 - random/2))
}

// RetryAfter parses a Retry-After header in either form, seconds or a date (RFC
// 9110 section 10.2.3). It returns false if there is none.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// Passing reports whether an error may be gone a moment later: a refused, reset
// or broken connection, or a timeout while connecting. An ended context, a bad
// certificate and an unknown name are final.
func Passing(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	for _, cause := range []error{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsTemporary || dns.IsTimeout
	}
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial" && dial.Timeout()
}
