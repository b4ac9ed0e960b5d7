package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// clock is a time that passes when somebody sleeps.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	sleeps []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.sleeps = append(c.sleeps, d)
	return ctx.Err()
}

func (c *clock) slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sleeps)
}

// quick returns options with which waiting takes no time and chance none of it
// away.
func quick(o registry.Options) registry.Options {
	c := &clock{now: time.Now()}
	o.Anonymous = true
	o.Now, o.Sleep, o.Random = c.Now, c.Sleep, func() float64 { return 0 }
	return o
}

// failing answers the first requests about tags with each status in turn, then
// with a tag.
func failing(t *testing.T, header http.Header, statuses ...int) parts.Front {
	t.Helper()
	var count atomic.Int64
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		i := int(count.Add(1)) - 1
		if i >= len(statuses) {
			answer(200, `{"tags":["1.0.0"]}`)(w, r)
			return
		}
		for key, values := range header {
			w.Header()[key] = values
		}
		answer(statuses[i], `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`)(w, r)
	})
}

func TestTagsTriesAgain(t *testing.T) {
	ms := time.Millisecond
	in := time.Now().Add(90 * time.Second).UTC()
	for name, test := range map[string]struct {
		header   http.Header
		statuses []int
		sleeps   []time.Duration // nil: not checked
	}{
		"5xx":                       {nil, []int{500, 502, 504, 503}, []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms}},
		"429 without Retry-After":   {nil, []int{429, 429}, []time.Duration{250 * ms, 500 * ms}},
		"Retry-After in seconds":    {http.Header{"Retry-After": {"7"}}, []int{429, 503, 429, 429, 429, 429}, slices.Repeat([]time.Duration{7 * time.Second}, 6)},
		"Retry-After of nothing":    {http.Header{"Retry-After": {"0"}}, []int{429}, []time.Duration{250 * ms}},
		"Retry-After with a date":   {http.Header{"Retry-After": {in.Format(http.TimeFormat)}}, []int{503}, nil},
		"Retry-After of no meaning": {http.Header{"Retry-After": {"soon"}}, []int{429}, []time.Duration{250 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			server := failing(t, test.header, test.statuses...)
			c := &clock{now: time.Now()}
			o := registry.Options{Anonymous: true, Now: c.Now, Sleep: c.Sleep, Random: func() float64 { return 0 }}
			wantTags(t, openWith(t, o, server.Addr+"/app", registry.Access{Timeout: 5 * time.Minute}), []string{"1.0.0"})
			switch got := c.slept(); {
			case test.sleeps != nil && !slices.Equal(got, test.sleeps):
				t.Errorf("slept %v; want %v", got, test.sleeps)
			case test.sleeps == nil && (len(got) != 1 || got[0] < 80*time.Second || got[0] > 91*time.Second):
				t.Errorf("slept %v; want about 90 s", got)
			}
		})
	}
}

func TestTagsGivesUp(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		status int
		want   string
		asked  int // requests
	}{
		"5xx": {nil, 502, "list tags of HOST/app: 502 Bad Gateway: TOOMANYREQUESTS: slow down", 5},
		"a wait beyond the timeout": {http.Header{"Retry-After": {"3600"}}, 429,
			`list tags of HOST/app: 429 Too Many Requests: TOOMANYREQUESTS: slow down; it asks to wait (Retry-After: "3600"), and the timeout is 1m0s`, 1},
		"a second, for ever": {http.Header{"Retry-After": {"1"}}, 429, `429 Too Many Requests`, 21},
	} {
		t.Run(name, func(t *testing.T) {
			server := failing(t, test.header, slices.Repeat([]int{test.status}, 100)...)
			_, err := openWith(t, quick(registry.Options{}), server.Addr+"/app", registry.Access{Timeout: time.Minute}).Tags(t.Context())
			wantError(t, err, nil, server.Addr, test.want)
			if got := server.Log.Count("", "/tags/list"); got != test.asked {
				t.Errorf("%d requests; want %d", got, test.asked)
			}
		})
	}
}

