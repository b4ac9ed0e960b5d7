package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
)

// Climb is what the ladder is asked.
type Climb struct {
	Tag     string
	Listed  []string  // every tag of the image
	Chart   bool      // Helm reads the tag: what follows "_" is build metadata
	Step    spec.Bump // the largest step that is proposed
	Moving  bool      // the digest of a tag that moves may be followed
	Allowed string    // a range of Renovate's; "": none
}

// Rung is a policy that fits a tag.
type Rung struct {
	Policy spec.ImagePolicyChoice
	Filter *spec.TagFilter
	Range  string // for people: of versions, or the form of tags
	Suffix string // what makes it another policy than the image's own: "alpine", "latest"
	Moves  bool   // it follows the digest of one tag
	Best   string // of the listed tags

	wide spec.ImagePolicyChoice // the same without the range
	like *regexp.Regexp         // the tags that are written as the present one; nil: the filter says so
}

// enough tags make a rung: fewer may be chance.
const enough = 3

// Climb returns the first rung that holds: the present tag is one of its
// candidates, its best isn't lower and is written alike, and at least three tags
// fit, whatever the range. Without one it returns why not.
func (c Climb) Climb() (Rung, string) {
	if !slices.Contains(c.Listed, c.Tag) {
		return Rung{}, fmt.Sprintf("the registry doesn't list the tag %s", c.Tag)
	}
	tags := policy.NewTags(c.Listed)
	why := ""
	for _, rung := range c.rungs() {
		best, reason := rung.holds(c.Tag, tags)
		if reason == "" {
			rung.Best, rung.Moves = best, c.moves()
			return rung, ""
		}
		if why == "" {
			why = reason
		}
	}
	if c.Moving {
		return moving(c.Tag), ""
	}
	return Rung{}, c.reason(why)
}

// reason says why no rung holds.
func (c Climb) reason(why string) string {
	switch {
	case c.moves():
		return fmt.Sprintf("the tag %s moves: write a version, or follow its digest (--pin)", c.Tag)
	case why == "":
		return fmt.Sprintf("the tag %s has no order: write a version", c.Tag)
	}
	return why
}

// wordsThatMove are tags that publishers move.
var wordsThatMove = []string{"latest", "stable", "main", "master", "edge", "nightly", "dev", "develop", "release", "lts", "beta", "alpha", "canary", "rolling", "unstable", "testing", "mainline", "snapshot"}

// moves reports whether the tag is a word that publishers move, or the start of
// a longer version in the list, such as 1.25 beside 1.25.3.
func (c Climb) moves() bool {
	for _, word := range wordsThatMove {
		rest, ok := strings.CutPrefix(c.Tag, word)
		if ok && (rest == "" || rest[0] == '-' && !strings.ContainsAny(rest, "0123456789")) {
			return true
		}
	}
	m := shape().FindStringSubmatch(c.Tag)
	if m == nil || m[4] != "" {
		return false
	}
	start := strings.TrimSuffix(c.Tag, m[6]) + "."
	return slices.ContainsFunc(c.Listed, func(tag string) bool {
		rest, ok := strings.CutPrefix(tag, start)
		return ok && rest != "" && '0' <= rest[0] && rest[0] <= '9' && strings.HasSuffix(tag, m[6])
	})
}

// moving is the last rung: the digest of one tag.
func moving(tag string) Rung {
	return Rung{
		Policy: spec.ImagePolicyChoice{Alphabetical: &spec.AlphabeticalPolicy{Order: spec.OrderAscending}},
		Filter: &spec.TagFilter{Pattern: "^" + regexp.QuoteMeta(tag) + "$"},
		Range:  tag + " (its digest)", Suffix: tag, Moves: true, Best: tag,
	}
}

// holds returns the best tag of the rung, or why it doesn't hold.
func (r Rung) holds(tag string, tags *policy.Tags) (best, why string) {
	rules, err := policy.New(spec.ImagePolicySpec{Policy: r.Policy, FilterTags: r.Filter})
	if err != nil {
		return "", err.Error()
	}
	wide, err := policy.New(spec.ImagePolicySpec{Policy: r.wide, FilterTags: r.Filter})
	if err != nil {
		return "", err.Error()
	}
	if v := rules.Judge(tag); v.Verdict == pinsetter.Rejected {
		return "", fmt.Sprintf("the tag %s is outside of %s", tag, r.Range)
	}
	family, err := wide.Rank(tags)
	if err != nil {
		return "", err.Error()
	}
	n := 0
	for candidate := range family.All() {
		if r.like == nil || r.like.MatchString(candidate.Tag) {
			n++
		}
		if n == enough {
			break
		}
	}
	if n < enough {
		return "", fmt.Sprintf("only %s of the registry's %s written like %s, and %d must be", pinsetter.Count(n, "tag"), map[bool]string{true: "is", false: "are"}[n == 1], tag, enough)
	}
	ranking, err := rules.Rank(tags)
	if err != nil {
		return "", err.Error()
	}
	top, ok := ranking.Best()
	switch {
	case !ok:
		return "", "nothing is listed in " + r.Range
	case rules.Above(tag, top.Tag):
		return "", fmt.Sprintf("the registry's best tag in %s is %s, which is lower", r.Range, top.Tag)
	case r.like != nil && !r.like.MatchString(top.Tag):
		return "", fmt.Sprintf("%s is written unlike %s", top.Tag, tag)
	}
	if ranked := slices.Collect(oneWith(ranking, tag)); len(ranked) == 0 {
		return "", fmt.Sprintf("another tag has the same place as %s", tag)
	}
	return top.Tag, ""
}

// oneWith yields the candidate whose tag this is, if it is one.
func oneWith(r *policy.Ranking, tag string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for candidate := range r.All() {
			if candidate.Tag == tag {
				yield(tag)
				return
			}
		}
	}
}
