package forge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
)

const secret = "0123456789abcdef"

// script is a forge that answers requests in order, and fails the test where one
// is another or never comes.
func script(t *testing.T, steps ...step) *forge.Repository {
	t.Helper()
	left := steps
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(left) == 0 || left[0].request != r.Method+" "+r.URL.Path {
			t.Errorf("unexpected: %s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if r.Header.Get("Authorization") != "token "+secret {
			t.Errorf("%s: Authorization %q", r.URL, r.Header.Get("Authorization"))
		}
		for name, value := range left[0].header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(left[0].status)
		_, _ = io.WriteString(w, left[0].body)
		left = left[1:]
	}))
	t.Cleanup(func() {
		server.Close()
		if len(left) > 0 {
			t.Errorf("never came: %v", left)
		}
	})
	return opened(t, server.URL+"/o/r", nil)
}

type step struct {
	request string
	status  int
	header  map[string]string
	body    string
}

// opened opens a Gitea whose clock stands still; slept, where given, gathers the
// pauses.
func opened(t *testing.T, url string, slept *[]time.Duration) *forge.Repository {
	t.Helper()
	r, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitea, URL: url, Token: pinsetter.NewSecret("t", secret)}, forge.Options{
		Now: func() time.Time { return time.Unix(1000, 0) },
		Sleep: func(_ context.Context, d time.Duration) error {
			if slept != nil {
				*slept = append(*slept, d)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	getPull   = "GET /api/v1/repos/o/r/pulls/7"
	postPull  = "POST /api/v1/repos/o/r/issues/7/comments"
	comments7 = "GET /api/v1/repos/o/r/issues/7/comments"
	pull7     = `{"number":7,"state":"open","title":"t","head":{"label":"h","ref":"h","sha":"1","repo_id":1},"base":{"label":"main","repo_id":1}}`
)

var known = &forge.PullRequest{Number: 7, Head: "h", Base: "main", State: forge.StateOpen}

func TestARequestIsRepeatedWhereThatHelps(t *testing.T) {
	r := script(t,
		step{request: getPull, status: 502},
		step{request: getPull, status: 429, header: map[string]string{"Retry-After": "3"}},
		step{request: getPull, status: 200, body: pull7})
	if pr, err := r.Find(t.Context(), "h", "main", known); err != nil || pr.Number != 7 {
		t.Errorf("%+v %v", pr, err)
	}
	r = script(t, step{request: getPull, status: 500}, step{request: getPull, status: 500}, step{request: getPull, status: 500, body: `{"message":"broken"}`})
	if _, err := r.Find(t.Context(), "h", "main", known); err == nil || !strings.Contains(err.Error(), "500 Internal Server Error: broken") {
		t.Errorf("%v", err)
	}
	r = script(t, step{request: comments7, status: 200, body: "[]"}, step{request: postPull, status: 502})
	if err := r.CommentOnce(t.Context(), known, "k", "text"); err == nil {
		t.Error("a comment that may have been made was repeated")
	}
}

func TestRateLimitIsTold(t *testing.T) {
	says := []http.Header{{"X-Ratelimit-Remaining": {"4999"}}, {"Ratelimit-Remaining": {"0"}}, {}, {"X-Ratelimit-Remaining": {"-1"}}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range says[0] {
			w.Header()[name] = values
		}
		says = says[1:]
		_, _ = io.WriteString(w, pull7)
	}))
	defer server.Close()
	var told []string
	r, err := forge.Open(&fleet.Forge{Provider: fleet.ForgeGitea, URL: server.URL + "/o/r", Token: pinsetter.NewSecret("t", secret)}, forge.Options{
		RateLimit: func(host string, remaining int) { told = append(told, fmt.Sprint(host, " ", remaining)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for len(says) > 0 {
		if _, err := r.Find(t.Context(), "h", "main", known); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(told, ", "); got != "127.0.0.1 4999, 127.0.0.1 0" {
		t.Errorf("told %s", got)
	}
}

func TestALongPauseIsTheCallers(t *testing.T) {
	r := script(t, step{request: getPull, status: 429, header: map[string]string{"Retry-After": "120"}})
	_, err := r.Find(t.Context(), "h", "main", known)
	var limit *forge.RateLimitError
	if !errors.As(err, &limit) || !errors.Is(err, forge.ErrRateLimited) || !limit.Until.Equal(time.Unix(1120, 0)) {
		t.Errorf("%v", err)
	}
}

func TestCredentialsStayBehindAtARedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked: %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	r := script(t, step{request: getPull, status: 301, header: map[string]string{"Location": other.URL + "/api/v1/repos/o/r/pulls/7"}})
	_, err := r.Find(t.Context(), "h", "main", known)
	if err == nil || !strings.Contains(err.Error(), other.URL) {
		t.Errorf("%v", err)
	}
}

func TestWhatAForgeSaysIsMadeFit(t *testing.T) {
	said := fmt.Sprintf(`{"message":"no\u001b[31m\n %s %s"}`, secret, strings.Repeat("x", 2000))
	_, err := script(t, step{request: getPull, status: 403, body: said}).Find(t.Context(), "h", "main", known)
	if !errors.Is(err, forge.ErrForbidden) || strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\x1b\n") || len(err.Error()) > 800 {
		t.Errorf("%v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		where fleet.Forge
		want  string
	}{
		"no path":    {fleet.Forge{Provider: fleet.ForgeGitea, URL: "https://git.example.test/a"}, "names no repository"},
		"dots":       {fleet.Forge{Provider: fleet.ForgeGitea, URL: "https://git.example.test/a/../b"}, "names no repository"},
		"a file":     {fleet.Forge{Provider: fleet.ForgeGitea, URL: "file:///a/b"}, "scheme"},
		"plain http": {fleet.Forge{Provider: fleet.ForgeGitea, URL: "http://git.example.test/a/b", Token: pinsetter.NewSecret("t", secret)}, "https only"},
		"no token":   {fleet.Forge{Provider: fleet.ForgeGitea, URL: "git@git.example.test:a/b.git"}, "no token for git.example.test"},
		"provider":   {fleet.Forge{Provider: "svn", URL: "https://git.example.test/a/b"}, `"svn"`},
		"a CA":       {fleet.Forge{Provider: fleet.ForgeGitea, URL: "https://git.example.test/a/b", Token: pinsetter.NewSecret("t", secret), TLS: pinsetter.TLS{CA: []byte("x")}}, "ca.crt"},
	} {
		if _, err := forge.Open(&test.where, forge.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for url, want := range map[string]string{
		"git@git.example.test:a/b.git":              "https://git.example.test/a/b",
		"ssh://git@Git.Example.test:2222/a/b":       "https://git.example.test/a/b",
		"ssh://git@ssh.github.com:443/a/b":          "https://github.com/a/b",
		"https://me:pw@git.example.test:8443/x/a/b": "https://git.example.test:8443/x/a/b",
	} {
		if got := opened(t, url, nil).String(); got != want {
			t.Errorf("%s: %s; want %s", url, got, want)
		}
	}
}
