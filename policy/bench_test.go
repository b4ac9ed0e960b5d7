package policy

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/spec"
)

// versionsOf returns n tags in no order, one in eight a prerelease and one in
// sixteen no version.
func versionsOf(n int) []string {
	random := rand.New(rand.NewPCG(1, 2))
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("v%d.%d.%d", random.IntN(20), random.IntN(100), i%1000)
		switch i % 16 {
		case 0:
			tags[i] = fmt.Sprintf("sha-%07x", random.IntN(1<<28))
		case 1, 9:
			tags[i] += fmt.Sprintf("-rc.%d", i%10)
		}
	}
	return tags
}

// buildsOf returns n tags as CI writes them.
func buildsOf(n int) []string {
	random := rand.New(rand.NewPCG(1, 2))
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("main-%07x-%d", random.IntN(1<<28), 1_700_000_000+random.IntN(1<<26))
	}
	return tags
}

// compareWith runs work, and reports how its time per tag compares with that of
// the yardstick, which runs as often.
func compareWith(b *testing.B, tags int, yardstick, work func()) {
	b.ReportAllocs()
	var reference time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		yardstick()
		reference += time.Since(start)
		b.StartTimer()
		work()
	}
	perTag := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(tags)
	b.ReportMetric(perTag, "ns/tag")
	b.ReportMetric(float64(b.Elapsed())/float64(reference), "x-yardstick")
}

func parseStrictly(tags []string) func() {
	return func() {
		for _, tag := range tags {
			_, _ = semver.StrictNewVersion(tag[1:])
		}
	}
}

const buildPattern = `^main-[a-f0-9]+-(?P<ts>[0-9]+)$`

func matchOnce(tags []string) func() {
	pattern := regexp.MustCompile(buildPattern)
	return func() {
		for _, tag := range tags {
			pattern.FindStringSubmatchIndex(tag)
		}
	}
}

func selectBest(b testing.TB, p *Policy, tags *Tags) {
	ranking, err := p.Rank(tags)
	if err != nil {
		b.Fatal(err)
	}
	ranking.Best()
}

// BenchmarkSelect measures the selection from 100,000 tags that no policy has
// seen, with a strict SemVer parse of each tag as the yardstick, or with a
// filter that and a match of each tag.
func BenchmarkSelect(b *testing.B) {
	const n = 100_000
	versions, builds := versionsOf(n), buildsOf(n)
	strict, match := parseStrictly(versions), matchOnce(builds)
	both := func() { strict(); match() }
	for _, test := range []struct {
		name      string
		spec      spec.ImagePolicySpec
		tags      []string
		yardstick func()
	}{
		{"semver", bySemVer(">=1.0.0"), versions, strict},
		{"semver-below-all", bySemVer("<0.0.1"), versions, strict},
		{"alphabetical", byAlphabet("asc"), versions, strict},
		{"numerical-filtered", filtered(byNumber("asc"), buildPattern, "$ts"), builds, both},
		{"alphabetical-filtered", filtered(byAlphabet("asc"), buildPattern, "$ts"), builds, both},
		{"semver-filtered", filtered(bySemVer("*"), `^v([0-9.]+)$`, "$1"), versions, both},
	} {
		b.Run(test.name, func(b *testing.B) {
			p := mustNew(b, test.spec)
			compareWith(b, n, test.yardstick, func() { selectBest(b, p, NewTags(test.tags)) })
		})
	}
}

// BenchmarkNext measures the ten best of 100,000 tags against the best alone.
func BenchmarkNext(b *testing.B) {
	const n = 100_000
	tags, p := versionsOf(n), mustNew(b, bySemVer("*"))
	compareWith(b, n, func() { selectBest(b, p, NewTags(tags)) }, func() {
		ranking, _ := p.Rank(NewTags(tags))
		left := 10
		for range ranking.All() {
			if left--; left == 0 {
				break
			}
		}
	})
}

// manyRanges returns n SemVer policies, of which few are alike.
func manyRanges(t testing.TB, n int) []*Policy {
	policies := make([]*Policy, n)
	for i := range policies {
		text := [...]string{">=%d.%d.0", "^%d.%d.3", "~%d.%d", "<%d.%d.1", ">=%d.%d.0-0 <9.0.0", "<0.0.1 || =%d.%d.999", ">=%d.%d.0 !=19.99.x"}[i%7]
		policies[i] = mustNew(t, bySemVer(fmt.Sprintf(text, i%23, i%97)))
	}
	return policies
}

