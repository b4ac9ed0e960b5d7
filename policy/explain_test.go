package policy

import (
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
		{bySemVer("*"), "1.25", "parse", `"1.25" has two parts; SemVer tags need three (1.25.0); filterTags can extract three, and a numerical or alphabetical policy needs none`},
		{bySemVer("*"), "6-alpine", "parse", `"6-alpine" has one part; SemVer tags need three (6.0.0); filterTags can extract three, and a numerical or alphabetical policy needs none`},
		{bySemVer("*"), "1.2.3.4", "parse", `"1.2.3.4" has 4 parts; SemVer tags need three; filterTags can extract three, and a numerical or alphabetical policy needs none`},
		{bySemVer("*"), "V1.2.3", "parse", `"V1.2.3" begins with V; SemVer tags begin with v or a number`},
		{bySemVer("*"), "latest", "parse", `"latest" is not a SemVer version`},
		{bySemVer("*"), "1.2.3-a_b_c", "parse", `"1.2.3-a_b_c" is not a SemVer version`},
		{bySemVer(">=1.0.0 <2.0.0"), "2.0.0", "range", "outside >=1.0.0 <2.0.0"},
		{bySemVer(">=1.0.0 <2.0.0"), "0.1.0-rc.1", "range", "outside >=1.0.0 <2.0.0"},
		{bySemVer(">=1.0.0 <2.0.0"), "1.5.0-rc.1", "range", "prerelease: >=1.0.0 <2.0.0 lets none in; a bound with a prerelease, such as >=1.5.0-0, does"},
		{extracted, "1.0.0", "filter", "does not match ^v(?P<v>.*)$"},
		{extracted, "v2.0", "parse", `"2.0" has two parts; SemVer tags need three (2.0.0); filterTags can extract three, and a numerical or alphabetical policy needs none`},
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
			Reason: `"v9" has one part; SemVer tags need three (9.0.0); filterTags can extract three, and a numerical or alphabetical policy needs none`},
		{Tag: "main", Verdict: pinsetter.Rejected, Stage: pinsetter.StageFilter, Reason: `does not match ^(?:rel-)?(v.*?)(?:-[a-z])?$`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
