package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

func bySemVer(text string) spec.ImagePolicySpec {
	return spec.ImagePolicySpec{Policy: spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: text}}}
}

func byAlphabet(order string) spec.ImagePolicySpec {
	return spec.ImagePolicySpec{Policy: spec.ImagePolicyChoice{Alphabetical: &spec.AlphabeticalPolicy{Order: order}}}
}

func byNumber(order string) spec.ImagePolicySpec {
	return spec.ImagePolicySpec{Policy: spec.ImagePolicyChoice{Numerical: &spec.NumericalPolicy{Order: order}}}
}

func filtered(s spec.ImagePolicySpec, pattern, extract string) spec.ImagePolicySpec {
	s.FilterTags = &spec.TagFilter{Pattern: pattern, Extract: extract}
	return s
}

func mustNew(t testing.TB, s spec.ImagePolicySpec) *Policy {
	t.Helper()
	p, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ranked returns all candidates' tags, best first.
func ranked(t testing.TB, p *Policy, tags *Tags) []string {
	t.Helper()
	ranking, err := p.Rank(tags)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for c := range ranking.All() {
		got = append(got, c.Tag)
	}
	return got
}

func TestRank(t *testing.T) {
	const ts = `^main-(?P<sha>[a-f0-9]+)-(?P<ts>[0-9]+)$`
	for name, test := range map[string]struct {
		spec spec.ImagePolicySpec
		tags string
		want string
	}{
		"versions":                     {bySemVer(">=1.0.0"), "1.0.0 1.10.0 1.9.0 0.9.0 latest", "1.10.0 1.9.0 1.0.0"},
		"two parts never count":        {bySemVer("*"), "1.25 1.24.0 6-alpine 1 v1.26", "1.24.0"},
		"four parts and V":             {bySemVer("*"), "1.2.3.4 V1.0.0 0.1.0", "0.1.0"},
		"leading zeros":                {bySemVer("*"), "01.02.03 1.2.2", "01.02.03 1.2.2"},
		"dots in the prerelease":       {bySemVer(">=9-0"), "9.9-rc.1 9.8.0", "9.9-rc.1 9.8.0"},
		"spelling is kept":             {bySemVer("1.x"), "v1.2.3 1.2.2", "v1.2.3 1.2.2"},
		"prerelease, not asked for":    {bySemVer(">=1.0.0"), "1.0.0 1.1.0-rc.1", "1.0.0"},
		"prerelease, whole group":      {bySemVer(">=1.0.0-0 <2.0.0"), "1.0.0 2.0.0-rc.1 2.0.0", "2.0.0-rc.1 1.0.0"},
		"prerelease, caret":            {bySemVer("^1.x-0"), "1.0.0 2.0.0-rc.1 1.1.0-a", "1.1.0-a 1.0.0"},
		"prerelease, below":            {bySemVer(">1.0.0-rc <2.0.0-rc"), "1.0.0 2.0.0-alpha 2.0.0-rc", "2.0.0-alpha 1.0.0"},
		"prerelease, other group":      {bySemVer("~1 || >=3.0.0-0"), "1.1.0-rc.1 1.0.5 3.0.0-rc.1", "3.0.0-rc.1 1.0.5"},
		"prerelease fields":            {bySemVer(">=1.0.0-0"), "1.0.0-rc.10 1.0.0-rc.2 1.0.0-rc10 1.0.0-rc2", "1.0.0-rc2 1.0.0-rc10 1.0.0-rc.10 1.0.0-rc.2"},
		"ties by greater spelling":     {bySemVer("*"), "1.0.0 v1.0.0 1.0.0_a 1.0.0_b", "v1.0.0 1.0.0_b 1.0.0_a 1.0.0"},
		"charts":                       {bySemVer("*"), "1.0.0_b1 1.1.0_b_c 1.0.1-rc_1.2", "1.0.0_b1"},
		"exceptions":                   {bySemVer(">=1.0.0 !=1.1.0 !=1.2.x"), "1.0.0 1.1.0 1.1.1 1.2.5", "1.1.1 1.0.0"},
		"ties under a filter":          {filtered(bySemVer("*"), `^[a-z]-(.*)$`, "$1"), "a-1.0.0 b-v1.0.0 c-1.0.0", "b-v1.0.0 a-1.0.0"},
		"equal extracted values":       {filtered(bySemVer("*"), `^(v.*)-[a-z]$`, "$1"), "v1.0.0-b v1.0.0-a v1.1.0-c", "v1.1.0-c v1.0.0-a"},
		"two parts made three":         {filtered(bySemVer("*"), `^([0-9]+\.[0-9]+)$`, "${1}.0"), "1.25 1.9 1.25.1", "1.25 1.9"},
		"filter without extract":       {filtered(bySemVer("*"), "alpine", ""), "1.0.0-alpine 1.0.0 1.1.0", ""},
		"filter is a search":           {filtered(bySemVer(">0-0"), "alp", ""), "1.0.0-alpine 1.0.0 1.1.0", "1.0.0-alpine"},
		"last":                         {byAlphabet(""), "1.0.9 1.0.63 a Z", "a Z 1.0.9 1.0.63"},
		"first":                        {byAlphabet("desc"), "1.0.9 1.0.63 a Z", "1.0.63 1.0.9 Z a"},
		"last, extracted":              {filtered(byAlphabet("asc"), `^x-(.*)$`, "$1"), "x-b x-a y-z x-", "x-b x-a x-"},
		"extracted nothing":            {filtered(byAlphabet("asc"), `^x-(.)?`, "$1"), "x-b x-", "x-b x-"},
		"greatest":                     {byNumber(""), "9 10 2.5 latest 1e1", "10 1e1 9 2.5"},
		"smallest":                     {byNumber("desc"), "9 10 2.5 latest 1e1", "2.5 9 10 1e1"},
		"above 2^53":                   {byNumber("asc"), "20240101120000123 20240101120000124 20240101120000122", "20240101120000124 20240101120000123 20240101120000122"},
		"equal numbers, smallest tag":  {byNumber("desc"), "01 1 1.0 001", "001 01 1 1.0"},
		"time stamps":                  {filtered(byNumber("asc"), ts, "$ts"), "main-abc-100 main-def-99 main-0-100 other-1", "main-0-100 main-def-99"},
		"equal values among equal":     {filtered(byNumber("asc"), `^[a-z]-(.*)$`, "$1"), "c-1 b-01 a-1 d-01 e-1", "a-1 b-01"},
		"numbers extracted to nothing": {filtered(byNumber("asc"), `^v([0-9]*)`, "$1"), "v v1", "v1"},
		"underscores between digits":   {byNumber("asc"), "20240601_1230 20240602_0900 202406011231 latest", "20240602_0900 202406011231 20240601_1230"},
		"nothing":                      {byNumber("asc"), "latest main", ""},
		"no tags":                      {bySemVer("*"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, tags := mustNew(t, test.spec), strings.Fields(test.tags)
			got := ranked(t, p, NewTags(tags))
			if diff := cmp.Diff(strings.Fields(test.want), got, cmp.Comparer(slices.Equal[[]string])); diff != "" {
				t.Error(diff)
			}
			candidates, _ := rankPlainly(test.spec, tags)
			checkRank(t, p, tags, candidates)
		})
	}
}

// checkRank checks everything that a policy says about tags against the
// candidates that are right.
func checkRank(t *testing.T, p *Policy, tags []string, want []pinsetter.Candidate) {
	t.Helper()
	shared := NewTags(tags)
	shuffled := append(slices.Clone(tags), tags...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	parsed, sorted := NewTags(shuffled), NewTags(shuffled)
	parsed.use(p.filter)
	for range 1000 {
		sorted.use(p.filter)
	}
	for name, given := range map[string]*Tags{"in order": shared, "shuffled and twice": NewTags(shuffled), "parsed": parsed, "sorted": sorted} {
		ranking, err := p.Rank(given)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Collect(ranking.All())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", name, diff)
		}
		best, ok := ranking.Best()
		if ok != (len(want) > 0) || ok && best != want[0] {
			t.Fatalf("%s: best is %v, %t", name, best, ok)
		}
	}
	for i := 1; i < len(want); i++ {
		if p.Above(want[i].Tag, want[i-1].Tag) {
			t.Fatalf("%v is above %v", want[i], want[i-1])
		}
	}
	checkExplain(t, p, shared, tags, want)
}

// checkExplain checks that every tag has one verdict, that the candidates come
// first and in order, and that Judge agrees.
func checkExplain(t *testing.T, p *Policy, shared *Tags, tags []string, want []pinsetter.Candidate) {
	t.Helper()
	verdicts, err := p.Explain(shared)
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	var candidates []pinsetter.Candidate
	rejected := false
	for i, v := range verdicts {
		explained = append(explained, v.Tag)
		alone := p.Judge(v.Tag)
		if alone.Value != v.Value || (alone.Verdict == pinsetter.Rejected) != (v.Verdict == pinsetter.Rejected) {
			t.Fatalf("Judge says %+v, Explain %+v", alone, v)
		}
		if (v.Verdict == pinsetter.Selected) != (i == 0 && len(want) > 0) || (v.Stage == "") != (v.Verdict == pinsetter.Selected) || (v.Reason == "") != (v.Verdict == pinsetter.Selected) {
			t.Fatalf("verdict %d is %+v", i, v)
		}
		if rejected && v.Verdict != pinsetter.Rejected {
			t.Fatalf("%+v comes after a rejected tag", v)
		}
		rejected = v.Verdict == pinsetter.Rejected
		if !rejected && !slices.ContainsFunc(candidates, func(c pinsetter.Candidate) bool { return c.Value == v.Value }) {
			candidates = append(candidates, pinsetter.Candidate{Tag: v.Tag, Value: v.Value})
		}
	}
	if diff := cmp.Diff(want, candidates); diff != "" {
		t.Fatalf("Explain: %s", diff)
	}
	slices.Sort(explained)
	if all := slices.Compact(slices.Sorted(slices.Values(tags))); !slices.Equal(all, explained) {
		t.Fatalf("explained %q, want each of %q once", explained, all)
	}
}

func TestBadNumbers(t *testing.T) {
	for _, bad := range []string{"1.2.3", "v1", "0x1p4", "1__000", "1_", "_1", "1e999999999", "1-2"} {
		p := mustNew(t, byNumber("asc"))
		tags := NewTags([]string{"2", bad, "latest", "zz9"})
		_, err := p.Rank(tags)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("tag %q", min(bad, "zz9"))) || !strings.Contains(err.Error(), "filterTags") {
			t.Errorf("%q: %v", bad, err)
		}
		verdicts, explained := p.Explain(tags)
		if explained == nil || explained.Error() != err.Error() || len(verdicts) != 4 || verdicts[0].Verdict != pinsetter.Eligible {
			t.Errorf("%q: explained %+v, %v", bad, verdicts, explained)
		}
	}
}

