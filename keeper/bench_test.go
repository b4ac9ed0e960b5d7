package keeper

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
)

// BenchmarkKeeper is what a keeper of 10,000 policies does beside its cycles.
func BenchmarkKeeper(b *testing.B) {
	set, all := manyObjects(10_000, 1000)
	k := New(Options{Bot: bot.Options{Registry: registry.New(registry.Options{Anonymous: true})}})
	b.Run("use", func(b *testing.B) {
		for b.Loop() {
			k.Use(b.Context(), set)
		}
	})
	for _, t := range k.agenda.tasks {
		t.plan(time.Now().Add(time.Hour))
	}
	for _, w := range k.agenda.watches {
		w.wanted = true
	}
	b.Run("begin", func(b *testing.B) {
		for b.Loop() {
			k.begin(context.Background())
		}
	})
	b.Run("draw", func(b *testing.B) {
		for b.Loop() {
			k.redraw()
			k.Picture()
		}
	})
	b.Run("wake all", func(b *testing.B) {
		for b.Loop() {
			k.Wake(all)
		}
	})
}

// manyObjects returns a set of so many policies, each with an image of its own,
// and of automations that select them all.
func manyObjects(policies, automations int) (*fleet.Set, []pinsetter.Object) {
	var text strings.Builder
	var all []pinsetter.Object
	for i := range policies {
		fmt.Fprintf(&text, `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app-%[1]d}
spec: {image: registry.example.test/app-%[1]d, interval: 5m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app-%[1]d, labels: {team: "%[2]d"}}
spec: {imageRepositoryRef: {name: app-%[1]d}, policy: {semver: {range: ^1.0.0}}}
`, i, i%automations)
		all = append(all, pinsetter.Object{Kind: "ImageRepository", Namespace: "default", Name: fmt.Sprintf("app-%d", i)})
	}
	for i := range automations {
		fmt.Fprintf(&text, `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet-%[1]d}
spec: {url: "https://git.example.test/fleet-%[1]d", interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps-%[1]d}
spec:
  interval: 5m
  policySelector: {matchLabels: {team: "%[1]d"}}
  sourceRef: {kind: GitRepository, name: fleet-%[1]d}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
`, i)
	}
	return config.Load([]source.File{{Path: "objects.yaml", Data: []byte(text.String())}}, config.Options{Namespace: "default"}), all
}
