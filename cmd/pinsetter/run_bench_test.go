package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// crowd is a fleet whose Git server says what it was asked.
type crowd struct {
	*rig
	git *parts.Log
}

// newCrowd returns a fleet with the files of a folder too. Its server knows
// filters, as forges do.
func newCrowd(b *testing.B, folder func(*rig) string) *crowd {
	b.Helper()
	f := newRig(b, "main")
	server := parts.NewGit(b, parts.GitOptions{})
	f.repo = server.NewRepository("crowd", parts.RepositoryOptions{
		Folder: folder(f),
		Tree:   parts.Tree{Files: map[string]string{"a.yaml": f.with("1.1.0")}},
		Config: map[string]string{"uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true"},
	})
	f.write(b, "main")
	return &crowd{f, server.Log}
}

// manyFiles is a crowd of n files, one in a hundred of them marked, with nothing
// to change.
func manyFiles(b *testing.B, n int) *crowd {
	b.Helper()
	return newCrowd(b, func(f *rig) string { return newShelf(b, n, 1, f.registry.Image("org/app"), "1.1.0").dir })
}

// manyPolicies is a crowd of so many policies with a marker each, over images of a
// hundred tags, with nothing to change.
func manyPolicies(b *testing.B, policies, images int) *crowd { return lagging(b, policies, images, 0) }

// lagging is a crowd as manyPolicies, but each marker shows a tag that so many
// others rank above.
func lagging(b *testing.B, policies, images, behind int) *crowd {
	b.Helper()
	c := newCrowd(b, func(*rig) string { return b.TempDir() })
	tags := make([]string, 100)
	for i := range tags {
		tags[i] = fmt.Sprintf("1.%d.0", i)
	}
	text, err := os.ReadFile(c.objects)
	if err != nil {
		b.Fatal(err)
	}
	objects := bytes.NewBuffer(text)
	for i := range images {
		c.registry.SetTags(fmt.Sprintf("org/app-%d", i), tags...)
		fmt.Fprintf(objects, "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: app-%[1]d, labels: {crowd: many}}\nspec: {image: %[2]s/org/app-%[1]d, interval: 5m, insecure: true}\n", i, c.registry.Addr)
	}
	files := map[string]string{}
	for i := range policies {
		fmt.Fprintf(objects, "---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: p-%d}\nspec: {imageRepositoryRef: {name: app-%d}, policy: {semver: {range: 1.x}}}\n", i, i%images)
		files[fmt.Sprintf("f-%d.yaml", i/10)] += fmt.Sprintf("---\nkind: D\nmetadata: {name: d-%d}\nimage: %s/org/app-%d:1.%d.0 # {\"$imagepolicy\": \"default:p-%d\"}\n", i, c.registry.Addr, i%images, 99-behind, i)
	}
	c.repo.Commit(parts.Commit{Tree: parts.Tree{Files: files, Delete: []string{"a.yaml"}}, Message: "many"})
	if err := os.WriteFile(c.objects, objects.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return c
}

// tally returns a tally of what the crowd's servers are asked.
func (c *crowd) tally() *tally { return &tally{logs: []*parts.Log{c.git, c.registry.Log}} }

// newState names a state that isn't there yet.
func newState(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "state.db") }

// BenchmarkRun is `pinsetter run` as a whole process over http, beside what C git
// takes for as much:
//
//   - nothing: another run, beside asking for one ref and for one list of tags;
//   - ten: a run after ten files have changed, beside a blobless shallow clone
//     without checkout;
//   - first: a first run, beside a shallow clone without checkout.
func BenchmarkRun(b *testing.B) {
	program := binary(b)
	curl := parts.Need(b, "curl")
	for _, files := range []int{1_000, 10_000, 100_000} {
		c := manyFiles(b, files)
		state := newState(b)
		run := func(state string) cost { return measure(b, program, "run", "--state", state, "-f", c.objects) }
		run(state)
		clone := func(b *testing.B, filter ...string) cost {
			args := append([]string{"clone", "-q", "--depth=1", "--no-checkout"}, filter...)
			return measure(b, "git", append(args, c.repo.URL, filepath.Join(b.TempDir(), "clone"))...)
		}
		change := 0
		for _, row := range []struct {
			name   string
			before func()
			ours   func(b *testing.B) cost
			theirs func(b *testing.B) cost
		}{
			{"nothing", func() {}, func(*testing.B) cost { return run(state) }, func(b *testing.B) cost {
				return measure(b, "git", "ls-remote", "-q", c.repo.URL, "refs/heads/main").
					and(measure(b, curl, "-sf", "http://"+c.registry.Addr+"/v2/org/app/tags/list"))
			}},
			{"ten", func() { change++; c.changeTen(change) },
				func(*testing.B) cost { return run(state) }, func(b *testing.B) cost { return clone(b, "--filter=blob:none") }},
			{"first", func() {}, func(b *testing.B) cost { return run(newState(b)) }, func(b *testing.B) cost { return clone(b) }},
		} {
			b.Run(fmt.Sprintf("files=%d/%s", files, row.name), func(b *testing.B) {
				t := c.tally()
				for b.Loop() {
					row.before()
					t.run(func() cost { return row.ours(b) }, func() cost { return row.theirs(b) })
				}
				t.report(b, "x-git")
			})
		}
	}
}

