package bot_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/store"
)

const (
	storyObjects = scene.Objects
	storyFile    = scene.File
)

// noon is when every test begins.
var noon = scene.Noon

// repositories counts those that tests make at one forge.
var repositories atomic.Int64

// world is a scene and the bots in it.
type world struct {
	*scene.Scene
	t    testing.TB
	keep string       // for what was fetched and found, as the program keeps it
	said bytes.Buffer // the log
	log  *slog.Logger // of all bots, so that it keeps their writers apart
}

// newWorld makes a world whose objects and files may name REG and REPO.
func newWorld(t testing.TB, objects string, files map[string]string) *world {
	t.Helper()
	w := &world{Scene: scene.New(t, objects, files), t: t, keep: t.TempDir()}
	w.log = slog.New(slog.NewTextHandler(&w.said, nil))
	return w
}

// bot returns a new bot with a ledger, which may be nil.
func (w *world) bot(ledger *store.Ledger) *bot.Bot {
	sleepless := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return bot.New(w.Set, bot.Options{
		Registry: registry.New(registry.Options{Retries: -1, Sleep: sleepless, Anonymous: true}),
		Git:      gitops.Options{Keep: w.keep, Sleep: sleepless, Environment: login.Environment{Getenv: func(string) string { return "" }}},
		Forge:    forge.Options{Sleep: sleepless},
		Ledger:   ledger,
		Log:      w.log,
		Now:      w.Now,
	})
}

// cycle is a whole run of a new bot that has the ledger for itself. It returns
// the result of the world's one automation.
func (w *world) cycle() *bot.Result {
	w.t.Helper()
	ledger := w.Remember()
	defer ledger.Close()
	return w.run(ledger)
}

// run is a cycle with a ledger, which may be nil.
func (w *world) run(ledger *store.Ledger) *bot.Result {
	w.t.Helper()
	results := w.bot(ledger).Cycle(context.Background(), bot.Push, w.Set.Automations)
	if len(results) != 1 {
		w.t.Fatalf("%d results", len(results))
	}
	return results[0]
}
