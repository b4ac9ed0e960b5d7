package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts/scene"
)

// branchesObjects are n automations of one repository, the first of which pushes to
// main and the others to branches of their own.
func branchesObjects(n int) string {
	shared, automation, _ := strings.Cut(storyObjects, "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation")
	text := shared
	for i := range n {
		branch := fmt.Sprintf("update-%d", i)
		if i == 0 {
			branch = "main"
		}
		named := strings.NewReplacer("PUSH", branch, "{name: apps}", fmt.Sprintf("{name: apps-%02d}", i)).Replace(automation)
		text += "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation" + named
	}
	return text
}

// All branches of a repository's automations are looked up in one request, and again
// after a push: who comes later reads what was pushed.
func TestBranchesAreLookedUpOnce(t *testing.T) {
	const automations = 20
	w := newWorld(t, branchesObjects(automations), map[string]string{"a.yaml": storyFile})
	var asked atomic.Int64
	count := scene.Fault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "git-upload-pack") || strings.HasSuffix(r.URL.Path, "/info/refs") {
			asked.Add(1)
		}
		return false
	})
	w.Fault.Store(&count)
	ledger := w.Remember()
	run := func() (pushed int) {
		asked.Store(0)
		for _, r := range w.bot(ledger).Cycle(context.Background(), bot.Push, w.Set.Automations) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if r.Pushed != nil {
				pushed++
			}
		}
		return pushed
	}
	w.Registry.Push("org/app", "1.0.0")
	run()
	if pushed := run(); pushed != 0 || asked.Load() != 1 {
		t.Errorf("nothing to do: %d requests, %d pushes", asked.Load(), pushed)
	}
	w.Registry.Push("org/app", "1.1.0")
	pushed := run()
	if branches := w.Repo.Git("branch", "--list", "update-*"); pushed != 1 || branches != "" {
		t.Errorf("%d pushes, branches %q: not all have read what was pushed to main", pushed, branches)
	}
	if run(); asked.Load() != 1 {
		t.Errorf("after the push: %d requests", asked.Load())
	}
}
