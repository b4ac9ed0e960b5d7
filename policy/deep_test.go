package policy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
)

// TestRankingOfManyTags: a ranking has all candidates once and in order, however many
// there are, whether versions are stored or there is no memory for that.
func TestRankingOfManyTags(t *testing.T) {
	const n = mostSorted + 2*mostRanked + 17
	tags, want := make([]string, 0, n+3), make([]string, 0, n)
	for i := range n {
		tags = append(tags, fmt.Sprintf("1.%d.0", i*7919%n)) // 7919 is prime: each comes once
		want = append(want, fmt.Sprintf("1.%d.0", n-1-i))
	}
	tags = append(tags, "1.5.0", "latest", want[0])
	p := mustNew(t, bySemVer("1.x"))
	for name, spare := range map[string]func(int64) bool{
		"stored": nil, "parsed": func(bytes int64) bool { return bytes < 2*72*n }, "nothing": func(int64) bool { return false },
	} {
		shared := NewTags(tags)
		shared.Spare = spare
		for range 20 { // the later ones sort, if they may
			if _, err := p.Rank(shared); err != nil {
				t.Fatal(err)
			}
		}
		ranking, err := p.Rank(shared)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time some are remembered
			var got []string
			for c := range ranking.All() {
				got = append(got, c.Tag)
			}
			if !slices.Equal(want, got) {
				t.Fatalf("%s: %d candidates:\n%s", name, len(got), cmp.Diff(want[:10], got[:10]))
			}
		}
	}
	verdicts, err := p.Explain(NewTags(tags))
	if err != nil || len(verdicts) != n+1 || verdicts[0].Verdict != pinsetter.Selected || verdicts[n].Tag != "latest" {
		t.Errorf("%d verdicts, %v", len(verdicts), err)
	}
}
