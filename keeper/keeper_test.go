package keeper_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/keeper"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
)

// keeping is a scene in which a keeper works, whose time passes when the test
// says so.
type keeping struct {
	*scene.Scene
	*keeper.Keeper
	t      testing.TB
	git    *parts.Git
	hold   barrier      // before the registry's answers
	pushes barrier      // before the Git server's to pushes
	random float64      // for jitter
	shard  keeper.Shard // whose automations are run
	stop   func()       // ends the keeper and waits for it
	looks  chan int     // how many automations wait, each time the keeper has looked
	waits  atomic.Int64
	front  atomic.Pointer[func(http.Handler) http.Handler] // stands before the Git server; nil: nothing does
	ended  map[string]int                                  // runs, by automation
	events []pinsetter.Event
	log    slog.Handler // nil: nothing is logged
	mu     sync.Mutex
}

// barrier stops who comes while it is shut.
type barrier struct {
	shut   atomic.Pointer[chan struct{}]
	before atomic.Int64 // who stands there
}

func (b *barrier) pass() {
	if shut := b.shut.Load(); shut != nil {
		b.before.Add(1)
		<-*shut
		b.before.Add(-1)
	}
}

func (b *barrier) close() {
	shut := make(chan struct{})
	b.shut.Store(&shut)
}

func (b *barrier) open() {
	if shut := b.shut.Swap(nil); shut != nil {
		close(*shut)
	}
}

// newKeeping makes a scene for a keeper, which begin begins. The registry has
// 1.0.0 of org/app and org/db.
func newKeeping(t *testing.T, objects string, files map[string]string) *keeping {
	t.Helper()
	k := &keeping{Scene: scene.New(t, scene.Objects, nil), t: t, looks: make(chan int, 1), ended: map[string]int{}}
	k.git = parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "git-receive-pack") {
				k.pushes.pass()
			}
			if front := k.front.Load(); front != nil {
				(*front)(next).ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	k.Repo = k.git.NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: k.NamedAll(files)}})
	block := scene.Fault(func(http.ResponseWriter, *http.Request) bool {
		k.hold.pass()
		return false
	})
	k.Fault.Store(&block)
	k.Registry.Push("org/app", "1.0.0")
	k.Registry.Push("org/db", "1.0.0")
	k.Load(objects)
	return k
}

// begin has a keeper work until the test ends.
func (k *keeping) begin(batch time.Duration) {
	k.t.Helper()
	log := k.log
	if log == nil {
		log = slog.DiscardHandler
	}
	k.Keeper = keeper.New(keeper.Options{
		Bot: bot.Options{
			Registry: registry.New(registry.Options{Retries: -1, Anonymous: true, Keep: 1 << 20, Now: k.Now}),
			Git:      gitops.Options{Keep: k.t.TempDir(), Environment: login.Environment{Getenv: func(string) string { return "" }}},
			Ledger:   k.Remember(),
			Now:      k.Now,
			Log:      slog.New(log),
		},
		Observer: watching{k},
		Shard:    k.shard,
		Batch:    batch,
		Notify: func(e pinsetter.Event) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.events = append(k.events, e)
			if e.Kind == pinsetter.EventFailed || e.Kind == pinsetter.EventRecovered {
				k.ended[e.Object.Name]++
			}
		},
		Random: func() float64 { return k.random },
	})
	k.Use(k.t.Context(), k.Set)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx)
	}()
	k.stop = func() {
		cancel()
		<-ended
	}
	k.t.Cleanup(func() {
		k.hold.open()
		k.pushes.open()
		k.stop()
	})
}

// watching counts how often the keeper looks.
type watching struct{ *keeping }

func (watching) Run(time.Duration, error) {}
func (watching) Selected(bool, error)     {}
func (w watching) Queue(waiting int, _ time.Time) {
	w.waits.Store(int64(waiting))
	select {
	case w.looks <- waiting:
	default:
	}
}

// look has the keeper look at what is due, and returns when it has.
func (k *keeping) look() {
	for range 2 { // the first may have begun before
		select {
		case <-k.looks:
		default:
		}
		k.Wake(nil)
		<-k.looks
	}
}

