package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/keeper"
)

// relayEvery is how often a process that leads looks for webhooks that others
// took for it. relayWithin bounds leaving word of one: senders wait for ten
// seconds (GitHub) or more.
const (
	relayEvery  = time.Second
	relayWithin = 5 * time.Second
)

// relay brings each webhook to the processes that act on it: a balancer may send
// it to one that waits for the lead, or to another shard. Word is left in the
// ledger.
type relay struct {
	app     *cli.App
	keeper  *keeper.Keeper
	name    string      // by which this process leads
	others  []string    // by which the other shards do
	standby atomic.Bool // another process leads, and this one does nothing
}

func newRelay(a *cli.App, k *keeper.Keeper, elected bool, mine keeper.Shard) *relay {
	name := func(i int) string { return fmt.Sprintf("shard %d/%d", i, mine.Count) }
	r := &relay{app: a, keeper: k, name: name(mine.Index)}
	r.standby.Store(elected)
	for i := range mine.Count {
		if i != mine.Index && a.Ledger.Records() {
			r.others = append(r.others, name(i))
		}
	}
	return r
}

// wake has all who are concerned look at objects. An error says that somebody
// may not.
func (r *relay) wake(ctx context.Context, objects []pinsetter.Object) error {
	names := r.others
	if r.standby.Load() {
		names = append([]string{r.name}, names...)
	} else {
		r.keeper.Wake(objects)
	}
	ctx, cancel := context.WithTimeout(ctx, relayWithin)
	defer cancel()
	return r.app.Ledger.Wakes().Put(ctx, time.Now(), names, objects)
}

// lead acts from now on, also on the word that is left for this process, until
// ctx ends.
func (r *relay) lead(ctx context.Context) {
	elected := r.standby.Swap(false)
	if !elected && len(r.others) == 0 {
		return // nobody else is there
	}
	ticker := time.NewTicker(relayEvery)
	defer ticker.Stop()
	failed := false
	for {
		objects, err := r.app.Ledger.Wakes().Take(ctx, r.name)
		if len(objects) > 0 {
			r.app.Log.Info("a webhook of another process asks to look", "objects", len(objects))
			r.keeper.Wake(objects)
		}
		if err != nil && !failed && ctx.Err() == nil { // once until it works again
			r.app.Log.Error("webhooks that other processes took can't be read", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