// changeTen commits the nth change to the same ten files.
func (c *crowd) changeTen(n int) {
	changed := map[string]string{}
	for i := range 10 {
		changed[fmt.Sprintf("cluster-0/team-%d/new-%d.yaml", i, i)] = fmt.Sprintf("kind: X%d\n", n)
	}
	c.repo.Commit(parts.Commit{Tree: parts.Tree{Files: changed}, Message: "ten"})
}

// BenchmarkPolicies is a run with nothing to do, as a whole process, over so many
// policies, ten of them for each image, but at least ten images. The metric
// x-memory is its peak memory over that with 100 policies.
func BenchmarkPolicies(b *testing.B) {
	program := binary(b)
	run := func(c *crowd) cost { return measure(b, program, "run", "--state", "none", "-f", c.objects) }
	hundred := manyPolicies(b, 100, 10)
	for _, policies := range []int{10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("policies=%d", policies), func(b *testing.B) {
			c := manyPolicies(b, policies, max(policies/10, 10))
			t := c.tally()
			for b.Loop() {
				t.run(func() cost { return run(c) }, func() cost { return run(hundred) })
			}
			t.report(b, "x-100")
			b.ReportMetric(float64(most(t.ours))/float64(most(t.theirs)), "x-memory")
		})
	}
}

// BenchmarkSights is a first run, as a whole process, over 4,000 images that are 38
// tags behind. A Gate's minAge holds them all, and the ledger is told of 156,000
// tags. The metric x-thousand is the run's computing over that with 1,000 images: 4
// is proportional.
func BenchmarkSights(b *testing.B) {
	program := binary(b)
	held := func(images int) *crowd {
		c := lagging(b, images, images, 38)
		c.aged(b)
		return c
	}
	run := func(c *crowd) cost { return measure(b, program, "run", "--state", newState(b), "-f", c.objects) }
	thousand, many := held(1_000), held(4_000)
	t := many.tally()
	for b.Loop() {
		t.run(func() cost { return run(many) }, func() cost { return run(thousand) })
	}
	t.report(b, "x-time")
	cpu := func(c cost) time.Duration { return c.cpu }
	b.ReportMetric(median(t.ours, cpu).Seconds()/median(t.theirs, cpu).Seconds(), "x-thousand")
}

// BenchmarkGated is a first run, as a whole process, over images that are 38 tags
// behind and 50 ms away. A Gate's minAge has the digest of every tag read. The
// metric x-floor is the run's time over that of its requests to the registry, 16 in
// flight.
func BenchmarkGated(b *testing.B) {
	const behind, far, inFlight = 38, 50 * time.Millisecond, 16
	program := binary(b)
	for _, images := range []int{10, 100, 1_000} {
		b.Run(fmt.Sprintf("images=%d", images), func(b *testing.B) {
			c := lagging(b, images, images, behind)
			c.aged(b)
			c.pushTags(images, behind+1)
			c.meddle(func(r *http.Request) {
				if r.Host == c.registry.Addr {
					time.Sleep(far)
				}
			})
			t := c.tally()
			for b.Loop() {
				t.run(func() cost { return measure(b, program, "run", "--state", newState(b), "-f", c.objects) }, func() cost {
					asked := images * (behind + 1)
					return cost{wall: time.Duration(asked) * far / inFlight}
				})
			}
			t.report(b, "x-floor")
		})
	}
}

// aged has a Gate hold back what is young.
func (c *crowd) aged(b *testing.B) {
	b.Helper()
	c.edit(b, func(text string) string {
		return text + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: aged}\nspec: {minAge: 72h}\n"
	})
}

// pushTags pushes an image under the highest so many tags of each of the crowd's.
func (c *crowd) pushTags(images, most int) {
	tags := make([]string, most)
	for i := range tags {
		tags[i] = fmt.Sprintf("1.%d.0", 99-i)
	}
	for i := range images {
		c.registry.PushSame(fmt.Sprintf("org/app-%d", i), tags...)
	}
}
