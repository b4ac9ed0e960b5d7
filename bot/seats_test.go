package bot

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/seats"
	"github.com/pinsetter/pinsetter/source"
)

// TestWhatARepositoryReadCountsWhileItWaits: for a registry, with what it will push.
func TestWhatARepositoryReadCountsWhileItWaits(t *testing.T) {
	const size = 3 << 20
	silent := parts.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), parts.FrontOptions{})
	file := fmt.Sprintf("image: %s/app:1.0.0 # {\"$imagepolicy\": \"default:app\"}\n", silent.Addr) + strings.Repeat("# "+strings.Repeat("x", 1021)+"\n", size/1024)
	repo := parts.NewGit(t, parts.GitOptions{}).NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": file}}})
	objects := fmt.Sprintf(`
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: %s/app, interval: 1h, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec: {imageRepositoryRef: {name: app}, policy: {semver: {range: 1.x}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet}
spec: {url: %s, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
`, silent.Addr, repo.URL)
	set := config.Load([]source.File{{Path: "objects.yaml", Data: []byte(objects)}}, config.Options{Namespace: "default"})
	s, ended := seats.New(1, nil), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		New(set, Options{Registry: registry.New(registry.Options{Anonymous: true})}).cycle(ctx, Push, set.Automations, s.Take)
	}()
	parts.Until(t, "what was read to wait", func() bool { return s.Waiting() >= size })
	cancel()
	<-ended
}
