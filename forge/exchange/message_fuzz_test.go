package exchange

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzMessage: whatever a forge says, it is one bounded line without the token.
func FuzzMessage(f *testing.F) {
	for _, body := range []string{
		`{"message":"no"}`, `{"message":["a","b"]}`, `{"message":{"base":["a"],"note":["b","c"]}}`, `null`, `[null]`,
		`{"error":"insufficient_scope","error_description":"The token lacks it.","scope":"api read_api"}`,
		`{"message":"glpat-secret","errors":[{"resource":"R","code":"c"},"x"]}`,
	} {
		f.Add(body)
	}
	secrets := new(login.Scrubber)
	secrets.Keep("token", pinsetter.NewSecret("token", "glpat-secret"))
	f.Fuzz(func(t *testing.T, body string) {
		budget.Affords(t, len(body), func() {
			a := &answer{Response: &http.Response{StatusCode: http.StatusForbidden}, body: []byte(body), secrets: secrets}
			said := a.message()
			if strings.ContainsFunc(said, func(r rune) bool { return r < ' ' }) || utf8.RuneCountInString(said) > 500 || strings.Contains(said, "glpat-secret") {
				t.Errorf("%q: %q", body, said)
			}
			a.hollow()
		})
	})
}
