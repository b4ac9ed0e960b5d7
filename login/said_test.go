package login

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter/parts/budget"
)

func TestSaid(t *testing.T) {
	for body, want := range map[string]string{
		``:         "",
		"  \n":     "",
		`{}`:       "",
		`[]`:       "",
		`null`:     "",
		`12`:       "",
		`"no"`:     "no",
		`{"a":`:    "",
		`no \n x`:  `no \n x`,
		"a\r\n\tb": "a b",
		`{"errors":[{"code":"DENIED","message":"no access","detail":[1]},{"code":"X"}]}`: "DENIED: no access; X",
		`{"errors":[{"message":"a"},{"message":"b"},{"message":"c"},{"message":"d"}]}`:   "a; b; c",
		`{"errors":[],"message":"You have exceeded your plan"}`:                          "You have exceeded your plan",
		`{"errors":"forbidden for you"}`:                                                 "forbidden for you",
		`{"errors":["a","b"]}`:                                                           "a; b",
		`{"errors":[{"status":403,"message":"artifactory"}]}`:                            "artifactory",
		`{"error":{"code":403,"message":"quota"}}`:                                       "quota",
		`{"error":"invalid_scope","error_description":"no such scope"}`:                  "invalid_scope: no such scope",
		`{"title":"Forbidden","status":403,"detail":"not you"}`:                          "Forbidden: not you",
		`{"details":"incorrect username or password"}`:                                   "incorrect username or password",
		`{"code":"X","message":"X"}`:                                                     "X",
		`{"errors":{"errors":{"errors":{"errors":{"message":"deep"}}}}}`:                 "",
		`{"token":"hidden"}`:                                                             "",
		`<html><head><title> Log&nbsp;in
 </title></head><body>x</body></html>`: "Log in",
		`<html><head><style>p{}</style><title></title></head><body><script>evil()</script><!-- c --><h1>No</h1><p>a&lt;b</p></body>`: "No a<b",
		`<!DOCTYPE html><p>cut of`: "cut of",
		"<p>\x1b[2J\xff":           "\x1b[2J�",
	} {
		if got := Said([]byte(body)); got != want {
			t.Errorf("%s says %q; want %q", body, got, want)
		}
	}
}

// FuzzSaid: whatever the answer, the text is no longer than what was read, and
// plain text and pages come on one line.
func FuzzSaid(f *testing.F) {
	for _, seed := range []string{`{"errors":[{"code":"A","message":"b"}]}`, "<html><title>x</title>", "plain\ntext", `[["a"]]`, "<script><style>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		budget.Affords(t, len(body), func() {
			said := Said(body)
			if len(said) > 3*len(body)+16 || !utf8.ValidString(said) {
				t.Fatalf("%q says %q", body, said)
			}
			if start := strings.TrimSpace(string(body)); strings.HasPrefix(start, "<") && strings.ContainsAny(said, "\n\t") {
				t.Fatalf("%q says %q", body, said)
			}
		})
	})
}
