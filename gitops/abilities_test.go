package gitops_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// memory is a server, and a directory in which programs that run one after the other
// keep what they fetch and learn of it.
type memory struct {
	t      *testing.T
	git    *parts.Git
	repo   *parts.Repository
	dir    string
	refuse atomic.Pointer[func(*http.Request) bool] // whose requests are bad ones
}

func newMemory(t *testing.T) *memory {
	m := &memory{t: t, dir: t.TempDir()}
	m.git = parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuses := m.refuse.Load(); refuses != nil && (*refuses)(r) {
				http.Error(w, "what?", http.StatusBadRequest)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	m.repo = m.git.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: map[string]string{
		"uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true",
	}})
	return m
}

// fetch has another program read main, and returns the methods of its requests.
func (m *memory) fetch() string {
	m.t.Helper()
	m.git.Log.Reset()
	remote := openWith(m.t, &fleet.GitSource{URL: m.repo.URL}, gitops.Options{Keep: m.dir, Screen: tagged("1")})
	fetched := fetch(m.t, remote, main, "")
	if found, _ := all(m.t, fetched.Base, ""); fetched.Base.Hash() != m.repo.Head("main") || len(found) != 2 {
		m.t.Errorf("read %s with %v", fetched.Base.Hash(), found)
	}
	fetched.Close()
	var methods []string
	for _, request := range m.git.Log.All() {
		methods = append(methods, request.Method)
	}
	return strings.Join(methods, " ")
}

func (m *memory) wantFetch(what, want string) {
	m.t.Helper()
	if got := m.fetch(); got != want {
		m.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// abilities returns the file in which the server's are.
func (m *memory) abilities() string {
	m.t.Helper()
	names, err := filepath.Glob(filepath.Join(m.dir, "*.git-abilities"))
	if err != nil || len(names) != 1 {
		m.t.Fatalf("%q, %v", names, err)
	}
	return names[0]
}

// The next program doesn't ask what a server can do: where nothing is new, one
// request is all. What is a day old, later than now or no such file is asked again.
func TestAbilitiesAreRemembered(t *testing.T) {
	m := newMemory(t)
	m.wantFetch("the first", "GET POST POST")
	m.wantFetch("nothing changed", "POST")
	for what, spoil := range map[string]func(){
		"a day old":      func() { m.written(-25 * time.Hour) },
		"from tomorrow":  func() { m.written(time.Hour) },
		"gone":           func() { _ = os.Remove(m.abilities()) },
		"something else": func() { _ = os.WriteFile(m.abilities(), []byte("pinsetter abilities 1\nall\n"), 0o600) },
	} {
		spoil()
		m.wantFetch(what, "GET POST")
		m.wantFetch("after "+what, "POST")
	}
	m.repo.CommitFile("main", "apps/a.yaml", "tag: 1.0.1\n", "")
	m.wantFetch("a file changed", "POST POST POST")
}

func (m *memory) written(ago time.Duration) {
	at := time.Now().Add(ago)
	if err := os.Chtimes(m.abilities(), at, at); err != nil {
		m.t.Fatal(err)
	}
}

// A server that answers otherwise than it is remembered to is asked what it can do,
// in the same fetch.
func TestAbilitiesDisagree(t *testing.T) {
	t.Run("no protocol v2 any more", func(t *testing.T) {
		m := newMemory(t)
		m.fetch()
		refuse := func(r *http.Request) bool {
			v2 := r.Header.Get("Git-Protocol") != ""
			r.Header.Del("Git-Protocol")
			return v2 && r.Method == http.MethodPost
		}
		m.refuse.Store(&refuse)
		m.wantFetch("refused", "POST GET")
		m.wantFetch("again", "GET")
	})
	t.Run("no filters any more", func(t *testing.T) {
		m := newMemory(t)
		m.fetch()
		m.repo.Git("config", "uploadpack.allowFilter", "false")
		m.repo.CommitFile("main", "apps/a.yaml", "tag: 1.0.1\n", "")
		m.wantFetch("a filter is refused", "POST POST GET POST POST")
		m.wantFetch("again", "POST")
	})
}

// What was pushed isn't fetched: the next program asks for the refs alone.
func TestWhatWasPushedIsKept(t *testing.T) {
	for _, branch := range []string{"main", "updates"} {
		m := newMemory(t)
		read := func() *gitops.Fetched {
			m.git.Log.Reset()
			remote := openWith(t, &fleet.GitSource{URL: m.repo.URL}, gitops.Options{Keep: m.dir, Screen: tagged("1")})
			fetched := fetch(t, remote, main, branch)
			if found, _ := all(t, fetched.Base, ""); len(found) != 2 {
				t.Errorf("read %v", found)
			}
			return fetched
		}
		lease := map[string]string{"main": m.repo.Head("main")}[branch]
		for _, tag := range []string{"1.1.0", "1.2.0"} {
			fetched := read()
			next := commit(t, fetched.Base, map[string]string{"apps/a.yaml": "tag: " + tag + "\n"})
			push(t, openWith(t, &fleet.GitSource{URL: m.repo.URL}, gitops.Options{}), gitops.Push{Snapshot: next, Branch: branch, Lease: lease, Rebuilt: branch != "main"})
			fetched.Close()
			lease = next.Hash()
			fetched = read()
			head := fetched.Base
			if branch != "main" {
				head = fetched.Push[branch].Head
			}
			data, _, err := head.Read(t.Context(), "apps/a.yaml")
			if got := m.git.Log.Count("", ""); got != 1 || string(data) != "tag: "+tag+"\n" || head.Hash() != lease || err != nil {
				t.Errorf("%s: %d requests, read %q of %s, %v", branch, got, data, head, err)
			}
			fetched.Close()
		}
		fsck(t, m.git, m.repo)
	}
}
