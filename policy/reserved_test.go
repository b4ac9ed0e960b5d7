package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
)

var (
	reservedName  = "sha256-" + strings.Repeat("12", 32)
	reservedNames = []string{reservedName, reservedName + ".sig", reservedName + ".1.2.3", strings.Replace(reservedName, "256", "512", 1)}
)

// Among whatever tags, for whatever policy, reserved names change nothing: none is
// ranked, and none is a number that fails a policy.
func TestReservedNamesAreNoCandidates(t *testing.T) {
	specs := append(slices.Clone(fuzzSpecs), filtered(byAlphabet("asc"), `^sha256-([0-9]+)`, "$1"), filtered(bySemVer("*"), `([0-9.]+)$`, "$1"))
	pool := append(strings.Fields("1 2 10 latest main-1a nightly.sig sha256-12 sha256 1.0.0 1.2.3_4"), versionSeeds...)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var tags []string
		for range random.IntN(8) {
			tags = append(tags, pool[random.IntN(len(pool))])
		}
		all := append(slices.Clone(tags), reservedNames...)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, spec := range specs {
			p := mustNew(t, spec)
			want, wantErr := candidatesOf(p, tags)
			got, err := candidatesOf(p, all)
			if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (wantErr == nil) {
				t.Fatalf("%+v with %q: %v, without reserved names %v; %s", spec, all, err, wantErr, diff)
			}
		}
	}
}

func candidatesOf(p *Policy, tags []string) ([]pinsetter.Candidate, error) {
	ranking, err := p.Rank(NewTags(tags))
	if err != nil {
		return nil, err
	}
	return slices.Collect(ranking.All()), nil
}

func TestReservedNamesAreExplained(t *testing.T) {
	for _, spec := range fuzzSpecs {
		p := mustNew(t, spec)
		for _, name := range reservedNames {
			want := pinsetter.Verdict{Tag: name, Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude, Reason: reserved}
			if diff := cmp.Diff(want, p.Judge(name)); diff != "" {
				t.Error(diff)
			}
		}
	}
}
