// Package policy ranks the tags of an image by an ImagePolicy: by SemVer
// precedence within a range, by bytes, or as numbers, after a filter that may
// extract the value to order by. It is pure. Policies mean what they mean to
// Flux; the README lists the differences.
//
// Candidates come best first, one at a time. The first one needs no sorting,
// and work that an image's policies share is done once (Tags).
//
// It is the only door to Masterminds/semver.
package policy

import "github.com/pinsetter/pinsetter"

// Policy is a compiled ImagePolicy. It is safe for concurrent use.
type Policy struct {
	filter *filter // nil: every tag is its own value
	kind   kind
}

// kind is the part in which semver, alphabetical and numerical policies differ.
// Values are those that the filter extracted, or the tags themselves.
type kind interface {
	// stage returns the stage that drops a value, or "" if none does.
	stage(value string) pinsetter.Stage
	// reason tells people why a stage dropped a value.
	reason(value string, stage pinsetter.Stage) string
	// above reports whether a is ordered strictly higher than b. Stage must
	// accept both.
	above(a, b string) bool
	// rank ranks the tags of t that f keeps.
	rank(f *filter, t *Tags) (*Ranking, error)
}

// Rank orders the tags that the policy accepts. A numerical policy returns an
// error if a tag has digits and isn't a number; the error names the tag.
func (p *Policy) Rank(t *Tags) (*Ranking, error) { return p.kind.rank(p.filter, t) }

// Above reports whether the policy ranks a strictly higher than b by value. It
// is false if the values are equal, such as those of v1.0.0 and 1.0.0, or if
// the policy doesn't accept both.
func (p *Policy) Above(a, b string) bool {
	x, stage := p.read(a)
	y, also := p.read(b)
	return stage == "" && also == "" && p.kind.above(x, y)
}

// read returns the value of a tag, and the stage that drops it, or "".
func (p *Policy) read(tag string) (string, pinsetter.Stage) {
	value, ok := p.filter.value(tag)
	if !ok {
		return "", pinsetter.StageFilter
	}
	return value, p.kind.stage(value)
}