func TestAbove(t *testing.T) {
	for _, test := range []struct {
		spec spec.ImagePolicySpec
		a, b string
		want bool
	}{
		{bySemVer("*"), "1.10.0", "1.9.0", true},
		{bySemVer("*"), "1.9.0", "1.10.0", false},
		{bySemVer("*"), "v1.0.0", "1.0.0", false},
		{bySemVer("*"), "1.0.0", "v1.0.0", false},
		{bySemVer("<2"), "3.0.0", "1.0.0", false},
		{bySemVer("*"), "1.0.0", "latest", false},
		{byNumber("asc"), "10", "9", true},
		{byNumber("asc"), "1.0", "1", false},
		{byNumber("desc"), "9", "10", true},
		{byAlphabet("asc"), "b", "a", true},
		{byAlphabet("desc"), "a", "b", true},
		{filtered(byAlphabet("asc"), "-(.)$", "$1"), "a-b", "b-a", true},
		{filtered(byAlphabet("asc"), "-(.)$", "$1"), "b-a", "a-a", false},
	} {
		if got := mustNew(t, test.spec).Above(test.a, test.b); got != test.want {
			t.Errorf("%+v: Above(%q, %q) = %t", test.spec.Policy, test.a, test.b, got)
		}
	}
}

func TestTagsAreSharedConcurrently(t *testing.T) {
	for name, s := range map[string]spec.ImagePolicySpec{
		"semver":          bySemVer("<9"),
		"semver-filtered": filtered(bySemVer("*"), `^v(1.*)$`, "$1"),
		"alphabetical":    byAlphabet("desc"),
		"numerical":       filtered(byNumber("asc"), `^v([0-9]+)`, "$1"),
	} {
		t.Run(name, func(t *testing.T) {
			tags := NewTags(versionsOf(500))
			want := ranked(t, mustNew(t, s), NewTags(versionsOf(500)))
			var all sync.WaitGroup
			for range 40 {
				all.Go(func() {
					if got := ranked(t, mustNew(t, s), tags); !slices.Equal(got, want) {
						t.Errorf("got %d candidates, want %d", len(got), len(want))
					}
				})
			}
			all.Wait()
		})
	}
}

