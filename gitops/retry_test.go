package gitops_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// sleeps are options with which waiting takes no time, and what was waited.
func sleeps() (gitops.Options, *[]time.Duration) {
	slept := new([]time.Duration)
	return gitops.Options{
		Random: func() float64 { return 0 },
		Sleep: func(ctx context.Context, d time.Duration) error {
			*slept = append(*slept, d)
			return ctx.Err()
		},
	}, slept
}

// failing is a Git server that answers the first requests for a path with each
// status in turn; 0 breaks the connection.
func failing(t *testing.T, path, after string, statuses ...int) *parts.Git {
	t.Helper()
	var count atomic.Int64
	return parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			i := -1
			if strings.HasSuffix(r.URL.Path, path) {
				i = int(count.Add(1)) - 1
			}
			switch {
			case i < 0 || i >= len(statuses):
				next.ServeHTTP(w, r)
			case statuses[i] == 0:
				panic(http.ErrAbortHandler)
			default:
				if after != "" {
					w.Header().Set("Retry-After", after)
				}
				http.Error(w, "busy", statuses[i])
			}
		})
	}}})
}

// What passes is tried again, as at registries; what may have been done isn't.
func TestTriesAgain(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		path, after string
		statuses    []int
		slept       []time.Duration
		text        string // of the error; "": it works
	}{
		"refs, 503, seconds":       {"/info/refs", "1", []int{503}, []time.Duration{1000 * ms}, ""},
		"refs, 429, twice":         {"/info/refs", "2", []int{429, 429}, []time.Duration{2000 * ms, 2000 * ms}, ""},
		"refs, without a header":   {"/info/refs", "", []int{503, 500, 502, 504}, []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms}, ""},
		"refs, for good":           {"/info/refs", "", []int{503, 503, 503, 503, 503}, []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms}, "the server answered 503 Service Unavailable: busy"},
		"refs, later than timeout": {"/info/refs", "120", []int{503}, nil, "503 Service Unavailable: busy; it asks to wait (Retry-After: 120), and spec.timeout of the GitRepository is over before"},
		"refs, broken":             {"/info/refs", "", []int{0, 0}, []time.Duration{250 * ms, 500 * ms}, ""},
		"refs, refused":            {"/info/refs", "", []int{403}, nil, "access denied (403)"},
		"pack, 503":                {"/git-upload-pack", "1", []int{503}, []time.Duration{1000 * ms}, ""},
		"pack, 502":                {"/git-upload-pack", "", []int{502}, []time.Duration{250 * ms}, ""},
		"push, 503":                {"/git-receive-pack", "1", []int{503}, []time.Duration{1000 * ms}, ""},
		"push, 500":                {"/git-receive-pack", "", []int{500}, nil, "the server answered 500 Internal Server Error: busy"},
		"push, broken":             {"/git-receive-pack", "", []int{0}, nil, "whether the push arrived is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			r := failing(t, test.path, test.after, test.statuses...).NewRepository("org/app", parts.RepositoryOptions{Tree: files})
			o, slept := sleeps()
			remote := openWith(t, &fleet.GitSource{URL: r.URL}, o)
			fetched, err := remote.Fetch(t.Context(), main)
			if err == nil {
				next := commit(t, fetched.Base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
				_, err = remote.Push(t.Context(), gitops.Push{Snapshot: next, Branch: "main", Lease: fetched.Base.Hash()})
			}
			if test.text != "" {
				wantError(t, err, test.text)
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.slept, append([]time.Duration(nil), *slept...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A server that asks to wait again and again is left alone in the end.
func TestTriesAgainEnds(t *testing.T) {
	busy := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}), parts.FrontOptions{})
	o, slept := sleeps()
	_, err := openWith(t, &fleet.GitSource{URL: busy.URL + "/org/app.git"}, o).Fetch(t.Context(), main)
	wantError(t, err, "503 Service Unavailable")
	if len(*slept) != 20 {
		t.Errorf("%d pauses", len(*slept))
	}
}

// Over ssh a connection is made again where it ends before the server has shown
// its key, as sshd's MaxStartups has it, and not where the login ends it.
func TestTriesAgainOverSSH(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	azure := parts.NewAzure(t, g, parts.AzureOptions{})
	for name, broken := range map[string]int{"twice": 2, "for good": 9} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				for n := 0; ; n++ {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					if n < broken {
						_ = conn.Close()
						continue
					}
					to, err := net.Dial("tcp", azure.SSH.Addr)
					if err != nil {
						return
					}
					go func() { _, _ = io.Copy(to, conn) }()
					go func() { _, _ = io.Copy(conn, to) }()
				}
			}()
			addr := listener.Addr().String()
			_, port, _ := net.SplitHostPort(addr)
			_, old, _ := net.SplitHostPort(azure.SSH.Addr)
			src := &fleet.GitSource{URL: strings.Replace(azure.SSHURL(r), azure.SSH.Addr, addr, 1), Auth: fleet.GitAuth{
				Set: true, Identity: secret(string(azure.SSH.Identity)), KnownHosts: []byte(strings.Replace(string(azure.SSH.KnownHosts), old, port, 1)),
			}}
			o, slept := sleeps()
			_, err = openWith(t, src, o).Fetch(t.Context(), main)
			if (err == nil) != (broken == 2) {
				t.Error(err)
			}
			if want := min(broken, 4); len(*slept) != want {
				t.Errorf("%d pauses, want %d", len(*slept), want)
			}
		})
	}
}