// after lets time pass.
func (k *keeping) after(d time.Duration) {
	k.Pass(d)
	k.look()
}

func (k *keeping) until(what string, is func() bool) {
	k.t.Helper()
	parts.Until(k.t, what, is)
}

// runs returns how many runs of an automation ended.
func (k *keeping) runs(name string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ended[name]
}

// ran waits until an automation's runs are as many as n, and none has begun since.
func (k *keeping) ran(name string, n int) {
	k.t.Helper()
	k.until(name+" ran", func() bool { return k.runs(name) >= n })
	k.look()
	if got := k.runs(name); got != n {
		k.t.Fatalf("at %s: %d runs of %s, want %d", k.Now(), got, name, n)
	}
}

// comes checks when an automation is run next. That changes when a run begins.
func (k *keeping) comes(name string, want time.Time) {
	k.t.Helper()
	k.look()
	if got := k.state(name).NextRun; !got.Equal(want) {
		k.t.Fatalf("at %s: %s comes at %s, want %s", k.Now(), name, got, want)
	}
}

func (k *keeping) state(name string) keeper.AutomationState {
	k.t.Helper()
	for _, a := range k.Picture().Automations {
		if a.Name.Name == name {
			return a
		}
	}
	k.t.Fatalf("no automation %s", name)
	return keeper.AutomationState{}
}

func (k *keeping) listings() int { return k.Registry.Log.Count(http.MethodGet, "/tags/list") }

func object(kind, name string) []pinsetter.Object {
	return []pinsetter.Object{{Kind: kind, Namespace: "default", Name: name}}
}

// onMain are the objects of a story that pushes to main, with replacements.
func onMain(replacements ...string) string {
	return strings.NewReplacer(append(replacements, "PUSH", "main")...).Replace(scene.Objects)
}

var storyFiles = map[string]string{"a.yaml": scene.File}

func TestKeeperIntervalsAndJitter(t *testing.T) {
	for _, random := range []float64{0, 0.5, 0.999} {
		k := newKeeping(t, onMain(), storyFiles)
		k.random = random
		k.begin(0)
		k.ran("apps", 1) // at once
		due := scene.Noon.Add(5*time.Minute + time.Duration(random*0.05*float64(5*time.Minute)))
		k.comes("apps", due)
		k.after(due.Sub(scene.Noon) - time.Nanosecond)
		k.comes("apps", due)
		k.after(time.Nanosecond)
		k.ran("apps", 2)
	}
}

const weekdays = `metadata:
  name: apps
  annotations: {pinsetter.dev/schedule: "CRON_TZ=Europe/Berlin 0 9 * * 1-5"}`

func TestKeeperSchedule(t *testing.T) {
	objects := onMain("metadata: {name: apps}", weekdays)
	k := newKeeping(t, objects, storyFiles)
	k.begin(0)
	tuesday := time.Date(2026, 3, 3, 8, 0, 0, 0, time.UTC)
	k.comes("apps", tuesday)
	k.Registry.Push("org/app", "1.1.0")
	k.Wake(object("ImageRepository", "app")) // waits for the schedule
	k.Use(k.t.Context(), k.Set)              // so does a reload
	k.comes("apps", tuesday)
	k.after(tuesday.Sub(scene.Noon))
	k.ran("apps", 1)
	k.comes("apps", tuesday.Add(24*time.Hour))
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") {
		t.Errorf("main has %s", got)
	}

	k.Wake(object("ImageUpdateAutomation", "apps")) // by its own name
	k.ran("apps", 2)
	k.Load(strings.Replace(objects, "annotations: {", `annotations: {reconcile.fluxcd.io/requestedAt: "now", `, 1))
	k.Use(k.t.Context(), k.Set)
	k.ran("apps", 3)
	k.Use(k.t.Context(), k.Set) // it isn't new any more
	k.ran("apps", 3)

	k.Pass(time.Date(2026, 3, 27, 8, 0, 0, 0, time.UTC).Sub(k.Now())) // the last Friday of winter time
	k.look()
	k.ran("apps", 4)
	k.comes("apps", time.Date(2026, 3, 30, 7, 0, 0, 0, time.UTC))
}

