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
	tags := descending(t.tags)
	verdicts := make([]pinsetter.Verdict, 0, len(tags))
	ranking, err := p.Rank(t)
	if err == nil {
		verdicts = p.eligible(verdicts, ranking, tags)
	}
	ranked := len(verdicts)
	for _, tag := range tags {
		if v := p.Judge(tag); v.Verdict == pinsetter.Rejected || err != nil {
			verdicts = append(verdicts, v)
		}
	}
	slices.SortFunc(verdicts[ranked:], func(a, b pinsetter.Verdict) int {
		if a.Verdict != b.Verdict { // Rank fails, and eligible ones come first
			return strings.Compare(string(a.Verdict), string(b.Verdict))
		}
		return compareForPeople(a, b)
	})
	return verdicts, err
}

// descending returns tags once each, in descending order: themselves if they are in it,
// as those of a listing.
func descending(tags []string) []string {
	for i := range tags {
		if i > 0 && tags[i-1] <= tags[i] {
			tags = slices.Clone(tags)
			slices.SortFunc(tags, func(a, b string) int { return strings.Compare(b, a) })
			return slices.Compact(tags)
		}
	}
	return tags
}

// eligible appends the verdicts on the tags that the ranking has or stands for, which
// are among tags, in descending order.
func (p *Policy) eligible(verdicts []pinsetter.Verdict, ranking *Ranking, tags []string) []pinsetter.Verdict {
	var others map[string][]string // the tags with a value, smallest first
	if p.filter != nil {           // else each is its own
		others = map[string][]string{}
		for _, tag := range slices.Backward(tags) {
			if value, stage := p.read(tag); stage == "" && !pinsetter.ReservedTag(tag) {
				others[value] = append(others[value], tag)
			}
		}
	}
	best, _ := ranking.Best()
	outranked := "outranked by " + best.Tag
	for c := range ranking.All() {
		v := pinsetter.Verdict{Tag: c.Tag, Value: c.Value, Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder, Reason: outranked}
		if len(verdicts) == 0 {
			v.Verdict, v.Stage, v.Reason = pinsetter.Selected, "", ""
		}
		verdicts = append(verdicts, v)
		for _, tag := range others[c.Value] {
			if tag != c.Tag {
				v := pinsetter.Verdict{Tag: tag, Value: c.Value, Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder}
				v.Reason = fmt.Sprintf("its value %q is also that of %s, which stands for it", c.Value, c.Tag)
				verdicts = append(verdicts, v)
			}
		}
	}
	return verdicts
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
