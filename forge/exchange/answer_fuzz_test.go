package exchange

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzAnswer: whatever a forge says, the message is one line without control
// characters, of bounded length, and without the token that was sent.
func FuzzAnswer(f *testing.F) {
	f.Add(422, []byte(`{"message":{"base":["is missing",""]},"errors":[{"resource":"PullRequest","code":"invalid"},"x",null]}`), "repo")
	f.Add(403, []byte(`{"message":["a","b"],"error":"e","error_description":"d","scope":"api"}`), "a, b")
	f.Add(200, []byte(`[null,{"id":1}]`), "")
	f.Add(502, []byte("<html><title>token-of-the-test</title>"), "")
	f.Fuzz(func(t *testing.T, status int, body []byte, scopes string) {
		budget.Affords(t, len(body)+len(scopes), func() {
			const token = "token-of-the-test"
			secrets := new(login.Scrubber)
			secrets.Keep("token", pinsetter.NewSecret("the token", token))
			a := &answer{Response: &http.Response{StatusCode: status, Header: http.Header{"X-Accepted-Oauth-Scopes": {scopes}}}, body: body, secrets: secrets}
			a.hollow()
			if text := a.message(); strings.Contains(text, token) || strings.ContainsAny(text, "\n\r\x1b") || len(text) > 4096 {
				t.Errorf("%d bytes: %.200q", len(text), text)
			}
		})
	})
}
