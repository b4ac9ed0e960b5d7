package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// rewriting is `set` on a folder, and other programs that do the same work.
type rewriting struct {
	program, setter string
	registry        *parts.Registry
	objects         string
}

func newRewriting(b *testing.B) *rewriting {
	b.Helper()
	r := &rewriting{
		program:  binary(b),
		setter:   parts.Build(b, "./testdata/setter/main.go", "setter"),
		registry: parts.NewRegistry(b, parts.RegistryOptions{}),
		objects:  filepath.Join(b.TempDir(), "objects.yaml"),
	}
	r.registry.Push("org/app", "1.0.0", "1.1.0")
	text := strings.NewReplacer("REG", r.registry.Addr, "REPO", "https://git.example.test/fleet", "BRANCH", "main").Replace(fleetObjects)
	if err := os.WriteFile(r.objects, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *rewriting) image() string { return r.registry.Image("org/app") }

func (r *rewriting) set(b *testing.B, s shelf) cost {
	b.Helper()
	return measure(b, r.program, "set", "--state", "none", "--dir", s.dir, "-f", r.objects)
}

// flux sets as Flux does.
func (r *rewriting) flux(b *testing.B, s shelf) cost {
	b.Helper()
	return measure(b, r.setter, s.dir, "default:app", r.image()+":1.1.0")
}

// sedMarked changes the marked tags below the folder $0.
const sedMarked = `grep -rlZF '$imagepolicy' "$0" | xargs -0 sed -i '/[$]imagepolicy/s/:1[.]0[.]0/:1.1.0/'`

// contest is some ways to do the same work, taken in turns. The first is ours.
type contest struct {
	units []string // of the ratios to the others
	ways  []func() cost
	took  [][]cost
}

// run runs each way once, with before called ahead of it.
func (c *contest) run(before func()) {
	if c.took == nil {
		c.took = make([][]cost, len(c.ways))
	}
	for i := len(c.ways) - 1; i >= 0; i-- {
		before()
		c.took[i] = append(c.took[i], c.ways[i]())
	}
}

// report reports what our way took, and the ratios of computing.
func (c *contest) report(b *testing.B) {
	b.Helper()
	wall, cpu := func(c cost) time.Duration { return c.wall }, func(c cost) time.Duration { return c.cpu }
	ours := median(c.took[0], cpu)
	b.ReportMetric(float64(median(c.took[0], wall)), "ns/op")
	b.ReportMetric(ours.Seconds(), "cpu-s")
	b.ReportMetric(float64(most(c.took[0]))/1e6, "peak-MB")
	for i, unit := range c.units {
		b.ReportMetric(ours.Seconds()/median(c.took[i+1], cpu).Seconds(), unit)
	}
}

// BenchmarkRewrite is the computing of `pinsetter set`, as a whole process, beside
// programs that do the same work: grep alone where nothing changes; else grep and
// sed, and a program that does what Flux's setter does (testdata/setter). In "plain"
// a file is a document with a marker, in "rich" four with three and with comments.
// One in ten files is marked, and in "marked" each.
func BenchmarkRewrite(b *testing.B) {
	r := newRewriting(b)
	for _, row := range []struct {
		name           string
		files, percent int
		shelf          func(b *testing.B, files, percent int, image, tag string) shelf
	}{
		{"plain", 100_000, 10, newShelf},
		{"rich", 10_000, 10, newRichShelf},
		{"marked", 1_000, 100, newShelf},
	} {
		b.Run(row.name, func(b *testing.B) { r.rows(b, row.shelf(b, row.files, row.percent, r.image(), "1.1.0")) })
	}
}

// rows measures the rows of a folder.
func (r *rewriting) rows(b *testing.B, s shelf) {
	grep := func() cost { return measure(b, "grep", "-rlF", "$imagepolicy", s.dir) }
	sed := func() cost { return measure(b, "sh", "-c", sedMarked, s.dir) }
	ours := func() cost { return r.set(b, s) }
	flux := func() cost { return r.flux(b, s) }
	b.Run("change=nothing", func(b *testing.B) {
		c := &contest{units: []string{"x-grep"}, ways: []func() cost{ours, grep}}
		s.mark(b, "1.1.0")
		for b.Loop() {
			c.run(func() {})
		}
		c.report(b)
	})
	b.Run("change=all", func(b *testing.B) {
		c := &contest{units: []string{"x-sed", "x-flux"}, ways: []func() cost{ours, sed, flux}}
		for b.Loop() {
			c.run(func() { s.mark(b, "1.0.0") })
		}
		c.report(b)
	})
}

// BenchmarkSetMemory is the memory of `pinsetter set` on 100,000 files, one in a
// hundred marked, all of which change, beside that of `pinsetter version`. The metric
// extra-MB is the difference.
func BenchmarkSetMemory(b *testing.B) {
	r := newRewriting(b)
	s := newShelf(b, 100_000, 1, r.image(), "1.0.0")
	var t tally
	for b.Loop() {
		s.mark(b, "1.0.0")
		t.run(func() cost { return r.set(b, s) }, func() cost { return measure(b, r.program, "version") })
	}
	t.report(b, "x-time")
	ours, theirs := float64(most(t.ours)), float64(most(t.theirs))
	b.ReportMetric(ours/theirs, "x-memory")
	b.ReportMetric((ours-theirs)/1e6, "extra-MB")
}

// BenchmarkPush is the computing of a first `pinsetter run`, as a whole process, that
// pushes changes of 1,000 files of 10,000, beside C git's clone of depth 1, grep and
// sed, commit and push.
func BenchmarkPush(b *testing.B) {
	const files, percent = 10_000, 10
	program := binary(b)
	var s shelf
	var ours, theirs *crowd // new ones each time: what was written and reverted is held
	const clone = `set -e; git clone -q --depth 1 "$1" "$0"; cd "$0"
` + `grep -rlZF --exclude-dir=.git '$imagepolicy' . | xargs -0 sed -i '/[$]imagepolicy/s/:1[.]0[.]0/:1.1.0/'
` + `git -c user.name=Bot -c user.email=bot@example.test -c gc.auto=0 commit -qam Update; git push -q origin HEAD:main`
	c := &contest{units: []string{"x-git"}, ways: []func() cost{
		func() cost { return measure(b, program, "run", "--state", newState(b), "-f", ours.objects) },
		func() cost {
			return measure(b, "sh", "-c", clone, filepath.Join(b.TempDir(), "clone"), theirs.repo.URL)
		},
	}}
	for b.Loop() {
		ours = newCrowd(b, func(f *rig) string {
			s = newShelf(b, files, percent, f.registry.Image("org/app"), "1.0.0")
			return s.dir
		})
		theirs = newCrowd(b, func(*rig) string { return s.dir })
		c.run(func() {})
		if diff := ours.repo.Git("rev-parse", "main:cluster-1"); diff != theirs.repo.Git("rev-parse", "main:cluster-1") {
			b.Fatal("the run and sed left different files")
		}
	}
	c.report(b)
}
