package keeper_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/registry"
)

// besides are so many automations beside that of a story, each with a repository of
// its own, whose images are at a registry. Where returns the URL of a repository that
// has a file.
func besides(registry string, n int, where func(name, file string) string) string {
	var text strings.Builder
	for i := range n {
		url := where(fmt.Sprintf("a-%d", i), fmt.Sprintf("image: %s/a-%d:1.0.0 # {\"$imagepolicy\": \"default:a-%d\"}\n", registry, i, i))
		fmt.Fprintf(&text, `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: a-%[1]d}
spec: {image: %[2]s/a-%[1]d, interval: 1h, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: a-%[1]d}
spec: {imageRepositoryRef: {name: a-%[1]d}, policy: {semver: {range: 1.x}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: a-%[1]d}
spec: {url: %[3]s, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: a-%[1]d}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: a-%[1]d}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
`, i, registry, url)
	}
	return text.String()
}

// TestSilentServersStopNobody: more automations than there are seats wait for
// registries or Git servers, and the one whose servers answer is done, while they
// wait still.
func TestSilentServersStopNobody(t *testing.T) {
	const waiting = 9 // more than there are seats
	hungUp := make(chan struct{})
	silent := parts.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-hungUp:
		}
	}), parts.FrontOptions{})
	t.Cleanup(func() { close(hungUp) })
	git := parts.NewGit(t, parts.GitOptions{})
	made := 0
	atGit := func(name, file string) string {
		made++
		return git.NewRepository(fmt.Sprint(name, "-", made), parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": file}}}).URL
	}
	nowhere := func(name, _ string) string { return silent.URL + "/" + name }
	for name, where := range map[string]func(string, string) string{"registries": atGit, "Git servers": nowhere} {
		others := besides(silent.Addr, waiting, where)
		t.Run("serve, "+name, func(t *testing.T) {
			k := newKeeping(t, onMain(), storyFiles)
			k.Load(onMain() + others)
			k.Registry.Push("org/app", "1.1.0")
			k.begin(0)
			k.until("the healthy one ran", func() bool { return k.runs("apps") == 1 })
			for i := range waiting {
				if n := k.runs(fmt.Sprintf("a-%d", i)); n > 0 {
					t.Errorf("a-%d ran: it had no answer", i)
				}
			}
			if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") {
				t.Errorf("main has %s", got)
			}
		})
		t.Run("run, "+name, func(t *testing.T) {
			w := scene.New(t, onMain(), storyFiles)
			w.Load(onMain() + others)
			w.Registry.Push("org/app", "1.1.0")
			options := bot.Options{
				Registry: registry.New(registry.Options{Retries: -1, Anonymous: true}),
				Git:      gitops.Options{Keep: t.TempDir(), Environment: login.Environment{Getenv: func(string) string { return "" }}},
				Now:      w.Now,
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan []*bot.Result)
			go func() { ended <- bot.New(w.Set, options).Cycle(ctx, bot.Push, w.Set.Automations) }()
			parts.Until(t, "the healthy one pushed", func() bool { return strings.Contains(w.Repo.File("main", "a.yaml"), "app:1.1.0") })
			cancel()
			if results := <-ended; len(results) != waiting+1 {
				t.Errorf("%d results", len(results))
			}
		})
	}
}
