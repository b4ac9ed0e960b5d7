// Package scene sets up what a bot works in, for tests of the rooms that run cycles: a
// registry, a Git server with a repository, objects, a clock, and the file of a ledger.
package scene

import (
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/store"
)

// Noon is a Monday, on which every scene begins.
var Noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Objects are a policy of the image org/app and an automation that writes it to the
// branch PUSH.
const Objects = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: REG/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ^1.0.0}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet}
spec: {url: REPO, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: PUSH}}
`

// File has one marker of the policy of Objects, and shows 1.0.0.
const File = "image: REG/org/app:1.0.0 # {\"$imagepolicy\": \"default:app\"}\n"

// Scene is what a bot works in. Its objects and files may name REG, the registry, and
// REPO, the URL of the repository.
type Scene struct {
	Registry *parts.Registry
	Repo     *parts.Repository
	Set      *fleet.Set // the objects
	State    string     // file of the ledger
	Clock    atomic.Pointer[time.Time]
	Fault    atomic.Pointer[Fault] // nil: the servers answer

	t testing.TB
}

// Fault answers in the registry's or the Git server's place. It reports whether
// it did.
type Fault func(http.ResponseWriter, *http.Request) bool

// New makes a scene with the files on the branch main.
func New(t testing.TB, objects string, files map[string]string) *Scene {
	t.Helper()
	s := &Scene{t: t, State: filepath.Join(t.TempDir(), "state.db")}
	s.Clock.Store(&Noon)
	s.Registry = parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: s.faulty}})
	git := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: s.faulty}})
	s.Repo = git.NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: s.NamedAll(files)}})
	s.Load(objects)
	return s
}

// faulty puts the scene's fault before what answers.
func (s *Scene) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		if f := s.Fault.Load(); f == nil || !(*f)(to, r) {
			next.ServeHTTP(to, r)
		}
	})
}

// Break has the registry list nothing from now on.
func (s *Scene) Break() {
	down := Fault(func(to http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			to.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	s.Fault.Store(&down)
}

// Named returns text with the registry's address for REG.
func (s *Scene) Named(text string) string {
	return registryName.ReplaceAllString(text, "${1}"+s.Registry.Addr)
}

// registryName is REG as a word, which the base64 of a key doesn't hold by chance.
var registryName = regexp.MustCompile(`(^|[^0-9A-Za-z+/]|//)REG\b`)

// NamedAll is Named for files, by path.
func (s *Scene) NamedAll(files map[string]string) map[string]string {
	named := map[string]string{}
	for path, text := range files {
		named[path] = s.Named(text)
	}
	return named
}

// Load replaces the objects. There must be nothing to say about them.
func (s *Scene) Load(objects string) {
	s.t.Helper()
	objects = strings.ReplaceAll(s.Named(objects), "REPO", s.Repo.URL)
	s.Set = config.Load([]source.File{{Path: "objects.yaml", Data: []byte(objects)}}, config.Options{Namespace: "default"})
	for _, f := range s.Set.Findings {
		s.t.Fatal(f)
	}
}

// Now returns the scene's time.
func (s *Scene) Now() time.Time { return *s.Clock.Load() }

// Pass lets time pass.
func (s *Scene) Pass(d time.Duration) {
	later := s.Now().Add(d)
	s.Clock.Store(&later)
}

// Remember opens the scene's ledger until the test ends.
func (s *Scene) Remember() *store.Ledger {
	s.t.Helper()
	dsn, err := store.ParseDSN("sqlite:" + s.State)
	if err != nil {
		s.t.Fatal(err)
	}
	ledger, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = ledger.Close() }) // it may be closed already
	return ledger
}