// TestPolicyChangeDelay: what a policy's change starts waits, counted from the
// first change; an interval and the automation's own name don't.
func TestPolicyChangeDelay(t *testing.T) {
	k := newKeeping(t, onMain("spec:\n  interval: 5m\n  sourceRef", "spec:\n  interval: 1h\n  policyChangeDelay: 10m\n  sourceRef"), storyFiles)
	if a := k.Set.Automations[0]; a.Err != nil || a.Spec.PolicyChangeDelay == nil {
		t.Fatalf("%+v: %v", a.Spec, a.Err)
	}
	k.begin(0)
	k.ran("apps", 1)
	k.Registry.Push("org/app", "1.1.0")
	k.Wake(object("ImageRepository", "app"))
	k.after(9 * time.Minute)
	k.ran("apps", 1)
	k.Wake(object("ImagePolicy", "app")) // again, which delays nothing
	k.Use(k.t.Context(), k.Set)
	k.ran("apps", 2) // objects that are taken up anew are run
	k.Wake(object("ImageRepository", "app"))
	k.after(9 * time.Minute)
	k.Wake(object("ImagePolicy", "app"))
	k.after(time.Minute - time.Nanosecond)
	k.ran("apps", 2)
	k.after(time.Nanosecond)
	k.ran("apps", 3)

	k.Wake(object("ImageRepository", "app"))
	k.Wake(object("ImageUpdateAutomation", "apps")) // by its own name, and that was that
	k.ran("apps", 4)
	k.after(30 * time.Minute)
	k.ran("apps", 4)
	k.Wake(object("GitRepository", "fleet"))
	k.ran("apps", 5)
	k.after(time.Hour)
	k.ran("apps", 6) // by its interval
}

// TestReloadKeepsAScheduledRunThatWaits: the time of a schedule that came while
// its repository was busy isn't lost with the set.
func TestReloadKeepsAScheduledRunThatWaits(t *testing.T) {
	k := newKeeping(t, onMain("metadata: {name: apps}", weekdays)+another("dbs", "24h"), storyFiles)
	k.begin(0)
	k.ran("dbs", 1)
	k.Pass(20 * time.Hour) // Tuesday, nine in Berlin
	k.hold.close()
	k.Wake(object("ImageUpdateAutomation", "dbs"))
	k.Use(k.t.Context(), k.Set)
	k.look()
	k.hold.open()
	k.until("the run", func() bool { return k.runs("apps") == 1 })
}

// another is another automation of the same repository.
func another(name, interval string) string {
	return `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: ` + name + `}
spec:
  interval: ` + interval + `
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: PUSH}}
`
}

// TestKeeperOneCycleOfARepository: while one automation of a repository is slow,
// another waits, and is run once when it is over.
func TestKeeperOneCycleOfARepository(t *testing.T) {
	k := newKeeping(t, onMain()+strings.Replace(another("others", "1h"), "PUSH", "main", 1), storyFiles)
	k.begin(0)
	k.ran("apps", 1)
	k.ran("others", 1)
	k.hold.close()
	k.after(5 * time.Minute)
	k.until("apps is slow", func() bool { return k.hold.before.Load() > 0 })
	for range 3 {
		k.Wake(object("ImageUpdateAutomation", "others"))
		k.look()
	}
	if k.waits.Load() != 1 || k.runs("others") != 1 {
		t.Fatalf("%d wait, %d runs", k.waits.Load(), k.runs("others"))
	}
	k.hold.open()
	k.ran("others", 2)
	k.ran("apps", 2)
}

func TestKeeperBatchesWakeUps(t *testing.T) {
	const batch = 30 * time.Second
	k := newKeeping(t, onMain("interval: 5m\n", "interval: 24h\n"), storyFiles)
	k.begin(batch)
	k.ran("apps", 1)
	for range 3 {
		k.Wake(object("ImagePolicy", "app"))
		k.after(batch - time.Second)
	}
	k.ran("apps", 1)
	k.after(time.Second)
	k.ran("apps", 2)
	for range 8 { // never quiet
		k.Wake(object("GitRepository", "fleet"))
		k.after(batch - 10*time.Second)
	}
	k.ran("apps", 3)
}

