// Package policy ranks the tags of an image by an ImagePolicy: by SemVer
// precedence within a range, by bytes, or as numbers, after a filter that may
// extract what is ordered. It is pure, and understands policies as Flux does;
// the README lists the differences.
//
// Candidates come best first, one at a time. Nothing is sorted for the first of
// them, and what an image's policies have in common is done once (Tags).
//
// It is the only door to Masterminds/semver.
package policy

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Policy is an ImagePolicy that is ready to rank tags. It is safe for
// concurrent use.
type Policy struct {
	filter *filter // nil: every tag is its own value
	kind   kind
}

// kind is what semver, alphabetical and numerical policies differ in. Its
// values are what the filter extracted, or the tags themselves.
type kind interface {
	// stage returns where a value is dropped, or "".
	stage(value string) pinsetter.Stage
	// reason says for people why a value was dropped at a stage.
	reason(value string, stage pinsetter.Stage) string
	// above reports whether a, which stage accepts as it does b, is ordered
	// strictly higher.
	above(a, b string) bool
	// rank orders the tags of t that f keeps.
	rank(f *filter, t *Tags) (*Ranking, error)
}

// New compiles a policy. Its error is that of Check.
func New(s spec.ImagePolicySpec) (*Policy, error) { return compile(s) }

// Rank orders the tags that the policy accepts. For a numerical policy, a tag
// with digits that is no number is an error that names it.
func (p *Policy) Rank(t *Tags) (*Ranking, error) { return p.kind.rank(p.filter, t) }

// Above reports whether the policy ranks a strictly higher than b by value. It
// is false where the values are equal, such as those of v1.0.0 and 1.0.0, and
// where the policy does not accept both.
func (p *Policy) Above(a, b string) bool {
	x, stage := p.read(a)
	y, also := p.read(b)
	return stage == "" && also == "" && p.kind.above(x, y)
}

// read returns the value of a tag and the stage that drops it, or "".
func (p *Policy) read(tag string) (string, pinsetter.Stage) {
	value, ok := p.filter.value(tag)
	if !ok {
		return "", pinsetter.StageFilter
	}
	return value, p.kind.stage(value)
}
