package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/taglist"
)

// stage answers with what it was told last.
type stage struct {
	now atomic.Pointer[http.HandlerFunc]
}

func (s *stage) set(h http.HandlerFunc) { s.now.Store(&h) }

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*s.now.Load())(w, r) }

// linked answers with a page that leads to another.
func linked(body, next string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("last") != "" {
			answer(200, next)(w, r)
			return
		}
		w.Header().Set("Link", `<?last=x>; rel="next"`)
		answer(200, body)(w, r)
	}
}

func TestUnchangedIsWhatWasListedBefore(t *testing.T) {
	var says stage
	server := answering(t, says.ServeHTTP)
	repository := openWith(t, registry.Options{Anonymous: true, Keep: 1 << 20}, server.Addr+"/app", registry.Access{})
	one := answer(200, `{"tags":["1.0.0","-","1.1.0"]}`)
	var before taglist.Listing
	for i, step := range []struct {
		says      http.HandlerFunc
		tags      string // "": an error
		unchanged bool
	}{
		{one, "1.1.0 1.0.0", false},
		{one, "1.1.0 1.0.0", true},
		{answer(200, `{"tags":["1.1.0","-","1.0.0"]}`), "1.1.0 1.0.0", true}, // other bytes, same tags
		{answer(200, `{"tags":["1.1.0","+","1.0.0"]}`), "1.1.0 1.0.0", false},
		{one, "1.1.0 1.0.0", false},
		{answer(404, ``), "", false},
		{answer(200, `{"tags":[]}`), "", false},
		{answer(200, `{"tags":["1.0.0","-"`), "", false},
		{one, "1.1.0 1.0.0", true},
		{linked(`{"tags":["1.0.0","-","1.1.0"]}`, `{"tags":["2.0.0"]}`), "2.0.0 1.1.0 1.0.0", false}, // the first page is known
		{linked(`{"tags":["1.0.0","-","1.1.0"]}`, `{"tags":["2.0.0"]}`), "2.0.0 1.1.0 1.0.0", true},
		{linked(`{"tags":["2.0.0"]}`, `{"tags":["1.0.0","-","1.1.0"]}`), "2.0.0 1.1.0 1.0.0", true},
		{linked(`{"tags":["2.0.0"]}`, `{"tags":["1.0.0"]}`), "2.0.0 1.0.0", false},
		{answer(200, `{"tags":["1.0.0"]}`), "1.0.0", false}, // the last page is known
		{answer(200, `{"tags":["1.0.0"]}`), "1.0.0", true},
	} {
		says.set(step.says)
		got, err := repository.Tags(t.Context())
		if step.tags == "" {
			if err == nil {
				t.Errorf("step %d: no error", i)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got.Tags, " ") != step.tags || got.Unchanged != step.unchanged {
			t.Errorf("step %d: %q, unchanged %t; want %q, %t", i, got.Tags, got.Unchanged, step.tags, step.unchanged)
		}
		if got.Unchanged && (&got.Tags[0] != &before.Tags[0] || got.DroppedCount != before.DroppedCount) {
			t.Errorf("step %d: the slices are not those of the last time", i)
		}
		before = got
	}
}

func TestWithoutKeepNothingIsRemembered(t *testing.T) {
	server := answering(t, answer(200, `{"tags":["1.0.0"]}`))
	repository := open(t, server.Addr+"/app", registry.Access{})
	for range 2 {
		got, err := repository.Tags(t.Context())
		if err != nil || got.Unchanged {
			t.Errorf("unchanged is %t, %v", got.Unchanged, err)
		}
	}
	if _, _, ok := repository.Kept(); ok {
		t.Error("a listing is kept")
	}
}

func TestKept(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0", "2.0.0")
	server.SetTags("other", "1.0.0")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := registry.New(registry.Options{Anonymous: true, Keep: 1 << 20, Now: func() time.Time { return at }})
	repository := func(image string) *registry.Repository {
		t.Helper()
		found, err := r.Repository(server.Image(image), registry.Access{})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if _, _, ok := repository("app").Kept(); ok {
		t.Error("a listing is there before it was asked for")
	}
	want, err := repository("app").Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want.Unchanged = true
	got, when, ok := repository("app").Kept()
	if diff := cmp.Diff(want, got); diff != "" || !ok || !when.Equal(at) {
		t.Errorf("%t, of %s; kept (-want +got):\n%s", ok, when, diff)
	}
	at = at.Add(time.Hour)
	if _, err := repository("app").Tags(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, when, _ := repository("app").Kept(); !when.Equal(at) {
		t.Errorf("kept since %s; want %s", when, at)
	}
	if _, _, ok := repository("other").Kept(); ok {
		t.Error("another image has its listing")
	}
	repository("app").Forget()
	if _, _, ok := repository("app").Kept(); ok {
		t.Error("it is there though it was to be forgotten")
	}
	server.SetTags("app")
	if _, err := repository("app").Tags(t.Context()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("error is %v; want %v", err, registry.ErrNotFound)
	}
	if _, _, ok := repository("app").Kept(); ok {
		t.Error("a failure is kept")
	}
}

func TestKeepHasABound(t *testing.T) {
	body := `{"tags":["` + strings.Join(numbered(100), `","`) + `"]}` // some 1.2 KiB, and 1.6 for the headers
	server := answering(t, answer(200, body))
	r := registry.New(registry.Options{Anonymous: true, Keep: 20 << 10})
	count := func() (kept int) {
		for i := range 20 {
			repository, err := r.Repository(fmt.Sprintf("%s/app%d", server.Addr, i), registry.Access{})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, ok := repository.Kept(); ok {
				kept++
			}
		}
		return kept
	}
	for range 3 {
		for i := range 20 {
			repository, err := r.Repository(fmt.Sprintf("%s/app%d", server.Addr, i), registry.Access{})
			if err != nil {
				t.Fatal(err)
			}
			wantTags(t, repository, numbered(100))
		}
		if got := count(); got < 4 || got > 6 {
			t.Errorf("%d listings are kept; want 5", got)
		}
	}
}
