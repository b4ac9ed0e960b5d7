package bot_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/registry"
)

// outrun begins a story of a policy whose order doesn't tell what is newer, and a
// gate that lets sites go down: nothing but the list says that b is the best.
func outrun(t *testing.T) *story {
	t.Helper()
	s := tell(t, "{allowDowngrade: true}", "", "a")
	s.Load(strings.NewReplacer("PUSH", "main", "semver: {range: ^1.0.0}", "alphabetical: {order: asc}").Replace(storyObjects))
	return s
}

// release pushes b, and writes it.
func (s *story) release() {
	s.Pass(time.Minute)
	s.Registry.Push("org/app", "b")
	s.write("b")
}

// write writes a tag by hand.
func (s *story) write(tag string) {
	s.Repo.CommitFile("main", "a.yaml", s.Named(strings.ReplaceAll(storyFile, "1.0.0", tag)), "")
}

// Who pushes an image and then commits its tag is not overruled by the list of a
// cycle before, which goes on to be used otherwise.
func TestACommitOutrunsAListThatIsReused(t *testing.T) {
	s := outrun(t)
	s.write("a")
	keeping := bot.New(s.Set, bot.Options{
		Registry: registry.New(registry.Options{Retries: -1, Anonymous: true, Keep: 1 << 20, Now: s.Now}),
		Git:      gitops.Options{Environment: login.Environment{Getenv: func(string) string { return "" }}},
		Now:      s.Now,
		Reuse:    true,
	})
	next := func(tag string, lists int) {
		t.Helper()
		s.last = keeping.Cycle(context.Background(), bot.Push, s.Set.Automations)[0]
		s.check(tag)
		if n := s.Registry.Log.Count(http.MethodGet, "/tags/list"); n != lists {
			t.Errorf("%d lists, want %d", n, lists)
		}
	}
	next("a", 1)
	s.Pass(time.Minute)
	next("a", 1)
	s.release()
	next("b", 2)
	s.Pass(time.Minute)
	next("b", 2)
}

// Nor by the list of this cycle, where the branch moves while it works.
func TestACommitOutrunsTheListOfTheCycle(t *testing.T) {
	s := outrun(t)
	var once sync.Once
	moves := scene.Fault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "git-receive-pack") {
			once.Do(s.release)
		}
		return false
	})
	s.Fault.Store(&moves)
	s.next("b")
	if len(s.last.Changes) > 0 {
		t.Errorf("changed %v", s.last.Changes)
	}
}