// TestKeeperRunsSoonAfterAWakeUp: with a short quiet period a lone wake-up is a run at
// once, and the first of many waits for half a minute at most.
func TestKeeperRunsSoonAfterAWakeUp(t *testing.T) {
	const batch = 2 * time.Second
	k := newKeeping(t, onMain("interval: 5m\n", "interval: 24h\n"), storyFiles)
	k.begin(batch)
	k.ran("apps", 1)
	k.Wake(object("ImagePolicy", "app"))
	k.after(batch)
	k.ran("apps", 2)
	for range 31 { // never quiet
		k.Wake(object("GitRepository", "fleet"))
		k.after(batch / 2)
	}
	k.ran("apps", 3)
}

// TestKeeperListsWhatAWebhookIsAbout: however young the last listing is.
func TestKeeperListsWhatAWebhookIsAbout(t *testing.T) {
	k := newKeeping(t, onMain(), storyFiles)
	k.begin(0)
	k.ran("apps", 1)
	k.Registry.Push("org/app", "1.1.0")
	k.Pass(time.Second)
	k.Wake(object("ImageUpdateAutomation", "apps"))
	k.ran("apps", 2)
	if got := k.listings(); got != 1 {
		t.Fatalf("%d listings within an interval", got)
	}
	k.Wake(object("ImageRepository", "app"))
	k.ran("apps", 3)
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") || k.listings() != 2 {
		t.Fatalf("%d listings, main has %s", k.listings(), got)
	}
}

// TestRequestedAtOfAnImage has its tags listed anew, as a webhook has.
func TestRequestedAtOfAnImage(t *testing.T) {
	k := newKeeping(t, onMain(), storyFiles)
	k.begin(0)
	k.ran("apps", 1)
	k.Pass(time.Second)
	k.Use(k.t.Context(), k.Set) // nothing is asked for
	k.ran("apps", 2)
	k.Registry.Push("org/app", "1.1.0")
	k.Load(onMain("metadata: {name: app}\nspec: {image", "metadata: {name: app, annotations: {reconcile.fluxcd.io/requestedAt: now}}\nspec: {image"))
	k.Use(k.t.Context(), k.Set)
	k.ran("apps", 3)
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") || k.listings() != 2 {
		t.Errorf("%d listings, main has %s", k.listings(), got)
	}
}

// TestWebhookDuringAListing: what a registry is answering when a webhook comes may
// not have what the webhook is about.
func TestWebhookDuringAListing(t *testing.T) {
	k := newKeeping(t, onMain(), storyFiles)
	k.begin(0)
	k.ran("apps", 1)
	old := scene.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		k.hold.pass()
		_, _ = w.Write([]byte(`{"name": "org/app", "tags": ["1.0.0"]}`))
		return true
	})
	k.Fault.Store(&old)
	k.hold.close()
	k.after(6 * time.Minute)
	k.until("the old answer is under way", func() bool { return k.hold.before.Load() > 0 })
	k.Registry.Push("org/app", "1.1.0")
	k.Fault.Store(nil)
	k.Wake(object("ImageRepository", "app"))
	k.hold.open()
	k.ran("apps", 3)
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") {
		t.Fatalf("main has %s", got)
	}
}

// TestKeeperScansImages: each at its own interval, if a marker leads to it.
func TestKeeperScansImages(t *testing.T) {
	unmarked := `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: db}
spec: {image: REG/org/db, interval: 1m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: db}
spec:
  imageRepositoryRef: {name: db}
  policy: {semver: {range: ^1.0.0}}
`
	k := newKeeping(t, strings.Replace(onMain("  interval: 5m\n", "  interval: 24h\n"), "---", unmarked+"---", 1), storyFiles)
	k.begin(time.Second)
	k.ran("apps", 1)
	k.Registry.Push("org/app", "1.1.0")
	k.after(5*time.Minute - time.Second)
	k.ran("apps", 1)
	k.after(time.Second)
	k.until("the run that the scan asks for", func() bool {
		k.after(time.Second) // the quiet period, which begins when the scan has ended
		return k.runs("apps") == 2
	})
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") {
		t.Fatalf("main has %s", got)
	}
	if n := k.Registry.Log.Count("", "org/db/"); n > 2 { // the push of the tag
		t.Errorf("%d requests for an image that no marker leads to", n)
	}
}

