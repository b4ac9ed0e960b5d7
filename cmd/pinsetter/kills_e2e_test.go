//go:build e2e

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// chance returns a source of chance, and says how to have the same again.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("PINSETTER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("PINSETTER_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// person works in a clone and pushes to main as people do: again, when somebody
// else was faster.
type person struct {
	t   *testing.T
	dir string

	mu      sync.Mutex
	commits []string
	lines   []string // put at the top of a.yaml
}

func newPerson(t *testing.T, f *rig) *person {
	p := &person{t: t, dir: t.TempDir()}
	p.git("clone", "-q", f.repo.Dir, ".")
	return p
}

func (p *person) try(args ...string) (string, error) {
	command := exec.Command("git", append([]string{"-c", "user.name=A Human", "-c", "user.email=human@example.test", "-c", "gc.auto=0"}, args...)...)
	command.Dir = p.dir
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (p *person) git(args ...string) string {
	out, err := p.try(args...)
	if err != nil {
		p.t.Errorf("git %v: %v: %s", args, err, out)
	}
	return out
}

// commit changes a file of their own, or adds a line to the marked one.
func (p *person) commit(marked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.commits)
	for {
		p.git("fetch", "-q", "origin")
		p.git("reset", "-q", "--hard", "origin/main")
		name, text, line := fmt.Sprintf("by-hand-%d", n), "x\n", fmt.Sprintf("# line %d\n", n)
		if marked {
			before, err := os.ReadFile(filepath.Join(p.dir, "a.yaml"))
			if err != nil {
				p.t.Error(err)
				return
			}
			name, text = "a.yaml", line+string(before)
		}
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			p.t.Error(err)
			return
		}
		p.git("add", name)
		p.git("commit", "-q", "-m", line)
		if _, err := p.try("push", "-q", "origin", "HEAD:main"); err == nil {
			p.commits = append(p.commits, p.git("rev-parse", "HEAD"))
			if marked {
				p.lines = append(p.lines, line)
			}
			return
		}
	}
}

// check says what must be true at the end: the branch shows what the policy says,
// no commit was lost, and none was made twice.
func (p *person) check(f *rig, branch, tag string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	text := f.repo.File(branch, "a.yaml")
	if !strings.Contains(text, "/org/app:"+tag+" ") {
		p.t.Errorf("%s shows %s, want %s", branch, text, tag)
	}
	on := map[string]bool{}
	for _, commit := range strings.Fields(f.repo.Git("rev-list", branch)) {
		on[commit] = true
	}
	for i, commit := range p.commits {
		if !on[commit] {
			p.t.Errorf("%s has lost commit %d by hand", branch, i)
		}
	}
	for _, line := range p.lines {
		if strings.Count(text, line) != 1 {
			p.t.Errorf("%s has %q %d times", branch, line, strings.Count(text, line))
		}
	}
	made := map[string]int{}
	for _, commit := range strings.Fields(f.repo.Git("rev-list", "--author=Bot", branch)) {
		var step []string
		for _, line := range strings.Split(f.repo.Git("show", "--format=", "-U0", commit), "\n") {
			if strings.HasPrefix(line, "-image") || strings.HasPrefix(line, "+image") {
				step = append(step, line)
			}
		}
		made[strings.Join(step, "\n")]++
	}
	for step, times := range made {
		if times != 1 || strings.Count(step, "\n") != 1 {
			p.t.Errorf("made %d times:\n%s", times, step)
		}
	}
	if out := f.repo.Git("fsck", "--strict", "--no-dangling", "--no-progress"); out != "" {
		p.t.Errorf("git fsck: %s", out)
	}
}

// TestKilledAtRandomPoints: people commit, tags are pushed, and the program is
// killed at any request or moment, again and again.
func TestKilledAtRandomPoints(t *testing.T) {
	for _, branch := range []string{"main", "updates"} {
		t.Run(branch, func(t *testing.T) {
			random, f := chance(t), newRig(t, branch)
			p := newPerson(t, f)
			tag, killed := "1.1.0", 0
			for n := range 100 {
				if random.IntN(3) == 0 {
					tag = fmt.Sprintf("1.1.%d", n+1)
					f.registry.Push("org/app", tag)
				}
				if f.runAndKill(t, random, p) {
					killed++
				}
			}
			f.meddle(nil)
			p.commit(true) // a branch of proposals is moved when a marked file changes, not for any commit
			if killed < 20 {
				t.Errorf("only %d of 100 runs were killed", killed)
			}
			for range 2 {
				run, out := f.pinsetter("run")
				if err := run.Run(); err != nil {
					t.Fatalf("run: %v\n%s", err, out)
				}
			}
			p.check(f, branch, tag)
			if ahead := f.repo.Git("rev-list", "--count", "main.."+branch); branch != "main" && ahead != "1" {
				t.Errorf("%s is %s commits ahead of main", branch, ahead)
			}
		})
	}
}

// runAndKill runs the program, kills it by chance and has somebody commit by
// chance meanwhile. It reports whether the program was killed.
func (f *rig) runAndKill(t *testing.T, random *rand.Rand, p *person) (killed bool) {
	t.Helper()
	run, out := f.pinsetter("run")
	fatal, committed := random.Int64N(16), random.Int64N(12) // at which request; 0: at none
	marked, moment := random.IntN(2) == 0, time.Duration(random.IntN(300))*time.Millisecond
	var requests atomic.Int64
	started := make(chan struct{})
	f.meddle(func(*http.Request) {
		<-started
		switch requests.Add(1) {
		case fatal:
			_ = run.Process.Kill() // what it ends as is looked at below
		case committed:
			p.commit(marked)
		}
	})
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if fatal > 10 { // which few runs have
		timer := time.AfterFunc(moment, func() { _ = run.Process.Kill() })
		defer timer.Stop()
	}
	err := run.Wait()
	if err != nil && run.ProcessState.ExitCode() >= 0 {
		t.Errorf("run: %v\n%s", err, out)
	}
	return err != nil
}
