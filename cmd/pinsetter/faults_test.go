package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/parts"
)

// rig is a registry, a repository with one marked file, and the objects that
// bring the two together.
type rig struct {
	registry *parts.Registry
	repo     *parts.Repository
	objects  string // path of the file
	marked   string // the file's content, with TAG for the tag

	meddling atomic.Pointer[func(*http.Request)]
}

const fleetObjects = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: REG/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ^1.0.0}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet}
spec: {url: REPO, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: BRANCH}}
`

func newRig(t testing.TB, branch string) *rig {
	t.Helper()
	f := &rig{marked: "# a file\nimage: REG/org/app:TAG # {\"$imagepolicy\": \"default:app\"}\n"}
	around := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if meddle := f.meddling.Load(); meddle != nil {
				(*meddle)(r)
			}
			next.ServeHTTP(w, r)
		})
	}
	f.registry = parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: around}})
	server := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: around}})
	f.registry.Push("org/app", "1.0.0", "1.1.0")
	f.marked = strings.ReplaceAll(f.marked, "REG", f.registry.Addr)
	f.repo = server.NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": f.with("1.0.0")}}})
	f.objects = filepath.Join(t.TempDir(), "objects.yaml")
	f.write(t, branch)
	return f
}

// write writes the objects, with branch as the push branch.
func (f *rig) write(t testing.TB, branch string) {
	t.Helper()
	text := strings.NewReplacer("REG", f.registry.Addr, "REPO", f.repo.URL, "BRANCH", branch).Replace(fleetObjects)
	if err := os.WriteFile(f.objects, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// meddle has f called before each request to the servers. Nil: no more.
func (f *rig) meddle(with func(*http.Request)) {
	if with == nil {
		f.meddling.Store(nil)
		return
	}
	f.meddling.Store(&with)
}

// with returns the marked file showing tag.
func (f *rig) with(tag string) string { return strings.ReplaceAll(f.marked, "TAG", tag) }

// pinsetter returns the program, ready to run on the fleet's objects.
func (f *rig) pinsetter(args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command("pinsetter", append(args, "-f", f.objects)...)
	cmd.Env = append(os.Environ(), "PINSETTER_STATE=sqlite:"+filepath.Join(filepath.Dir(f.objects), "state.db"))
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// The process is killed before each of its requests in turn. Whatever it had
// done by then, the next run ends with exactly one commit of the bot.
func TestKilledAtEveryRequest(t *testing.T) {
	for _, branch := range []string{"main", "updates"} {
		t.Run(branch, func(t *testing.T) {
			for n := int64(1); killAt(t, branch, n); n++ {
			}
		})
	}
}

// killAt kills a run at its nth request, and reports whether it had that many.
func killAt(t *testing.T, branch string, n int64) bool {
	t.Helper()
	f := newRig(t, branch)
	cmd, _ := f.pinsetter("run")
	killed := f.killedAt(t, cmd, n)
	for range 2 {
		again, out := f.pinsetter("run")
		if err := again.Run(); err != nil {
			t.Fatalf("request %d: run again: %v\n%s", n, err, out)
		}
	}
	if got := f.repo.File(branch, "a.yaml"); got != f.with("1.1.0") {
		t.Errorf("request %d: the branch has\n%s", n, got)
	}
	if got := f.repo.Git("log", "--format=%an", branch); got != "Bot\nA Human" {
		t.Errorf("request %d: commits by\n%s", n, got)
	}
	f.repo.Git("fsck", "--strict")
	return killed
}

// killedAt runs a command and kills it before the servers get its nth request. It reports
// whether the command had that many.
func (f *rig) killedAt(t *testing.T, cmd *exec.Cmd, n int64) bool {
	t.Helper()
	var requests atomic.Int64
	var killed atomic.Bool
	started := make(chan struct{})
	f.meddle(func(*http.Request) {
		if requests.Add(1) == n {
			killed.Store(true)
			<-started
			_ = cmd.Process.Kill() // what it ends as is looked at below
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := cmd.Wait(); err == nil && killed.Load() {
		t.Fatalf("request %d: the run ended well although it was killed", n)
	}
	f.meddle(nil)
	return killed.Load()
}

// Somebody pushes between the bot's fetch and its push: the bot starts again on
// top, and no commit is lost.
func TestBranchMovesBeforePush(t *testing.T) {
	f := newRig(t, "main")
	var moves atomic.Int64
	f.meddle(func(r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "git-receive-pack") && moves.Add(1) <= 2 {
			f.repo.CommitFile("main", fmt.Sprintf("by-hand-%d", moves.Load()), "x\n", "")
		}
	})
	cmd, out := f.pinsetter("run")
	if err := cmd.Run(); err != nil {
		t.Fatalf("run: %v\n%s", err, out)
	}
	if got := f.repo.Git("log", "--format=%an", "main"); got != "Bot\nA Human\nA Human\nA Human" {
		t.Errorf("commits by\n%s", got)
	}
	if got := f.repo.File("main", "a.yaml"); got != f.with("1.1.0") {
		t.Errorf("main has\n%s", got)
	}
}

// A branch that moves each time is given up on, with what happened.
func TestBranchMovesForever(t *testing.T) {
	f := newRig(t, "main")
	var moves atomic.Int64
	f.meddle(func(r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "git-receive-pack") {
			f.repo.CommitFile("main", fmt.Sprintf("by-hand-%d", moves.Add(1)), "x\n", "")
		}
	})
	cmd, out := f.pinsetter("run")
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != cli.StatusFailed {
		t.Fatalf("run: %v\n%s", err, out)
	}
	if !strings.Contains(out.String(), "5 times in a row") {
		t.Errorf("output %q does not say how often", out)
	}
	if strings.Contains(f.repo.Git("log", "--format=%an", "main"), "Bot") {
		t.Error("the bot's commit is on the branch")
	}
}
