//go:build e2e

package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// far is a fleet whose registry and Git server are reached by connections that can
// be spoilt, and answer what they are told to.
type far struct {
	*rig
	proxy *parts.Toxiproxy
	links map[string]*link
}

// link is the way to one server.
type link struct {
	*parts.Link
	storm atomic.Int64 // a status to answer most requests with; 0: none
	asked atomic.Int64
}

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{rig: newRig(t, "main"), proxy: parts.NewToxiproxy(t), links: map[string]*link{}}
	server, _, _ := strings.Cut(strings.TrimPrefix(f.repo.URL, "http://"), "/")
	registry := f.registry.Addr
	f.links["registry"], f.links["Git"] = f.lead(t, registry), f.lead(t, server)
	f.edit(t, func(text string) string {
		return strings.NewReplacer(registry, f.links["registry"].Addr, server, f.links["Git"].Addr,
			"interval: 5m, insecure", "interval: 1s, timeout: 2s, insecure", "interval: 5m, ref", "interval: 5m, timeout: 2s, ref",
			"\n  interval: 5m\n", "\n  interval: 1s\n").Replace(text)
	})
	f.marked = strings.ReplaceAll(f.marked, registry, f.links["registry"].Addr)
	f.repo.CommitFile("main", "a.yaml", f.with("1.0.0"), "")
	return f
}

// lead returns a way to a server: a proxy of connections, and behind it one of
// requests.
func (f *far) lead(t *testing.T, address string) *link {
	t.Helper()
	l := &link{}
	through := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	through.ErrorLog = log.New(io.Discard, "", 0) // of clients that hang up
	front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := l.storm.Load(); status != 0 && l.asked.Add(1)%4 != 0 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(int(status))
			return
		}
		through.ServeHTTP(w, r)
	}), parts.FrontOptions{})
	l.Link = f.proxy.Before(front.Addr)
	return l
}

// TestServeOnBadConnections: a program that serves goes through all that can
// happen to the connections to a registry and a Git server, while people commit.
func TestServeOnBadConnections(t *testing.T) {
	f := newFar(t)
	p := newPerson(t, f.rig)
	d := f.serve(t, "--batch", "1ms")
	d.until("the first run", func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "app:1.1.0") })
	minor := 1
	through := func(fault string, begin func(*link)) {
		for name, l := range f.links {
			t.Logf("%s of %s", fault, name)
			begin(l)
			minor++
			f.registry.Push("org/app", fmt.Sprintf("1.%d.0", minor))
			p.commit(minor%2 == 0)
			before := d.runs("success") + d.runs("failure")
			d.until("a run", func() bool { return d.runs("success")+d.runs("failure") > before })
			l.storm.Store(0)
			f.proxy.Mend()
			d.until("it is mended", func() bool {
				return strings.Contains(f.repo.File("main", "a.yaml"), fmt.Sprintf("app:1.%d.0", minor))
			})
		}
	}
	type attributes = map[string]any
	for kind, how := range map[string]attributes{
		"latency":    {"latency": 200, "jitter": 100},
		"reset_peer": {"timeout": 1},
		"timeout":    {"timeout": 0}, // half open: nothing comes, and nobody hangs up
		"limit_data": {"bytes": 300},
		"slicer":     {"average_size": 16, "size_variation": 8, "delay": 100},
		"bandwidth":  {"rate": 4},
	} {
		through(kind, func(l *link) { l.Spoil(kind, how) })
	}
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInternalServerError} {
		through(http.StatusText(status), func(l *link) { l.storm.Store(int64(status)) })
	}
	p.check(f.rig, "main", fmt.Sprintf("1.%d.0", minor))
}

// TestServeWhilePostgresRestarts: the state is memory, and is done without.
func TestServeWhilePostgresRestarts(t *testing.T) {
	f, db := newFar(t), parts.NewPostgres(t)
	d := f.serve(t, "--batch", "1ms", "--state", db.URL("postgres"))
	p := newPerson(t, f.rig)
	for minor := 2; minor < 6; minor++ {
		if minor%2 == 0 {
			db.Kill()
		}
		tag := fmt.Sprintf("1.%d.0", minor)
		f.registry.Push("org/app", tag)
		p.commit(true)
		d.until(tag, func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "app:"+tag) })
		if minor%2 == 0 {
			db.Start()
		}
	}
	d.until("it is remembered again", func() bool {
		_, history := d.get("/api/v1/history")
		return strings.Contains(history, "app:1.5.0")
	})
	p.check(f.rig, "main", "1.5.0")
}