// TestReloadDoesNotPutOffScans: objects that change often don't keep images from
// being listed.
func TestReloadDoesNotPutOffScans(t *testing.T) {
	k := newKeeping(t, onMain("  interval: 5m\n", "  interval: 24h\n"), storyFiles)
	k.begin(0)
	k.ran("apps", 1)
	k.Registry.Push("org/app", "1.1.0")
	k.after(4 * time.Minute)
	k.Use(k.t.Context(), k.Set)
	k.ran("apps", 2)
	k.after(time.Minute)
	k.ran("apps", 3)
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") {
		t.Errorf("main has %s", got)
	}
}

// TestKeeperCostOfNothing: a cycle that changes nothing asks the Git server once,
// who was asked before what it can do, and lists each image once.
func TestKeeperCostOfNothing(t *testing.T) {
	k := newKeeping(t, onMain()+strings.Replace(another("others", "5m"), "PUSH", "main", 1), storyFiles)
	k.random = 0.3
	k.begin(0)
	k.ran("apps", 1)
	for n := 2; n < 12; n++ {
		k.git.Log.Reset()
		k.Registry.Log.Reset()
		k.after(6 * time.Minute)
		k.ran("apps", n)
		k.ran("others", n)
		if asked, listed := k.git.Log.Count("", ""), k.listings(); asked != 1 || listed != 1 {
			t.Fatalf("%d requests to Git, %d listings", asked, listed)
		}
	}
}

// TestReloadWhileACycleRuns: that ends with the set that it began with, and the
// next one goes by the other.
func TestReloadWhileACycleRuns(t *testing.T) {
	k := newKeeping(t, onMain(), storyFiles)
	k.Registry.Push("org/app", "1.1.0", "2.0.0")
	k.hold.close()
	k.begin(0)
	k.until("the run is under way", func() bool { return k.hold.before.Load() > 0 })
	k.Load(onMain("^1.0.0", "^2.0.0"))
	k.Use(k.t.Context(), k.Set)
	k.look()
	k.hold.open()
	k.ran("apps", 2)
	if got := k.Repo.Git("log", "--format=%s", "--", "a.yaml"); strings.Count(got, "\n") != 2 {
		t.Errorf("commits: %s", got)
	}
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:2.0.0") {
		t.Errorf("main has %s", got)
	}
	if p := k.Picture().Policies[0]; p.Tag != "2.0.0" || !strings.Contains(p.Rule, "^2.0.0") {
		t.Errorf("the picture shows %+v", p)
	}
}

func TestKeeperWhenTheClockJumps(t *testing.T) {
	k := newKeeping(t, onMain()+strings.Replace(another("daily", "24h"), "PUSH", "main", 1), storyFiles)
	k.Load(strings.Replace(onMain()+strings.Replace(another("daily", "24h"), "PUSH", "main", 1),
		"metadata: {name: daily}", `metadata: {name: daily, annotations: {pinsetter.dev/schedule: "0 13 * * *"}}`, 1))
	k.begin(0)
	k.ran("apps", 1)
	k.after(365 * 24 * time.Hour)
	k.ran("apps", 2)
	k.ran("daily", 1)
	k.after(-365 * 24 * time.Hour) // it was wrong
	k.comes("apps", k.Now().Add(5*time.Minute))
	k.comes("daily", scene.Noon.Add(time.Hour))
	k.after(5 * time.Minute)
	k.ran("apps", 3)
	k.after(time.Hour)
	k.ran("daily", 2)
	k.Registry.Push("org/app", "1.1.0")
	k.until("the scan", func() bool {
		k.after(5 * time.Minute)
		return strings.Contains(k.Repo.File("main", "a.yaml"), "app:1.1.0")
	})
}

