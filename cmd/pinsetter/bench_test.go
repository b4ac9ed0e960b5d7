package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// binary builds the program as `make build` does and returns its path.
func binary(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "pinsetter")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// cost is what a process took.
type cost struct {
	wall time.Duration
	peak int64 // resident bytes
}

// measure runs a command to its end. The peak is what Linux calls VmHWM, looked
// at until the end: that of wait4 has the memory of the process that forked.
func measure(b *testing.B, name string, args ...string) cost {
	b.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	peak := make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	c := cost{wall: time.Since(started)}
	close(ended)
	if c.peak = <-peak; err != nil {
		b.Fatalf("%s: %v\n%s", name, err, &out)
	}
	return c
}

// watch returns the most memory that a process was seen to have had, in bytes.
func watch(pid int, ended chan struct{}) int64 {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var peak int64
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone at the end
		if _, after, found := strings.Cut(string(status), "VmHWM:"); found && strings.Contains(string(status), "pinsetter") {
			var kilobytes int64
			if _, err := fmt.Sscan(after, &kilobytes); err == nil {
				peak = max(peak, kilobytes<<10)
			}
		}
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}

// shelfOfFiles writes n manifests, percent of them marked, all showing tag.
func shelfOfFiles(b *testing.B, n, percent int, image, tag string) string {
	b.Helper()
	root := parts.Dir(b)
	for i := range n {
		dir := filepath.Join(root, fmt.Sprintf("cluster-%d", i/5000), fmt.Sprintf("team-%d", i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		marker := ""
		if i*7919%100 < percent {
			marker = ` # {"$imagepolicy": "default:app"}`
		}
		var text strings.Builder
		fmt.Fprintf(&text, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-%d\n  namespace: team-%d\nspec:\n  replicas: 2\n", i, i/100)
		text.WriteString("  template:\n    spec:\n      containers:\n        - name: app\n")
		fmt.Fprintf(&text, "          image: %s:%s%s\n          ports: [{containerPort: 8080}]\n          env:\n", image, tag, marker)
		for v := range 8 {
			fmt.Fprintf(&text, "            - name: VARIABLE_%d\n              value: \"value %d\"\n", v, v*i)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("app-%d.yaml", i)), []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return root
}

// BenchmarkSet is `pinsetter set` as a whole process over 100,000 files, beside
// `grep -rlF` over the same tree: x-grep is the ratio of their times, and
// peak-MB the most memory of any run. Nothing is to change, but in the rows
// "all", in which every marked file is rewritten.
func BenchmarkSet(b *testing.B) {
	const files = 100_000
	program := binary(b)
	registry := parts.NewRegistry(b, parts.RegistryOptions{})
	registry.Push("org/app", "1.0.0", "1.1.0")
	image := registry.Image("org/app")
	objects := filepath.Join(b.TempDir(), "objects.yaml")
	text := strings.NewReplacer("REG", registry.Addr, "REPO", "https://git.example.test/fleet", "BRANCH", "main").Replace(fleetObjects)
	if err := os.WriteFile(objects, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, percent := range []int{1, 10} {
		for _, row := range []struct{ name, tag string }{{"nothing", "1.1.0"}, {"all", "1.0.0"}} {
			b.Run(fmt.Sprintf("marked=%d%%/change=%s", percent, row.name), func(b *testing.B) {
				var ours, theirs time.Duration
				var peak int64
				for b.Loop() {
					b.StopTimer()
					dir := shelfOfFiles(b, files, percent, image, row.tag)
					b.StartTimer()
					theirs += measure(b, "grep", "-rlF", "$imagepolicy", dir).wall
					c := measure(b, program, "set", "--state", "none", "--dir", dir, "-f", objects)
					ours += c.wall
					peak = max(peak, c.peak)
					b.StopTimer()
					if err := os.RemoveAll(dir); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-grep")
				b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
			})
		}
	}
}

// BenchmarkStart is a process that does nothing, beside /bin/true.
func BenchmarkStart(b *testing.B) {
	program := binary(b)
	var ours, theirs time.Duration
	var peak int64
	for b.Loop() {
		theirs += measure(b, "true").wall
		c := measure(b, program, "version")
		ours += c.wall
		peak = max(peak, c.peak)
	}
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-true")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
}

// crowd is a fleet whose repository has n files, one in a hundred of them marked,
// with nothing to change. Its server knows filters, as forges do.
func crowd(b *testing.B, n int) *fleet {
	b.Helper()
	f := newFleet(b, "main")
	f.repo = parts.NewGit(b, parts.GitOptions{}).NewRepository("crowd", parts.RepositoryOptions{
		Folder: shelfOfFiles(b, n, 1, f.registry.Image("org/app"), "1.1.0"),
		Tree:   parts.Tree{Files: map[string]string{"a.yaml": f.with("1.1.0")}},
		Config: map[string]string{"uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true"},
	})
	f.write(b, "main")
	return f
}

// BenchmarkRun is `pinsetter run` as a whole process over http, beside what C git
// takes for as much:
//
//   - first: a first run, beside a shallow clone without checkout;
//   - nothing: another run, beside asking for one ref and for one list of tags;
//   - ten: a run after ten files have changed, beside a blobless shallow clone
//     without checkout.
func BenchmarkRun(b *testing.B) {
	program := binary(b)
	curl := parts.Need(b, "curl")
	for _, files := range []int{1_000, 10_000, 100_000} {
		f := crowd(b, files)
		clones := b.TempDir()
		tags := "http://" + f.registry.Addr + "/v2/org/app/tags/list"
		clone := func(b *testing.B, i int, filter ...string) time.Duration {
			args := append([]string{"clone", "-q", "--depth=1", "--no-checkout"}, filter...)
			return measure(b, "git", append(args, f.repo.URL, filepath.Join(clones, b.Name(), fmt.Sprint(i)))...).wall
		}
		state := "sqlite:" + filepath.Join(b.TempDir(), "state.db")
		run := func(b *testing.B, state string) cost {
			return measure(b, program, "run", "--state", state, "-f", f.objects)
		}
		for _, row := range []struct {
			name string
			ours func(b *testing.B, i int) cost
			git  func(b *testing.B, i int) time.Duration
		}{
			{"first", func(b *testing.B, _ int) cost { return run(b, "sqlite:"+filepath.Join(b.TempDir(), "state.db")) },
				func(b *testing.B, i int) time.Duration { return clone(b, i) }},
			{"nothing", func(b *testing.B, _ int) cost { return run(b, state) },
				func(b *testing.B, _ int) time.Duration {
					return measure(b, "git", "ls-remote", "-q", f.repo.URL, "refs/heads/main").wall + measure(b, curl, "-sf", tags).wall
				}},
			{"ten", func(b *testing.B, i int) cost {
				b.StopTimer()
				changed := map[string]string{}
				for n := range 10 {
					changed[fmt.Sprintf("cluster-0/team-%d/new-%d.yaml", n, n)] = fmt.Sprintf("kind: X%d\n", i)
				}
				f.repo.Commit(parts.Commit{Tree: parts.Tree{Files: changed}, Message: "ten"})
				b.StartTimer()
				return run(b, state)
			}, func(b *testing.B, i int) time.Duration { return clone(b, i, "--filter=blob:none") }},
		} {
			b.Run(fmt.Sprintf("files=%d/%s", files, row.name), func(b *testing.B) {
				var ours, theirs time.Duration
				var peak int64
				run(b, state)
				for i := 0; b.Loop(); i++ {
					theirs += row.git(b, i)
					c := row.ours(b, i)
					ours += c.wall
					peak = max(peak, c.peak)
				}
				b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-git")
				b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
			})
		}
	}
}

// BenchmarkPolicies is a run with nothing to do, as a whole process, over so many
// policies with a marker each, ten of them for each image of a hundred tags.
// Peak-MB and the requests of the registry are to be read beside each other's.
func BenchmarkPolicies(b *testing.B) {
	program := binary(b)
	for _, policies := range []int{10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("policies=%d", policies), func(b *testing.B) {
			f := newFleet(b, "main")
			images := max(policies/10, 1)
			tags := make([]string, 100)
			for i := range tags {
				tags[i] = fmt.Sprintf("1.%d.0", i)
			}
			for i := range images {
				f.registry.SetTags(fmt.Sprintf("org/app-%d", i), tags...)
			}
			var objects strings.Builder
			objects.WriteString(strings.NewReplacer("REG", f.registry.Addr, "REPO", f.repo.URL, "BRANCH", "main").Replace(fleetObjects))
			for i := range images {
				fmt.Fprintf(&objects, "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: app-%d}\nspec: {image: %s/org/app-%d, interval: 5m, insecure: true}\n", i, f.registry.Addr, i)
			}
			files := map[string]string{"a.yaml": f.with("1.1.0")}
			for i := range policies {
				fmt.Fprintf(&objects, "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: p-%d}\nspec: {imageRepositoryRef: {name: app-%d}, policy: {semver: {range: 1.x}}}\n", i, i%images)
				name := fmt.Sprintf("f-%d.yaml", i/10)
				files[name] += fmt.Sprintf("---\nkind: D\nmetadata: {name: d-%d}\nimage: %s/org/app-%d:1.99.0 # {\"$imagepolicy\": \"default:p-%d\"}\n", i, f.registry.Addr, i%images, i)
			}
			f.repo.Commit(parts.Commit{Tree: parts.Tree{Files: files}, Message: "many"})
			if err := os.WriteFile(f.objects, []byte(objects.String()), 0o600); err != nil {
				b.Fatal(err)
			}
			var peak int64
			for b.Loop() {
				peak = max(peak, measure(b, program, "run", "--state", "none", "-f", f.objects).peak)
			}
			b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
		})
	}
}
