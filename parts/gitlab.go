package parts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// GitLab is a double of a GitLab that follows GitLab's documentation: API v4
// for merge requests, and Git over HTTP, both on the same real repositories. An
// undocumented request, parameter or field fails the test.
//
// https://docs.gitlab.com/api/merge_requests/
type GitLab struct {
	Front

	// User is a maintainer of every project. Token is theirs, with the scope
	// api.
	User, Token string

	t   T
	git *Git

	mu       sync.Mutex // protects the fields below and the projects
	users    []*gitlabUser
	tokens   map[string]gitlabToken
	projects []*GitLabProject
	faults   []GitLabFault
	wrong    []string // undocumented requests
	passed   time.Duration
}

type gitlabUser struct {
	id   int
	name string
}

type gitlabToken struct {
	user  *gitlabUser
	scope string // "api", "read_api", or "job" for the token of a CI job
}

// The roles of GitLab's members.
const (
	GitLabReporter   = 20
	GitLabDeveloper  = 30
	GitLabMaintainer = 40
)

// GitLabFault is a fault for the next matching request, once. A fault that
// never occurs fails the test.
type GitLabFault struct {
	Method string
	Path   string // a part of the request's path
	Before func() // called before the answer; nil: nothing
	Status int    // status of the answer; 0: the usual answer
	Header map[string]string
	Body   string
}

// NewGitLab starts a GitLab that ends with t. It skips the test if git is
// missing.
func NewGitLab(t T) *GitLab {
	t.Helper()
	g := &GitLab{t: t, User: "bot", tokens: map[string]gitlabToken{}}
	t.Cleanup(g.check) // the last cleanup, since it may end the test
	g.git = gitIn(t, Dir(t))
	mux := http.NewServeMux()
	for _, route := range gitlabRoutes {
		method, path, _ := strings.Cut(route.pattern, " ")
		mux.HandleFunc(method+" /api/v4"+path, g.api(route))
	}
	mux.HandleFunc("/api/", g.unknown)
	mux.HandleFunc("/", g.serveGit)
	g.Front = Serve(t, mux, FrontOptions{})
	g.git.Front = g.Front
	g.Token = g.NewUser(g.User)
	return g
}

// check fails the test for unexpected requests, and for faults that didn't
// occur.
func (g *GitLab) check() {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		g.wrong = append(g.wrong, "never came: "+f.Method+" "+f.Path)
	}
	if len(g.wrong) > 0 {
		g.t.Fatalf("gitlab:\n%s", strings.Join(g.wrong, "\n"))
	}
}

// NewUser adds a user who is a member of no project, and returns a token with
// the scope api.
func (g *GitLab) NewUser(name string) string {
	g.t.Helper()
	g.mu.Lock()
	g.users = append(g.users, &gitlabUser{id: 100 + len(g.users), name: name})
	g.mu.Unlock()
	return g.NewToken(name, "api")
}

// NewToken returns another token of a user. The scope is "api", "read_api", or
// "job" for the token of a CI job.
func (g *GitLab) NewToken(user, scope string) string {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	prefix := "glpat-"
	if scope == "job" {
		prefix = "glcbt-"
	}
	token := fmt.Sprintf("%s%s-%s-%d", prefix, user, scope, len(g.tokens))
	g.tokens[token] = gitlabToken{user: g.named(user), scope: scope}
	return token
}

// named returns a user by name, or nil.
func (g *GitLab) named(name string) *gitlabUser {
	i := slices.IndexFunc(g.users, func(u *gitlabUser) bool { return strings.EqualFold(u.name, name) })
	if i < 0 {
		return nil
	}
	return g.users[i]
}

// Fail adds a fault.
func (g *GitLab) Fail(f GitLabFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, f)
}

// Pass advances the server's clock.
func (g *GitLab) Pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed += d
}

func (g *GitLab) now() time.Time { return time.Now().Add(g.passed) }

// Must sends a request with a token to the API, such as "/projects/1", and ends
// the test if it fails. In and out are JSON, and may be nil.
func (g *GitLab) Must(token, method, path string, in, out any) {
	g.t.Helper()
	status, body := g.Do(token, method, path, in)
	if status >= 300 {
		g.t.Fatalf("gitlab: %s %s: %d: %s", method, path, status, body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(body, out); err != nil {
		g.t.Fatalf("gitlab: %s %s: %v", method, path, err)
	}
}

// Do is Must for requests that may fail.
func (g *GitLab) Do(token, method, path string, in any) (status int, body []byte) {
	g.t.Helper()
	var content io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			g.t.Fatalf("gitlab: %s %s: %v", method, path, err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, g.URL+"/api/v4"+path, content)
	if err != nil {
		g.t.Fatalf("gitlab: %s %s: %v", method, path, err)
	}
	request.Header.Set("PRIVATE-TOKEN", token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatalf("gitlab: %s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err = io.ReadAll(response.Body); err != nil {
		g.t.Fatalf("gitlab: %s %s: %v", method, path, err)
	}
	return response.StatusCode, body
}
