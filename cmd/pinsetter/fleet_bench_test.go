package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// manySources is a crowd of one policy, and so many automations that have nothing to
// do. Each has a repository of its own where own is set, else all have one and push
// to a branch each.
func manySources(b *testing.B, n int, own bool) *crowd {
	b.Helper()
	f := newRig(b, "main")
	server := parts.NewGit(b, parts.GitOptions{})
	repository := func(name string) *parts.Repository {
		return server.NewRepository(name, parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": f.with("1.1.0")}}})
	}
	f.repo = repository("fleet-0")
	text := strings.NewReplacer("REG", f.registry.Addr, "REPO", f.repo.URL, "BRANCH", "update-0").Replace(fleetObjects)
	for i := 1; i < n; i++ {
		source := "fleet"
		if own {
			source = fmt.Sprintf("fleet-%d", i)
			text += fmt.Sprintf("---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: %s}\nspec: {url: %q, interval: 5m, ref: {branch: main}}\n",
				source, repository(source).URL)
		}
		text += fmt.Sprintf("---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\nmetadata: {name: apps-%d}\nspec:\n  interval: 5m\n"+
			"  sourceRef: {kind: GitRepository, name: %s}\n  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: update-%d}}\n", i, source, i)
	}
	if err := os.WriteFile(f.objects, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return &crowd{f, server.Log}
}

// BenchmarkSources is a run, as a whole process, of many automations that find nothing
// changed: with a repository each, or of one repository with a push branch each. The
// metric x-repository is how many requests it makes to the Git server for each
// repository.
func BenchmarkSources(b *testing.B) {
	program := binary(b)
	curl := parts.Need(b, "curl")
	for _, row := range []struct {
		name         string
		automations  int
		repositories int
	}{{"repositories=100", 100, 100}, {"branches=200", 200, 1}} {
		b.Run(row.name, func(b *testing.B) {
			c := manySources(b, row.automations, row.repositories > 1)
			state := newState(b)
			run := func() cost { return measure(b, program, "run", "--state", state, "-f", c.objects) }
			run()
			t, asked := c.tally(), 0
			for b.Loop() {
				t.run(run, func() cost {
					return measure(b, curl, "-sf", "-o", "/dev/null", "http://"+c.registry.Addr+"/v2/org/app/tags/list")
				})
				asked += c.git.Count("", "")
			}
			t.report(b, "x-curl")
			b.ReportMetric(float64(asked)/float64(len(t.ours)*row.repositories), "x-repository")
		})
	}
}

// BenchmarkPushed is the run after one that pushed, as a whole process, beside the run
// after it, which finds nothing to do. The metric extra-requests is how many requests
// the one makes to the Git server beyond those of the other.
func BenchmarkPushed(b *testing.B) {
	program := binary(b)
	c := manyFiles(b, 1_000)
	state := newState(b)
	run := func() cost { return measure(b, program, "run", "--state", state, "-f", c.objects) }
	run()
	t, asked, minor := c.tally(), 0, 1
	for b.Loop() {
		minor++
		c.registry.Push("org/app", fmt.Sprintf("1.%d.0", minor))
		before := c.repo.Head("main")
		if run(); c.repo.Head("main") == before {
			b.Fatal("nothing was pushed")
		}
		c.git.Reset()
		c.registry.Log.Reset()
		t.ours = append(t.ours, run())
		asked += c.git.Count("", "")
		t.requests += c.git.Count("", "") + c.registry.Log.Count("", "")
		c.git.Reset()
		t.theirs = append(t.theirs, run())
		asked -= c.git.Count("", "")
	}
	wall := func(c cost) time.Duration { return c.wall }
	b.ReportMetric(float64(median(t.ours, wall)), "ns/op")
	b.ReportMetric(float64(asked)/float64(len(t.ours)), "extra-requests")
	b.ReportMetric(float64(t.requests)/float64(len(t.ours)), "requests")
	b.ReportMetric(median(t.ours, wall).Seconds()/median(t.theirs, wall).Seconds(), "x-noop")
}

// BenchmarkImages is a run that finds nothing changed, as a whole process, over images
// with a policy each. Every other one of an image's hundred tags is a signature's. The
// metric x-get is its computing over that of a program which reads the same lists and
// throws them away.
func BenchmarkImages(b *testing.B) {
	program := binary(b)
	loop := parts.Build(b, "testdata/getloop/main.go", "getloop")
	for _, images := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("images=%d", images), func(b *testing.B) {
			c := manyPolicies(b, images, images)
			c.signTags(images)
			state := newState(b)
			run := func() cost { return measure(b, program, "run", "--state", state, "-f", c.objects) }
			run()
			t := c.tally()
			for b.Loop() {
				t.run(run, func() cost {
					return measure(b, loop, "http://"+c.registry.Addr+"/v2/org/app-", fmt.Sprint(images))
				})
			}
			t.report(b, "x-time")
			cpu := func(c cost) time.Duration { return c.cpu }
			b.ReportMetric(median(t.ours, cpu).Seconds()/median(t.theirs, cpu).Seconds(), "x-get")
		})
	}
}

// signTags has the registry list signatures for half of a crowd's tags.
func (c *crowd) signTags(images int) {
	tags := make([]string, 100)
	for i := range tags {
		tags[i] = fmt.Sprintf("1.%d.0", i)
		if i%2 == 0 {
			tags[i] = fmt.Sprintf("build-%040d.sig", i)
		}
	}
	for i := range images {
		c.registry.SetTags(fmt.Sprintf("org/app-%d", i), tags...)
	}
}
