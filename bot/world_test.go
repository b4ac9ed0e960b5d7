package bot_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/store"
)

// noon is a Monday, on which every test begins.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// repositories counts those that tests make at one forge.
var repositories atomic.Int64

// world is what a bot works in: a registry, a repository, objects, a clock, and
// the file of its ledger.
type world struct {
	t        testing.TB
	registry *parts.Registry
	repo     *parts.Repository
	set      *fleet.Set
	state    string
	now      atomic.Pointer[time.Time]
	fault    atomic.Pointer[fault]
	keep     string       // for what was fetched and found, as the program keeps it
	said     bytes.Buffer // the log
	log      *slog.Logger // of all bots, so that it keeps their writers apart
}

// fault answers in the registry's or the Git server's place. It reports whether
// it did.
type fault func(http.ResponseWriter, *http.Request) bool

// faulty puts the world's fault before what answers.
func (w *world) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		if f := w.fault.Load(); f == nil || !(*f)(to, r) {
			next.ServeHTTP(to, r)
		}
	})
}

// broken has the registry list nothing from now on.
func (w *world) broken() {
	down := fault(func(to http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			to.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	w.fault.Store(&down)
}

// newWorld makes a world whose objects and files may name REG and REPO.
func newWorld(t testing.TB, objects string, files map[string]string) *world {
	t.Helper()
	w := &world{t: t, state: filepath.Join(t.TempDir(), "state.db"), keep: t.TempDir()}
	w.now.Store(&noon)
	w.log = slog.New(slog.NewTextHandler(&w.said, nil))
	w.registry = parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: w.faulty}})
	named := map[string]string{}
	for path, text := range files {
		named[path] = w.named(text)
	}
	w.repo = parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: w.faulty}}).NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: named}})
	w.load(objects)
	return w
}

func (w *world) named(text string) string { return strings.ReplaceAll(text, "REG", w.registry.Addr) }

// load replaces the objects.
func (w *world) load(objects string) {
	w.t.Helper()
	objects = strings.ReplaceAll(w.named(objects), "REPO", w.repo.URL)
	w.set = config.Load([]config.File{{Path: "objects.yaml", Data: []byte(objects)}}, config.Options{
		Namespace:        "default",
		CheckPolicy:      policy.Check,
		CheckAutomation:  message.Check,
		CheckGate:        func(s spec.GateSpec) error { return gate.Check(s, policy.Range) },
		CheckPullRequest: message.CheckPullRequest,
	})
	for _, f := range w.set.Findings {
		w.t.Fatal(f)
	}
}

func (w *world) time() time.Time { return *w.now.Load() }

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	later := w.time().Add(d)
	w.now.Store(&later)
}

// remember opens the world's ledger until the test ends.
func (w *world) remember() *store.Ledger {
	w.t.Helper()
	dsn, err := store.ParseDSN("sqlite:" + w.state)
	if err != nil {
		w.t.Fatal(err)
	}
	ledger, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ledger.Close() }) // it may be closed already
	return ledger
}

// bot returns a new bot with a ledger, which may be nil.
func (w *world) bot(ledger *store.Ledger) *bot.Bot {
	sleepless := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return bot.New(w.set, bot.Options{
		Registry: registry.New(registry.Options{Retries: -1, Sleep: sleepless, Anonymous: true}),
		Git:      gitops.Options{Keep: w.keep, Environment: login.Environment{Getenv: func(string) string { return "" }}},
		Forge:    forge.Options{Sleep: sleepless},
		Ledger:   ledger,
		Log:      w.log,
		Now:      w.time,
	})
}

// cycle is a whole run of a new bot that has the ledger for itself. It returns
// the result of the world's one automation.
func (w *world) cycle() *bot.Result {
	w.t.Helper()
	ledger := w.remember()
	defer ledger.Close()
	return w.run(ledger)
}

// run is a cycle with a ledger, which may be nil.
func (w *world) run(ledger *store.Ledger) *bot.Result {
	w.t.Helper()
	results := w.bot(ledger).Cycle(context.Background(), bot.Push, w.set.Automations)
	if len(results) != 1 {
		w.t.Fatalf("%d results", len(results))
	}
	return results[0]
}
