package bot

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
)

// TestWhoWaitsGivesItsSeatAway, and has one again when it goes on.
func TestWhoWaitsGivesItsSeatAway(t *testing.T) {
	var freed atomic.Int64
	s := newSeats(1, func() { freed.Add(1) })
	first := s.take()
	if s.TryTake() != nil {
		t.Fatal("two have the one seat")
	}
	answer, back := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(back)
		first.away(func() { <-answer })
	}()
	second := s.take() // which first gives away
	close(answer)
	select {
	case <-back:
		t.Fatal("first went on without a seat")
	case <-time.After(10 * time.Millisecond):
	}
	second.Leave()
	<-back
	if s.TryTake() != nil {
		t.Error("first went on, and its seat is free")
	}
	first.Leave()
	first.Leave()
	if s.take(); s.TryTake() != nil {
		t.Error("a seat that is left twice is two")
	}
	if freed.Load() != 3 || s.waiting != 0 {
		t.Errorf("a seat became free %d times; %d bytes wait", freed.Load(), s.waiting)
	}
}

// TestWhoHoldsTooMuchWaitsOnItsSeat: what those hold who are away is bounded.
func TestWhoHoldsTooMuchWaitsOnItsSeat(t *testing.T) {
	s := newSeats(1, nil)
	large := s.take()
	large.holding(func() int64 { return waitingBytes + 1 })
	answer, back := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(back)
		large.away(func() { <-answer })
	}()
	time.Sleep(2 * patience)
	if s.TryTake() != nil {
		t.Error("who holds more than all may is away")
	}
	close(answer)
	<-back
	large.holding(func() int64 { return waitingBytes })
	if large.away(func() { s.take().Leave() }); s.waiting != 0 {
		t.Errorf("%d bytes wait", s.waiting)
	}
}

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
	s, ended := newSeats(1, nil), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		New(set, Options{Registry: registry.New(registry.Options{Anonymous: true})}).cycle(ctx, Push, set.Automations, s.take)
	}()
	parts.Until(t, "what was read to wait", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.waiting >= size
	})
	cancel()
	<-ended
}

// TestNobodyNeedsNoSeat: who explains works without one.
func TestNobodyNeedsNoSeat(t *testing.T) {
	var none *Seat
	called := false
	none.away(func() { called = true })
	none.Leave()
	if !called {
		t.Error("what was to be waited for was not")
	}
}
