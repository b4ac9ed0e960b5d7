package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/store"
)

// window answers requests for manifests once so many are asked for in all: 1, and
// then 16 more each time. It notes what the ledger knows meanwhile.
type window struct {
	most   int // tags that are to be asked for
	ledger *store.Ledger
	keys   []store.Tag

	mu      sync.Mutex
	arrived int
	open    chan struct{} // closed once the window is full
	told    int           // digests that the ledger was told of before the last answer
}

func (f *window) fault(to http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodHead || !strings.Contains(r.URL.Path, "/manifests/") {
		return false
	}
	f.mu.Lock()
	f.arrived++
	open := f.open
	if f.arrived%16 == 1 || f.arrived == f.most {
		close(open)
		f.open = make(chan struct{})
	}
	sights, err := f.ledger.Sights().Seen(context.Background(), f.keys)
	for _, sight := range sights {
		if err != nil || sight.Digest != "" {
			f.told++
		}
	}
	f.mu.Unlock()
	select {
	case <-open:
	case <-time.After(20 * time.Second):
		http.Error(to, "the window doesn't fill", http.StatusTeapot)
		return true
	}
	return false
}

// A first run with minAge asks for the digests of all tags above the written one, 16
// at a time behind the best, and tells the ledger of all of them at once.
func TestFirstSightsAreAskedInWindows(t *testing.T) {
	const behind = 38
	objects := strings.Replace(storyObjects, "PUSH", "main", 1) +
		"---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: aged}\nspec: {minAge: 72h}\n"
	w := newWorld(t, objects, map[string]string{"a.yaml": storyFile})
	ledger := w.Remember()
	f := &window{most: behind, ledger: w.Remember(), open: make(chan struct{})}
	var tags []string
	for i := range behind {
		tags = append(tags, fmt.Sprintf("1.0.%d", i+1))
		f.keys = append(f.keys, store.Tag{Image: w.Registry.Addr + "/org/app", Tag: tags[i]})
	}
	w.Registry.PushSame("org/app", tags...)
	fault := scene.Fault(f.fault)
	w.Fault.Store(&fault)
	if r := w.run(ledger); r.Err != nil || len(r.Held) != 1 || r.Pushed != nil {
		t.Fatalf("error %v, held %v, pushed %v", r.Err, r.Held, r.Pushed)
	}
	if f.arrived != behind || f.told != 0 {
		t.Errorf("asked for %d digests, the ledger was told of some in between %d times", f.arrived, f.told)
	}
	sights, err := ledger.Sights().Seen(t.Context(), f.keys)
	for _, key := range f.keys {
		if sights[key].Digest == "" {
			t.Errorf("the ledger doesn't know the digest of %s: %v", key.Tag, err)
		}
	}
	w.Registry.Log.Reset()
	w.Fault.Store(nil)
	if r := w.run(ledger); r.Err != nil || w.Registry.Log.Count(http.MethodHead, "") != 0 {
		t.Errorf("the next run asks again: %v", w.Registry.Log.All())
	}
}
