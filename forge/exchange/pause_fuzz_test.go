package exchange

import (
	"net/http"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzPause: whatever a forge's headers say, a pause isn't negative, and ends.
func FuzzPause(f *testing.F) {
	f.Add(403, "", "0", "1767323045", "")
	f.Add(429, "-9223372036854775808", "0", "-1", "")
	f.Add(403, "Fri, 31 Dec 9999 23:59:59 GMT", "", "", "secondary rate limit")
	f.Add(503, "9223372036854775807", "0", "9223372036854775807", "")
	f.Fuzz(func(t *testing.T, status int, after, remaining, reset, body string) {
		budget.Affords(t, len(after)+len(remaining)+len(reset)+len(body), func() {
			header := http.Header{}
			header.Set("Retry-After", after)
			header.Set("X-RateLimit-Remaining", remaining)
			header.Set("X-RateLimit-Reset", reset)
			a := &answer{Response: &http.Response{StatusCode: status, Header: header, Request: &http.Request{Method: http.MethodGet}}, body: []byte(body)}
			for try := 1; try <= maxTries; try++ {
				pause, again := a.pause(time.Unix(1767323045, 0), try)
				if pause < 0 || pause > maxAsked || again && try == maxTries {
					t.Errorf("try %d: %v %v", try, pause, again)
				}
			}
		})
	})
}
