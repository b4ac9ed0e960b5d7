package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// reserved is the reason why a name is never a candidate.
const reserved = "reserved: registries keep signatures and other referrers of an image under such names"

// Judge returns the verdict on a single tag: Eligible at StageOrder, or
// Rejected with the stage and a reason for people.
func (p *Policy) Judge(tag string) pinsetter.Verdict {
	if pinsetter.ReservedTag(tag) {
		return pinsetter.Verdict{Tag: tag, Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude, Reason: reserved}
	}
	value, stage := p.read(tag)
	switch stage {
	case "":
		return pinsetter.Verdict{Tag: tag, Value: value, Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder}
	case pinsetter.StageFilter:
		reason := fmt.Sprintf("does not match %s", p.filter.pattern)
		return pinsetter.Verdict{Tag: tag, Verdict: pinsetter.Rejected, Stage: stage, Reason: reason}
	}
	return pinsetter.Verdict{Tag: tag, Value: value, Verdict: pinsetter.Rejected, Stage: stage, Reason: p.kind.reason(value, stage)}
}

// Explain returns the verdict on every tag: first the selected one, then the
// eligible ones, best first, then the rejected ones, versions before other
// tags, in descending order. A tag with the same value as a smaller tag comes
// after that one and names it. If Rank fails, Explain returns its error,
// selects nothing, and sorts the eligible ones like the rejected ones.
func (p *Policy) Explain(t *Tags) ([]pinsetter.Verdict, error) {
	tags := slices.Compact(slices.Sorted(slices.Values(t.tags)))
	eligible := map[string][]pinsetter.Verdict{} // by value, smallest tag first
	var accepted, rejected []pinsetter.Verdict
	for _, tag := range tags {
		v := p.Judge(tag)
		if v.Verdict == pinsetter.Rejected {
			rejected = append(rejected, v)
			continue
		}
		accepted = append(accepted, v)
		eligible[v.Value] = append(eligible[v.Value], v)
	}
	slices.SortFunc(rejected, compareForPeople)
	ranking, err := p.Rank(t)
	if err != nil {
		slices.SortFunc(accepted, compareForPeople)
		return append(accepted, rejected...), err
	}
	verdicts := make([]pinsetter.Verdict, 0, len(tags))
	for c := range ranking.All() {
		for i, v := range eligible[c.Value] {
			if i > 0 {
				v.Reason = fmt.Sprintf("its value %q is also that of %s, which stands for it", c.Value, c.Tag)
			}
			verdicts = append(verdicts, v)
		}
	}
	if best, ok := ranking.Best(); ok {
		verdicts[0].Verdict, verdicts[0].Stage = pinsetter.Selected, ""
		for i := range verdicts[1:] {
			v := &verdicts[i+1]
			v.Reason = cmp.Or(v.Reason, "outranked by "+best.Tag)
		}
	}
	return append(verdicts, rejected...), nil
}

// compareForPeople sorts versions first, in descending order, then other tags,
// in descending order of bytes.
func compareForPeople(a, b pinsetter.Verdict) int {
	v, ok := parseVersion(a.Tag)
	w, also := parseVersion(b.Tag)
	switch {
	case ok && also:
		return cmp.Or(w.compare(v), strings.Compare(b.Tag, a.Tag))
	case ok:
		return -1
	case also:
		return 1
	}
	return strings.Compare(b.Tag, a.Tag)
}
