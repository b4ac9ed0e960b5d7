package policy

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// rankPlainly ranks tags as slowly and plainly as the rules are written down: sort
// everything, then drop what an earlier value repeats. The second result is
// false where a numerical policy fails.
func rankPlainly(s spec.ImagePolicySpec, tags []string) ([]pinsetter.Candidate, bool) {
	var candidates []pinsetter.Candidate
	for _, tag := range slices.Compact(slices.Sorted(slices.Values(tags))) {
		if value, ok := referenceValue(s.FilterTags, tag); ok {
			candidates = append(candidates, pinsetter.Candidate{Tag: tag, Value: value})
		}
	}
	accepts, compare := referenceOrder(s.Policy)
	kept := candidates[:0]
	for _, c := range candidates {
		accepted, fine := accepts(c.Value)
		if !fine {
			return nil, false
		}
		if accepted {
			kept = append(kept, c)
		}
	}
	slices.SortStableFunc(kept, func(a, b pinsetter.Candidate) int { return -compare(a.Value, b.Value) }) // equal ones stay by tag
	var distinct []pinsetter.Candidate
	seen := map[string]bool{}
	for _, c := range kept {
		if !seen[c.Value] {
			seen[c.Value] = true
			distinct = append(distinct, c)
		}
	}
	return distinct, true
}

func referenceValue(filter *spec.TagFilter, tag string) (string, bool) {
	if regexp.MustCompile(`^sha(256|512)-[0-9a-f]{64}(\..+)?$`).MatchString(tag) {
		return "", false
	}
	if filter == nil {
		return tag, true
	}
	pattern := regexp.MustCompile(filter.Pattern)
	match := pattern.FindStringSubmatchIndex(tag)
	if match == nil {
		return "", false
	}
	if filter.Extract == "" {
		return tag, true
	}
	return string(pattern.ExpandString(nil, filter.Extract, tag, match)), true
}

// referenceOrder returns whether a value is accepted and does not fail the
// policy, and the order of the accepted, the greater the better.
func referenceOrder(choice spec.ImagePolicyChoice) (accepts func(string) (bool, bool), compare func(a, b string) int) {
	ordered := func(order string, compare func(a, b string) int) func(a, b string) int {
		if order == spec.OrderDescending {
			return func(a, b string) int { return compare(b, a) }
		}
		return compare
	}
	switch {
	case choice.SemVer != nil:
		constraint, err := semver.NewConstraint(choice.SemVer.Range)
		if err != nil {
			panic(err)
		}
		accepts = func(value string) (bool, bool) {
			v := referenceVersion(value)
			return v != nil && constraint.Check(v), true
		}
		return accepts, func(a, b string) int {
			if c := referenceVersion(a).Compare(referenceVersion(b)); c != 0 {
				return c
			}
			return strings.Compare(a, b)
		}
	case choice.Alphabetical != nil:
		accepts = func(string) (bool, bool) { return true, true }
		return accepts, ordered(choice.Alphabetical.Order, strings.Compare)
	}
	accepts = func(value string) (bool, bool) {
		_, err := strconv.ParseFloat(value, 64)
		number := err == nil && plainDecimal.MatchString(value)
		return number, number || !strings.ContainsAny(value, "0123456789")
	}
	return accepts, ordered(choice.Numerical.Order, func(a, b string) int { return referenceNumber(a).Cmp(referenceNumber(b)) })
}

func referenceNumber(s string) *big.Rat {
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	if strings.Trim(mantissa, "+-0._") == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(strings.ReplaceAll(s, "_", "")) // big.Rat takes them behind a base alone
	if !ok {
		panic("math/big does not read " + s)
	}
	return r
}