// TestRunOnAFullDisk: what can't be remembered is said, and the work is done.
func TestRunOnAFullDisk(t *testing.T) {
	f, disk := newRig(t, "main"), t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=512k"); err != nil {
		parts.Skip(t, fmt.Sprintf("mount a small disk: %v", err))
	}
	defer func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	}()
	p := newPerson(t, f)
	run := func(tag string) string {
		t.Helper()
		f.registry.Push("org/app", tag)
		p.commit(true)
		cmd, out := f.pinsetter("run", "--state", "sqlite:"+filepath.Join(disk, "state.db"))
		if err := cmd.Run(); err != nil {
			t.Fatalf("run: %v\n%s", err, out)
		}
		p.check(f, "main", tag)
		return out.String()
	}
	run("1.2.0")
	full, err := os.Create(filepath.Join(disk, "full"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = full.Write(make([]byte, 4096))
	}
	_ = full.Close()
	for n := range 3 {
		if out := run(fmt.Sprintf("1.3.%d", n)); !strings.Contains(out, "remembered") && !strings.Contains(out, "recorded") {
			t.Errorf("it says nothing of the disk:\n%s", out)
		}
	}
	if err := os.Remove(full.Name()); err != nil {
		t.Fatal(err)
	}
	if out := run("1.4.0"); strings.Contains(out, "remembered") || strings.Contains(out, "recorded") {
		t.Errorf("with room again it says\n%s", out)
	}
}

// TestServeOnABadConnectionToAForge: whatever happens to the connection, there is
// one pull request, and in the end it proposes what the policy says.
func TestServeOnABadConnectionToAForge(t *testing.T) {
	gitea := parts.NewGitea(t)
	f := &far{rig: newRig(t, "main"), proxy: parts.NewToxiproxy(t), links: map[string]*link{}}
	repo := gitea.NewRepository("bot/fleet", map[string]string{"a.yaml": f.with("1.0.0")})
	l := f.lead(t, gitea.Addr)
	f.edit(t, func(text string) string {
		return strings.NewReplacer("url: "+f.repo.URL+", interval: 5m", "url: http://"+l.Addr+"/bot/fleet.git, interval: 5m, timeout: 2s, secretRef: {name: forge}",
			"interval: 5m, insecure", "interval: 1s, insecure", "\n  interval: 5m\n", "\n  interval: 1s\n").Replace(text) + `---
apiVersion: v1
kind: Secret
metadata: {name: forge}
stringData: {username: bot, password: ` + gitea.Token + `}
---
apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata: {name: apps}
spec: {automationRef: {name: apps}, provider: gitea, branch: pinsetter/apps}
`
	})
	d := f.serve(t, "--batch", "1ms")
	proposes := func(tag string) func() bool {
		return func() bool {
			var pulls []struct{ Title string }
			gitea.Must(http.MethodGet, repo.API+"/pulls?state=all", nil, &pulls)
			if len(pulls) > 1 {
				t.Fatalf("%d pull requests: %v", len(pulls), pulls)
			}
			return len(pulls) == 1 && strings.HasSuffix(pulls[0].Title, tag) && strings.Contains(repo.File("pinsetter/apps", "a.yaml"), "app:"+tag)
		}
	}
	d.until("the first pull request", proposes("1.1.0"))
	var commits []string
	for i, spoil := range []func(){
		func() { l.Spoil("latency", map[string]any{"latency": 200, "jitter": 100}) },
		func() { l.Spoil("reset_peer", map[string]any{"timeout": 1}) },
		func() { l.Spoil("timeout", map[string]any{"timeout": 0}) },
		func() { l.Spoil("limit_data", map[string]any{"bytes": 900}) },
		func() { l.storm.Store(http.StatusTooManyRequests) },
		func() { l.storm.Store(http.StatusBadGateway) },
	} {
		tag := fmt.Sprintf("1.%d.0", i+2)
		spoil()
		f.registry.Push("org/app", tag)
		commits = append(commits, repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"by-hand": tag}}}))
		before := d.runs("success") + d.runs("failure")
		d.until("a run", func() bool { return d.runs("success")+d.runs("failure") > before })
		l.storm.Store(0)
		f.proxy.Mend()
		d.until(tag, proposes(tag))
	}
	on := repo.Git("rev-list", "main")
	for i, commit := range commits {
		if !strings.Contains(on, commit) {
			t.Errorf("commit %d by hand is lost", i)
		}
	}
	if out := repo.Git("fsck", "--strict", "--no-dangling", "--no-progress"); out != "" {
		t.Errorf("git fsck: %s", out)
	}
}
