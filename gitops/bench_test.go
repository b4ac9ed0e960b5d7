package gitops_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// crowd returns the files of a repository of n manifests, none of which has a
// marker.
func crowd(n int) map[string]string {
	tree := make(map[string]string, n)
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-%d\n  namespace: team-%d\nspec:\n  replicas: %d\n", i, i%50, i%7)
		for j := range 20 {
			fmt.Fprintf(&b, "  # setting %d of application %d, which is %x\n", j, i, (i+1)*(j+7919)*104729)
		}
		fmt.Fprintf(&b, "  image: registry.example.test/app-%d:1.0.%d\n", i, i%100)
		tree[manifest(i)] = b.String()
	}
	return tree
}

// manifest is where the i-th manifest of a crowd is.
func manifest(i int) string { return fmt.Sprintf("team-%d/app-%d/deploy.yaml", i%50, i) }

// bench is a repository of n manifests, one in a hundred of which has a marker,
// on a server that counts the bytes that it sends.
type bench struct {
	*parts.Repository
	git  *parts.Git
	sent *atomic.Int64
}

// newBench makes the repository once: it is kept in the temporary directory, and
// what a benchmark changes is lost.
func newBench(b *testing.B, n int) *bench {
	b.Helper()
	cached := filepath.Join(os.TempDir(), fmt.Sprintf("pinsetter-bench-%d-1.git", n))
	g, sent := counted(b)
	r := g.NewRepository("org/app", parts.RepositoryOptions{})
	if _, err := os.Stat(cached); err != nil {
		tree := crowd(n)
		for i := 0; i < n; i += 100 {
			tree[manifest(i)] += "  tag: 1.0.0\n"
		}
		r.Commit(parts.Commit{Tree: parts.Tree{Files: tree}})
		r.Git("repack", "-a", "-d", "-q")
		r.Git("clone", "-q", "--bare", r.Dir, cached+".new")
		if err := os.Rename(cached+".new", cached); err != nil {
			b.Fatal(err)
		}
	} else {
		r.Git("fetch", "-q", cached, "main:main")
	}
	return &bench{r, g, sent}
}

// stepped is what one run of this package's step cost, in a process of its own.
type stepped struct {
	Seconds float64
	Peak    int64 // bytes of memory
	Files   int
	cpu     time.Duration
	sent    int64 // bytes, by the server
}

const stepEnv = "GITOPS_BENCH_STEP" // URL and directory of the step to run

// TestMain runs the tests, or one step for a benchmark.
func TestMain(m *testing.M) {
	url, dir, ok := strings.Cut(os.Getenv(stepEnv), " ")
	if !ok {
		os.Exit(m.Run())
	}
	started := time.Now()
	n, err := readWanted(url, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(stepped{Seconds: time.Since(started).Seconds(), Peak: peak(), Files: n})
}

// readWanted fetches, and reads the manifests with a marker.
func readWanted(url, dir string) (int, error) {
	remote, err := gitops.Open(&fleet.GitSource{URL: url, Timeout: time.Hour}, gitops.Options{Keep: dir, Screen: tagged("1")})
	if err != nil {
		return 0, err
	}
	fetched, err := remote.Fetch(context.Background(), main)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, err := range fetched.Base.Files(context.Background(), "", isYAML) {
		if err != nil {
			return 0, err
		}
		n++
	}
	fetched.Close()
	return n, nil
}

// peak returns the most memory that this process held, where Linux tells.
func peak() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	_, _ = fmt.Sscan(line, &kilobytes)
	return kilobytes << 10
}

// step runs the step in a process of its own.
func (r *bench) step(b *testing.B, dir string) stepped {
	b.Helper()
	r.sent.Store(0)
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), stepEnv+"="+r.URL+" "+dir), os.Stderr
	out, err := cmd.Output()
	var s stepped
	if err == nil {
		err = json.Unmarshal(out, &s)
	}
	if err != nil {
		b.Fatal(err)
	}
	s.cpu, s.sent = cpu(cmd), r.sent.Load()
	return s
}

// cpu returns the time that a process and its children were computing.
func cpu(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// yardstick runs C git and returns how long it took, and how long it computed.
func yardstick(b *testing.B, g *parts.Git, args ...string) (time.Duration, time.Duration) {
	b.Helper()
	cmd := exec.Command(parts.Need(b, "git"), args...)
	cmd.Env = g.Env()
	started := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("git %q: %v: %s", args, err, out)
	}
	return time.Since(started), cpu(cmd)
}

// compare runs the step and C git in turns, and reports how many times as long
// the step took.
func (r *bench) compare(b *testing.B, name string, before func(i int) string, git ...string) {
	b.Run(name, func(b *testing.B) {
		var ours, theirs, computed, theyComputed time.Duration
		var last stepped
		var peak int64
		for i := 0; b.Loop(); i++ {
			last = r.step(b, before(i))
			args := git
			if git[0] == "clone" {
				args = slices.Concat(git, []string{filepath.Join(parts.Dir(b), "clone")})
			}
			took, cpu := yardstick(b, r.git, args...)
			ours, theirs = ours+time.Duration(last.Seconds*float64(time.Second)), theirs+took
			computed, theyComputed = computed+last.cpu, theyComputed+cpu
			peak = max(peak, last.Peak)
		}
		b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-git")
		b.ReportMetric(computed.Seconds()/theyComputed.Seconds(), "x-git-cpu")
		b.ReportMetric(float64(ours)/float64(b.N), "ns/op")
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
		b.ReportMetric(float64(last.sent)/1e3, "received-KB")
		b.ReportMetric(float64(last.Files), "files")
	})
}

// BenchmarkKeep is the step of a run: fetch, and read the manifests with a
// marker. Its yardsticks are C git: for the first contact a shallow clone
// without checkout; after ten files changed the same without files; where
// nothing changed, git ls-remote of the branch. All should take 1 times as long,
// and the last twice.
func BenchmarkKeep(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newBench(b, n)
			clone := []string{"clone", "-q", "--depth=1", "--no-checkout", r.URL}
			r.compare(b, "first", func(int) string { return filepath.Join(parts.Dir(b), "kept") }, clone...)
			kept := filepath.Join(parts.Dir(b), "kept")
			r.step(b, kept)
			r.compare(b, "changed", func(i int) string {
				changed := map[string]string{}
				for j := range 10 {
					changed[manifest(j*37)] = fmt.Sprintf("tag: %d-%d\n", i, time.Now().UnixNano())
				}
				r.Commit(parts.Commit{Tree: parts.Tree{Files: changed}})
				return kept
			}, append(clone, "--filter=blob:none")...)
			r.step(b, kept)
			r.compare(b, "unchanged", func(int) string { return kept }, "ls-remote", r.URL, "refs/heads/main")
		})
	}
}
