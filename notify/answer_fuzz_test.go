package notify

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzAccepts: whatever a chat answers, an error of it is one line of bounded length.
func FuzzAccepts(f *testing.F) {
	f.Add([]byte(`{"code":1,"msg":"a\nb"}`))
	f.Add([]byte(`{"ok":false,"error":"invalid_auth"}`))
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"x"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, accepts := range []func([]byte) error{larkAccepts, slackAccepts, otlpAccepts} {
			if err := accepts(body); err != nil && (strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 4096) {
				t.Errorf("%.200q", err)
			}
		}
	})
}

// FuzzAddresses: whatever an address is, a place or an error comes of it.
func FuzzAddresses(f *testing.F) {
	f.Add("https://u:p@sentry.example.test/42")
	f.Add("0/00")
	f.Add("git@host:a/b.git")
	f.Fuzz(func(t *testing.T, address string) {
		budget.Affords(t, len(address), func() {
			if at, err := parsePlace(address); err == nil && (at.host == "" || at.scheme == "") {
				t.Errorf("%+v", at)
			}
			if to, auth, err := parseDSN(address); err == nil && (to == "" || auth == "") {
				t.Errorf("%q, %q", to, auth)
			}
		})
	})
}