// Policies with one filter share what it gives, and no others.
func TestPoliciesOfOneImageDoNotMix(t *testing.T) {
	tags := strings.Fields("a-1.0.0 a-2.0.0 b-3.0.0 b-30.0.0 c-4")
	shared := NewTags(tags)
	for range 20 {
		for i, s := range []spec.ImagePolicySpec{
			filtered(bySemVer("*"), `^a-(.*)$`, "$1"),
			filtered(bySemVer("*"), `^b-(.*)$`, "$1"),
			filtered(bySemVer("<10"), `^b-(.*)$`, "$1"),
			filtered(bySemVer("*"), `^b-(.)(.*)$`, "${1}5$2"),
			filtered(byAlphabet("asc"), `^(.).*$`, "$1"),
			filtered(byAlphabet("desc"), `^(.).*$`, "$1"),
			filtered(byNumber("asc"), `-([0-9]+)`, "$1"),
			filtered(byNumber("desc"), `-([0-9]+)`, "$1"),
			byAlphabet("asc"),
			byAlphabet("desc"),
			bySemVer("*"),
		} {
			want, _ := rankPlainly(s, tags)
			ranking, err := mustNew(t, s).Rank(shared)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, slices.Collect(ranking.All())); diff != "" {
				t.Fatalf("policy %d (-want +got):\n%s", i, diff)
			}
		}
	}
}

// However many filters there are, what is kept of their versions is bounded.
func TestTagsKeepAFewFilters(t *testing.T) {
	tags := NewTags(versionsOf(100))
	for range 5 {
		for i := range 100 {
			p := mustNew(t, filtered(bySemVer("*"), fmt.Sprintf(`^v(%d.*)$`, i), "$1"))
			if _, err := p.Rank(tags); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := 0
	for _, v := range tags.versions {
		if v.kept {
			kept++
		}
	}
	if kept != mostKept {
		t.Errorf("the versions of %d filters are kept; want %d", kept, mostKept)
	}
}
