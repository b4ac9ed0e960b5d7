package policy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

func TestReasons(t *testing.T) {
	extracted := filtered(bySemVer(">=1.0.0 <2.0.0"), `^v(?P<v>.*)$`, "$v")
	for _, test := range []struct {
		spec  spec.ImagePolicySpec
		tag   string
		stage pinsetter.Stage
		want  string
	}{
		{bySemVer("*"), "1.25", "parse", `"1.25" has two parts; SemVer tags need three (1.25.0): filterTags can make them, as with pattern ^([0-9]+\.[0-9]+)$ and extract $1.0`},
		{bySemVer("*"), "6-alpine", "parse", `"6-alpine" has one part; SemVer tags need three (6.0.0): filterTags can make them, as with pattern ^([0-9]+)-alpine$ and extract $1.0.0`},
		{bySemVer("*"), "1.2.3.4", "parse", `"1.2.3.4" has 4 parts; SemVer tags need three: filterTags can extract them`},
		{bySemVer("*"), "V1.2.3", "parse", `"V1.2.3" begins with V; SemVer tags begin with v or a number`},
		{bySemVer("*"), "latest", "parse", `"latest" is not a SemVer version`},
		{bySemVer("*"), "1.2.3-a_b_c", "parse", `"1.2.3-a_b_c" is not a SemVer version`},
		{bySemVer(">=1.0.0 <2.0.0"), "2.0.0", "range", "outside >=1.0.0 <2.0.0"},
		{bySemVer(">=1.0.0 <2.0.0"), "0.1.0-rc.1", "range", "outside >=1.0.0 <2.0.0"},
		{bySemVer(">=1.0.0 <2.0.0"), "1.5.0-rc.1", "range", "prerelease: >=1.0.0 <2.0.0 lets none in; a bound with a prerelease, such as >=1.5.0-0, does"},
		{extracted, "1.0.0", "filter", "does not match ^v(?P<v>.*)$"},
		{extracted, "v2.0", "parse", `"2.0" has two parts; SemVer tags need three (2.0.0): filterTags can make them, as with pattern ^([0-9]+\.[0-9]+)$ and extract $1.0`},
		{byNumber("asc"), "latest", "parse", `"latest" has no digit and is left out`},
		{byNumber("asc"), "1e309", "parse", `"1e309" is beyond what Flux takes for a number, some 1.8e308; add filterTags with a pattern that only the numeric tags match, and extract the number`},
		{byNumber("asc"), "1.2.3", "parse", `"1.2.3" is no number; add filterTags with a pattern that only the numeric tags match, and extract the number`},
		{byNumber("asc"), "12", "order", ""},
	} {
		got := mustNew(t, test.spec).Judge(test.tag)
		if got.Stage != test.stage || got.Reason != test.want {
			t.Errorf("%s: stage %s, reason\n%s\nwant stage %s,\n%s", test.tag, got.Stage, got.Reason, test.stage, test.want)
		}
	}
}

// TestAdviceWorks: the filter that a reason names makes the tag a candidate, in the
// order of its numbers, which a numerical or alphabetical policy doesn't know.
func TestAdviceWorks(t *testing.T) {
	advice := regexp.MustCompile(`as with pattern (\S+) and extract (\S+)$`)
	for tag, lower := range map[string]string{
		"6.10": "6.9", "6": "5", "v6.10": "v6.9", "v6": "v5", "6.10-alpine": "6.9-alpine", "6-alpine": "5-alpine", "6.10-alpine3.19": "6.9-alpine3.19",
		"10_x": "9_x", "6.10-a.b": "6.9-a.b", "6.10-": "6.9-", "2024.10": "2024.9",
	} {
		reason := mustNew(t, bySemVer("*")).Judge(tag).Reason
		match := advice.FindStringSubmatch(reason)
		if match == nil {
			if strings.Count(tag, ".") < 2 {
				t.Errorf("%s: %s", tag, reason)
			}
			continue
		}
		p := mustNew(t, filtered(bySemVer("*"), match[1], match[2]))
		ranking, err := p.Rank(NewTags([]string{lower, tag, "latest"}))
		if err != nil {
			t.Fatal(err)
		}
		if best, _ := ranking.Best(); best.Tag != tag {
			t.Errorf("%s: by %s, %q is best", tag, reason, best.Tag)
		}
	}
}

func TestExplainAccountsForEveryTag(t *testing.T) {
	p := mustNew(t, filtered(bySemVer("<3"), `^(?:rel-)?(v.*?)(?:-[a-z])?$`, "$1"))
	tags := NewTags([]string{"v1.0.0-b", "main", "v1.0.0-a", "v3.1.0", "v2.0.0", "v3.0.0", "rel-v9", "v1.0.0-a"})
	got, err := p.Explain(tags)
	if err != nil {
		t.Fatal(err)
	}
	want := []pinsetter.Verdict{
		{Tag: "v2.0.0", Value: "v2.0.0", Verdict: pinsetter.Selected},
		{Tag: "v1.0.0-a", Value: "v1.0.0", Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder, Reason: "outranked by v2.0.0"},
		{Tag: "v1.0.0-b", Value: "v1.0.0", Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder, Reason: `its value "v1.0.0" is also that of v1.0.0-a, which stands for it`},
		{Tag: "v3.1.0", Value: "v3.1.0", Verdict: pinsetter.Rejected, Stage: pinsetter.StageRange, Reason: "outside <3"},
		{Tag: "v3.0.0", Value: "v3.0.0", Verdict: pinsetter.Rejected, Stage: pinsetter.StageRange, Reason: "outside <3"},
		{Tag: "rel-v9", Value: "v9", Verdict: pinsetter.Rejected, Stage: pinsetter.StageParse,
			Reason: `"v9" has one part; SemVer tags need three (9.0.0): filterTags can make them, as with pattern ^v([0-9]+)$ and extract $1.0.0`},
		{Tag: "main", Verdict: pinsetter.Rejected, Stage: pinsetter.StageFilter, Reason: `does not match ^(?:rel-)?(v.*?)(?:-[a-z])?$`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
