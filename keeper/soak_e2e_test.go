//go:build e2e

package keeper_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSoak: ten thousand cycles, one in a hundred of which changes something, take
// no more memory, goroutines or files at the end than early on.
func TestSoak(t *testing.T) {
	const cycles, early = 10_000, 1000
	k := newKeeping(t, onMain(), storyFiles)
	k.front.Store(new(remembering()))
	k.begin(0)
	k.ran("apps", 1)
	var before usage
	for n := 2; n <= cycles; n++ {
		if n%100 == 0 {
			k.Registry.Push("org/app", fmt.Sprintf("1.%d.0", n))
		}
		k.Pass(6 * time.Minute)
		k.Wake(nil)
		k.until("the cycle", func() bool { return k.runs("apps") >= n })
		if n%early != 0 {
			continue
		}
		k.forget()
		now := measure(t)
		t.Logf("after %d cycles: %s", n, now)
		if n == early {
			before = now
		}
		if now.goroutines > before.goroutines+5 || now.files > before.files+5 || now.heap > before.heap+(4<<20) {
			t.Fatalf("after %d cycles %s, after %d %s", early, before, n, now)
		}
	}
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, fmt.Sprintf("app:1.%d.0", cycles)) {
		t.Errorf("main has %s", got)
	}
}

// usage is what the process holds.
type usage struct {
	heap              uint64 // bytes that are in use
	goroutines, files int
}

func (u usage) String() string {
	return fmt.Sprintf("%d KiB, %d goroutines, %d files", u.heap>>10, u.goroutines, u.files)
}

func measure(t *testing.T) usage {
	t.Helper()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	runtime.GC()
	runtime.GC() // what the first one has let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatalf("count open files: %v", err)
	}
	return usage{m.HeapAlloc, runtime.NumGoroutine(), len(files)}
}

// forget empties what the test itself has gathered.
func (k *keeping) forget() {
	k.Registry.Log.Reset()
	k.git.Log.Reset()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = nil
}

// remembering answers what was asked before as it was answered then, until
// somebody pushes: two processes of git a cycle would take most of the time.
func remembering() func(http.Handler) http.Handler {
	var mu sync.Mutex
	answers := map[string]*httptest.ResponseRecorder{}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			body, _ := io.ReadAll(r.Body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			question := fmt.Sprintln(r.Method, r.URL, r.Header["Git-Protocol"], string(body))
			if strings.Contains(r.URL.String(), "receive-pack") {
				clear(answers)
				next.ServeHTTP(w, r)
				return
			}
			if answers[question] == nil {
				answers[question] = httptest.NewRecorder()
				next.ServeHTTP(answers[question], r)
			}
			a := answers[question]
			maps.Copy(w.Header(), a.Header())
			w.WriteHeader(a.Code)
			_, _ = w.Write(a.Body.Bytes())
		})
	}
}