// When one image is told to wait, the others of its host wait as well.
func TestRetryAfterHoldsTheHost(t *testing.T) {
	server := failing(t, http.Header{"Retry-After": {"3600"}}, 429)
	r := registry.New(quick(registry.Options{}))
	for i, want := range []*regexp.Regexp{
		regexp.MustCompile(`429 Too Many Requests: TOOMANYREQUESTS`),
		// A busy machine has taken some of both times.
		regexp.MustCompile(`429 Too Many Requests: \S+ asked not to be called for another (1h0m0s|59m\d+s), and the timeout leaves (1m0s|\d+s)`),
	} {
		repository, err := r.Repository(server.Addr+"/app"+string(rune('a'+i)), registry.Access{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = repository.Tags(t.Context()); err == nil || !want.MatchString(err.Error()) {
			t.Fatalf("error is\n%v\nwant it to match\n%s", err, want)
		}
	}
	if got := server.Log.Count("", "/tags/list"); got != 1 {
		t.Errorf("%d requests; want 1", got)
	}
}

func TestTagsOfAConnectionThatBreaks(t *testing.T) {
	var count atomic.Int64
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch count.Add(1) {
		case 1: // before the answer
			panic(http.ErrAbortHandler)
		case 2: // in the middle of it
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"tags":["0.9.0",`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		answer(200, `{"tags":["1.0.0"]}`)(w, r)
	})
	wantTags(t, openWith(t, quick(registry.Options{}), server.Addr+"/app", registry.Access{}), []string{"1.0.0"})
}

func TestTagsOfConnectionsThatAlwaysBreak(t *testing.T) {
	server := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"tags":["0.9.0",`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := openWith(t, quick(registry.Options{}), server.Addr+"/app", registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "list tags of HOST/app: the answer broke off after 17 bytes: unexpected EOF")
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	var now, most atomic.Int64
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
		answer(200, `{"tags":["1.0.0"]}`)(w, r)
	})
	r := registry.New(registry.Options{Anonymous: true, Concurrency: 3})
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			repository, err := r.Repository(server.Addr+"/app"+string(rune('a'+i%26)), registry.Access{})
			if err == nil {
				_, err = repository.Tags(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := most.Load(); got > 3 || got < 2 {
		t.Errorf("%d requests in flight; want 3", got)
	}
	if got := server.Log.Count("", "/v2/") - server.Log.Count("", "/tags/list"); got != 1 {
		t.Errorf("%d pings; want 1", got)
	}
	if got := server.Log.Connections(); got > 4 { // one for the attempt at https
		t.Errorf("%d connections; want 3 that are kept", got)
	}
}

// A ping that is told to wait says so, also to who has no time for that.
func TestPingIsToldToWait(t *testing.T) {
	server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
	}), parts.FrontOptions{})
	o := registry.Options{Anonymous: true}
	_, err := openWith(t, o, server.Addr+"/app", registry.Access{Timeout: 300 * time.Millisecond}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "it answered 429 Too Many Requests and asked not to be called for another 1m30s")

	_, err = openWith(t, quick(o), server.Addr+"/app", registry.Access{Timeout: 10 * time.Second}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, `429 Too Many Requests`)
}

// A registry that lets four requests in at a time is asked four at a time before
// long, and all lists arrive.
func TestRequestsInFlightAreLearntFrom429(t *testing.T) {
	const lets, images = 4, 300
	var now, refused atomic.Int64
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		defer now.Add(-1)
		if now.Add(1) > lets {
			refused.Add(1)
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		time.Sleep(time.Millisecond)
		answer(200, `{"tags":["1.0.0"]}`)(w, r)
	})
	r := registry.New(quick(registry.Options{}))
	var wait sync.WaitGroup
	for i := range images {
		wait.Go(func() {
			repository, err := r.Repository(fmt.Sprintf("%s/app%d", server.Addr, i), registry.Access{})
			if err == nil {
				_, err = repository.Tags(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := refused.Load(); got < 1 || got > 40 {
		t.Errorf("%d requests were refused; want a few", got)
	}
}
