package parts

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// GitHub is a double of a GitHub Enterprise Server: the API below /api/v3, some
// mutations of /api/graphql, and Git over HTTP. Its repositories are bare
// repositories of C git, which the API reads and writes.
//
// It checks all requests and answers of the API against GitHub's own
// description. A request that isn't in the description, or that GitHub wouldn't
// accept, fails the test when it ends.
type GitHub struct {
	Front

	t           T
	git         *Git
	description *description

	mu           sync.Mutex
	repositories []*GitHubRepository
	tokens       map[string]*githubToken
	apps         []*GitHubApp
	faults       []*GitHubFault
	wrong        []string
	ids          int
}

// NewGitHub starts a double of GitHub that ends with t.
func NewGitHub(t T) *GitHub {
	t.Helper()
	described, err := githubDescription()
	if err != nil {
		t.Fatalf("read GitHub's description: %v", err)
	}
	g := &GitHub{t: t, description: described, tokens: map[string]*githubToken{}}
	t.Cleanup(g.finish)
	g.git = gitIn(t, Dir(t))
	g.Front = Serve(t, http.HandlerFunc(g.serve), FrontOptions{})
	g.git.Front = g.Front
	return g
}

// finish fails the test if anything was wrong.
func (g *GitHub) finish() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		g.wrong = append(g.wrong, fmt.Sprintf("%s never came, or not often enough for the fault that it meets", f.Request))
	}
	if len(g.wrong) > 0 {
		g.t.Fatalf("GitHub: %s", strings.Join(g.wrong, "\n"))
	}
}

// id returns a new unique number.
func (g *GitHub) id() int {
	g.ids++
	return g.ids
}

// githubToken is a token and its rights.
type githubToken struct {
	user         string
	app          *GitHubApp        // of an installation's token
	scopes       []string          // of a classic token
	permissions  map[string]string // of other tokens
	repositories []*GitHubRepository
	until        time.Time // zero: no expiry
}

// NewToken returns a classic token of a user with write access everywhere, with
// scopes such as "repo".
func (g *GitHub) NewToken(user string, scopes ...string) string {
	return g.newToken("ghp_", &githubToken{user: user, scopes: append([]string{}, scopes...)})
}

// NewFineGrainedToken returns a token of a user for some repositories, with
// permissions such as "pull_requests": "write".
func (g *GitHub) NewFineGrainedToken(user string, permissions map[string]string, repositories ...*GitHubRepository) string {
	return g.newToken("github_pat_", &githubToken{user: user, permissions: permissions, repositories: repositories})
}

func (g *GitHub) newToken(prefix string, t *githubToken) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addToken(prefix, t)
}

func (g *GitHub) addToken(prefix string, t *githubToken) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(g.id())))
	token := fmt.Sprintf("%s%x", prefix, sum[:18])
	g.tokens[token] = t
	return token
}

// GitHubFault is a fault that some requests get instead of an answer, or after
// the request was carried out.
type GitHubFault struct {
	Request string // "POST /repos/{owner}/{repo}/pulls", or "POST /graphql"
	Times   int    // 0: once
	Status  int    // 0: the connection breaks
	Header  map[string]string
	Body    string
	Done    bool // the request is carried out first

	// Meanwhile, if set, is called right before the request is served normally;
	// the other fields are ignored.
	Meanwhile func()
}

// Fail injects a fault into the next matching requests. A fault that never
// occurs fails the test.
func (g *GitHub) Fail(f GitHubFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.Times = max(f.Times, 1)
	g.faults = append(g.faults, &f)
}

// Heal ends the faults that are injected still.
func (g *GitHub) Heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// fault returns the fault for a request, or nil.
func (g *GitHub) fault(name string) *GitHubFault {
	for i, f := range g.faults {
		if f.Request == name {
			if f.Times--; f.Times == 0 {
				g.faults = slices.Delete(g.faults, i, i+1)
			}
			return f
		}
	}
	return nil
}