// TestKeeperLeavesAloneWhatCantRun: an automation that is suspended, or has no
// repository, is told of once.
func TestKeeperLeavesAloneWhatCantRun(t *testing.T) {
	for name, objects := range map[string]string{
		"suspended":      onMain("  sourceRef", "  suspend: true\n  sourceRef"),
		"not a URL":      strings.Replace(onMain(), "url: REPO", "url: http://%zz", 1),
		"no repository":  strings.Replace(onMain(), "name: fleet}\n  git", "name: nowhere}\n  git", 1),
		"every 0 or so":  strings.Replace(onMain(), "  interval: 5m\n  sourceRef", "  interval: banana\n  sourceRef", 1),
		"without author": strings.Replace(onMain(), "email: bot@example.test", "email: ''", 1),
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeeping(t, onMain(), storyFiles)
			k.Set = config.Load([]source.File{{Path: "objects.yaml", Data: []byte(strings.ReplaceAll(k.Named(objects), "REPO", k.Repo.URL))}},
				config.Options{Namespace: "default"})
			k.begin(0)
			k.ran("apps", 1)
			for range 5 {
				k.after(time.Hour)
				k.comes("apps", time.Time{})
			}
			k.ran("apps", 1)
			if n := len(k.git.Log.All()) + k.listings(); n > 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestKeeperShards(t *testing.T) {
	ran := 0
	for index := range 2 {
		k := newKeeping(t, onMain(), storyFiles)
		k.Repo.URL = "http://127.0.0.1:1/org/fleet.git" // the same key in each world; nobody listens
		k.Load(onMain())
		k.shard = keeper.Shard{Index: index, Count: 2}
		k.begin(0)
		k.look()
		ran += len(k.Picture().Automations)
	}
	if ran != 1 {
		t.Errorf("%d of 2 shards run it", ran)
	}
}

// TestStopWhileReading: nothing new begins, and nothing is told of what wasn't
// done.
func TestStopWhileReading(t *testing.T) {
	k := newKeeping(t, onMain(), storyFiles)
	k.Registry.Push("org/app", "1.1.0")
	k.hold.close()
	k.begin(0)
	k.until("the run is under way", func() bool { return k.hold.before.Load() > 0 })
	k.stop()
	k.hold.open()
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.0.0") || len(k.events) > 0 {
		t.Errorf("main has %s, told: %v", got, k.events)
	}
}

// TestStopWhileWriting: what has begun is finished, recorded and told.
func TestStopWhileWriting(t *testing.T) {
	k := newKeeping(t, onMain(), storyFiles)
	k.Registry.Push("org/app", "1.1.0")
	k.pushes.close()
	k.begin(0)
	k.until("the push is under way", func() bool { return k.pushes.before.Load() > 0 })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		k.stop()
	}()
	k.pushes.open()
	<-stopped
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") {
		t.Errorf("main has %s", got)
	}
	if len(k.events) != 1 || k.events[0].Kind != pinsetter.EventPushed {
		t.Errorf("told: %v", k.events)
	}
}

// TestKeeperRunsTogetherWhatSharesABranch: a branch that is built anew has the
// commits of all its automations, though one of them alone is due.
func TestKeeperRunsTogetherWhatSharesABranch(t *testing.T) {
	objects := strings.ReplaceAll(scene.Objects+another("others", "24h"), "PUSH", "updates")
	objects = strings.Replace(objects, "  sourceRef", "  update: {path: ./a}\n  sourceRef", 1)
	objects = strings.Replace(objects, "24h\n  sourceRef", "24h\n  update: {path: ./b}\n  sourceRef", 1)
	k := newKeeping(t, objects, map[string]string{"a/a.yaml": scene.File, "b/b.yaml": scene.File})
	k.Registry.Push("org/app", "1.1.0")
	k.begin(0)
	k.ran("others", 1)
	k.Repo.CommitFile("main", "by-hand", "x\n", "")
	k.Registry.Push("org/app", "1.2.0")
	k.after(6 * time.Minute)
	k.ran("apps", 2)
	if got := k.Repo.Git("log", "--format=%an", "updates"); got != "Bot\nBot\nA Human\nA Human" {
		t.Errorf("updates has commits by\n%s", got)
	}
	for _, path := range []string{"a/a.yaml", "b/b.yaml"} {
		if got := k.Repo.File("updates", path); !strings.Contains(got, "app:1.2.0") {
			t.Errorf("updates has %s", got)
		}
	}
}