// manyAlike returns n policies with a few filters, and a range each where spec
// has one.
func manyAlike(t testing.TB, n int, s spec.ImagePolicySpec) []*Policy {
	policies := make([]*Policy, n)
	for i := range policies {
		one := filtered(s, fmt.Sprintf(`^v([0-9]+\.[0-9]+\.[0-9]*%d)$`, i%4), "$1")
		if s.Policy.SemVer != nil {
			one.Policy = bySemVer(fmt.Sprintf(">=%d.%d.0", i%23, i%97)).Policy
		}
		policies[i] = mustNew(t, one)
	}
	return policies
}

// fastest returns the shortest processor time of several runs.
func fastest(t testing.TB, runs int, work func()) time.Duration {
	least := time.Hour
	for range runs {
		least = min(least, budget.ThreadTime(t, work))
	}
	return least
}

// crowds are 10,000 policies of one image, each of some kind.
func crowds(t testing.TB) map[string][]*Policy {
	const n = 10_000
	return map[string][]*Policy{
		"semver":                manyRanges(t, n),
		"semver-filtered":       manyAlike(t, n, bySemVer("*")),
		"alphabetical-filtered": manyAlike(t, n, byAlphabet("asc")),
		"alphabetical":          slices.Repeat([]*Policy{mustNew(t, byAlphabet("asc"))}, n),
	}
}

// selectAll selects for all policies from tags that none has seen.
func selectAll(t testing.TB, tags []string, policies []*Policy) {
	shared := NewTags(tags)
	for _, p := range policies {
		selectBest(t, p, shared)
	}
}

// TestManyPoliciesShareTheTags holds 10,000 policies of one image to the time
// of a hundred: what they share is done once.
func TestManyPoliciesShareTheTags(t *testing.T) {
	tags := versionsOf(10_000)
	for name, policies := range crowds(t) {
		one := fastest(t, 20, func() { selectAll(t, tags, policies[:1]) })
		all := fastest(t, 3, func() { selectAll(t, tags, policies) })
		t.Logf("%s: one policy %v, 10,000 policies %v: %.1f times", name, one, all, float64(all)/float64(one))
		if all > 100*one {
			t.Errorf("%s: 10,000 policies take %v, more than a hundred times the %v of one", name, all, one)
		}
	}
}

func BenchmarkManyPolicies(b *testing.B) {
	tags := versionsOf(10_000)
	for name, policies := range crowds(b) {
		b.Run(name, func(b *testing.B) {
			compareWith(b, len(tags), func() { selectAll(b, tags, policies[:1]) }, func() { selectAll(b, tags, policies) })
		})
	}
}

func BenchmarkNew(b *testing.B) {
	s := bySemVer(">=1.2.3 <2.0.0")
	compareWith(b, 1, func() { _, _ = semver.NewConstraint(s.Policy.SemVer.Range) }, func() { mustNew(b, s) })
}

// BenchmarkMatcher matches 100,000 tags of which every other one is a signature's.
func BenchmarkMatcher(b *testing.B) {
	tags := make([]string, 100_000)
	for i := range tags {
		tags[i] = fmt.Sprintf("v1.%d.%d", i/100, i%100)
		if i%2 == 0 {
			tags[i] = fmt.Sprintf("build-%040d.sig", i)
		}
	}
	for name, pattern := range map[string]string{"signatures": `^.*\.sig$`, "versions": `^v([0-9]+)\.[0-9]+\.[0-9]+$`} {
		b.Run(name, func(b *testing.B) {
			expression := regexp.MustCompile(pattern)
			m := pinsetter.NewMatcher(expression)
			var ours, theirs time.Duration
			for b.Loop() {
				started := time.Now()
				for _, tag := range tags {
					m.MatchString(tag)
				}
				ours += time.Since(started)
				started = time.Now()
				for _, tag := range tags {
					expression.MatchString(tag)
				}
				theirs += time.Since(started)
			}
			b.ReportMetric(float64(ours)/float64(b.N), "ns/op")
			b.ReportMetric(float64(ours)/float64(theirs), "x-regexp")
		})
	}
}
