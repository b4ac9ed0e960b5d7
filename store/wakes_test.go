package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

func testWakes(t *testing.T, p place) {
	standby, leader := p.open(t, store.Options{}), p.open(t, store.Options{})
	app := pinsetter.Object{APIVersion: "image.toolkit.fluxcd.io/v1", Kind: "ImageRepository", Namespace: "flux-system", Name: "app"}
	odd := pinsetter.Object{Kind: "GitRepository", Name: "\xff"}
	leave := func(names ...string) {
		t.Helper()
		if err := standby.Wakes().Put(t.Context(), noon, names, []pinsetter.Object{app, odd}); err != nil {
			t.Fatal(err)
		}
	}
	takes := func(l *store.Ledger, name string, want ...pinsetter.Object) {
		t.Helper()
		taken, err := l.Wakes().Take(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, taken); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	takes(leader, "shard 0/2")
	leave("shard 0/2", "shard 1/2")
	leave("shard 0/2") // again, before anybody looked
	takes(p.open(t, store.Options{ReadOnly: true}), "shard 0/2")
	app.APIVersion = ""
	takes(leader, "shard 0/2", odd, app)
	takes(leader, "shard 0/2")
	takes(leader, "shard 1/2", odd, app)
	leave("shard 2/2")
	prune(t, leader, noon.Add(500*day))
	takes(leader, "shard 2/2")
	takes(&store.Ledger{}, "shard 0/2")
}

// testWakesTakenByMany: what is left while somebody takes is there for the next, and
// nothing is taken from anybody else.
func testWakesTakenByMany(t *testing.T, p place) {
	const left = 40
	standby, leader := p.open(t, store.Options{}), p.open(t, store.Options{})
	var all sync.WaitGroup
	for half := range 2 {
		all.Go(func() {
			for i := range left / 2 {
				o := pinsetter.Object{Kind: "ImageRepository", Name: fmt.Sprint(half, "-", i)}
				if err := standby.Wakes().Put(t.Context(), noon, []string{"shard 0/0"}, []pinsetter.Object{o}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	taken := map[pinsetter.Object]bool{}
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true // and look once more
		default:
		}
		found, err := leader.Wakes().Take(t.Context(), "shard 0/0")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range found {
			taken[o] = true
		}
	}
	if len(taken) != left {
		t.Errorf("%d of %d are taken", len(taken), left)
	}
}
