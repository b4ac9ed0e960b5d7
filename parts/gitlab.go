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

// GitLab is a forge in this process that answers as GitLab documents: what its
// API v4 has for merge requests, and Git over HTTP, both for the same real
// repositories. A request that the documentation doesn't know fails the test,
// and so does an unknown parameter or field.
//
// https://docs.gitlab.com/api/merge_requests/
type GitLab struct {
	Front

	// User is a maintainer of every project, and Token, of the scope api, is
	// theirs.
	User, Token string

	t   T
	git *Git

	mu       sync.Mutex // guards what follows, and the projects
	users    []*gitlabUser
	tokens   map[string]gitlabToken
	projects []*GitLabProject
	faults   []GitLabFault
	wrong    []string // what came and isn't documented
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

// GitLabFault is what happens to the next request of its kind, once. One that
// never happens fails the test.
type GitLabFault struct {
	Method string
	Path   string // a part of the request's
	Before func() // called before the request is answered; nil: nothing is
	Status int    // what it is answered; 0: as ever
	Header map[string]string
	Body   string
}

// NewGitLab starts a GitLab until t ends. It skips where git is missing.
func NewGitLab(t T) *GitLab {
	t.Helper()
	g := &GitLab{t: t, User: "bot", tokens: map[string]gitlabToken{}}
	t.Cleanup(g.check) // the last of all, since it may end the test
	g.git = &Git{t: t, git: Need(t, "git"), Root: Dir(t)}
	g.git.env = gitEnv(t, g.git.Root)
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

// check fails the test for what came and wasn't to come, and the other way round.
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

// NewUser adds a user who is a member of no project, and returns a token of the
// scope api.
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

// named returns a user by name, nil where there is none.
func (g *GitLab) named(name string) *gitlabUser {
	i := slices.IndexFunc(g.users, func(u *gitlabUser) bool { return strings.EqualFold(u.name, name) })
	if i < 0 {
		return nil
	}
	return g.users[i]
}

// Fail has a fault happen.
func (g *GitLab) Fail(f GitLabFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, f)
}

// Pass moves the server's clock.
func (g *GitLab) Pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed += d
}

func (g *GitLab) now() time.Time { return time.Now().Add(g.passed) }

// Must sends a request to the API, such as "/projects/1", with a token and fails
// the test unless it succeeds. In and out are JSON, and may be nil.
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
