package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Warnings returns what is probably a mistake in a policy: nil, or
// *spec.FieldError values joined, each with what to write instead. A template
// that names a group which the pattern lacks gets an empty text for it, as in
// Flux.
func Warnings(s spec.ImagePolicySpec) error {
	return errors.Join(checkExtract(s.FilterTags), checkConstant(s.FilterTags), checkDescending(s.Policy.Alphabetical))
}

// checkDescending warns of an order that selects the first tag of the alphabet,
// which is the oldest if tags contain a date or a count.
func checkDescending(p *spec.AlphabeticalPolicy) error {
	if p == nil || p.Order != spec.OrderDescending {
		return nil
	}
	warning := fieldError("spec.policy.alphabetical.order", "desc selects the first tag of the alphabet, which is mostly the oldest: write asc for the last one, unless that is meant")
	warning.Severity = pinsetter.Warning
	return warning
}

// New compiles a policy. Its error lists all mistakes: *spec.FieldError values
// joined, each with what to write instead.
func New(s spec.ImagePolicySpec) (*Policy, error) {
	k, err := compileKind(s.Policy)
	f, filterErr := compileFilter(s.FilterTags)
	if err := errors.Join(err, filterErr); err != nil {
		return nil, err
	}
	return &Policy{filter: f, kind: k}, nil
}

func compileKind(choice spec.ImagePolicyChoice) (kind, error) {
	var given []string
	var kinds []kind
	var errs []error
	add := func(name string, k kind, err error) {
		given, kinds, errs = append(given, name), append(kinds, k), append(errs, err)
	}
	if choice.SemVer != nil {
		k, err := compileRange(choice.SemVer.Range)
		add("semver", k, err)
	}
	if choice.Alphabetical != nil {
		compare, err := compileOrder("spec.policy.alphabetical.order", choice.Alphabetical.Order, strings.Compare)
		add("alphabetical", alphabetical{"alphabetical " + choice.Alphabetical.Order, compare}, err)
	}
	if choice.Numerical != nil {
		compare, err := compileOrder("spec.policy.numerical.order", choice.Numerical.Order, number.compare)
		add("numerical", numerical{"numerical " + choice.Numerical.Order, compare}, err)
	}
	switch len(given) {
	case 0:
		errs = append(errs, fieldError("spec.policy", "no policy is given: write one of semver, alphabetical or numerical"))
	case 1:
	default:
		errs = append(errs, fieldError("spec.policy", "%s exclude each other: keep one", strings.Join(given, " and ")))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return kinds[0], nil
}

func compileRange(text string) (kind, error) {
	const field = "spec.policy.semver.range"
	if strings.TrimSpace(text) == "" {
		return nil, fieldError(field, `the range is empty: write such as ">=1.0.0" or "1.x"`)
	}
	within, err := parseRange(text)
	if err != nil {
		return nil, fieldError(field, `parse range %q: %w: write such as ">=1.0.0 <2.0.0", "^1.2" or "1.x || 3.x"`, text, err)
	}
	return semantic{text: text, within: within}, nil
}

// compileOrder returns a comparison for an order. It is positive if its first
// argument comes first.
func compileOrder[K any](field, order string, compare func(a, b K) int) (func(a, b K) int, error) {
	switch order {
	case "", spec.OrderAscending:
		return compare, nil
	case spec.OrderDescending:
		return func(a, b K) int { return compare(b, a) }, nil
	}
	return nil, fieldError(field, "unknown order %q: write asc (the last one is selected) or desc (the first one)", order)
}

func compileFilter(tags *spec.TagFilter) (*filter, error) {
	if tags == nil || tags.Pattern == "" && tags.Extract == "" {
		return nil, nil
	}
	pattern, err := regexp.Compile(tags.Pattern)
	if err != nil {
		return nil, fieldError("spec.filterTags.pattern", "%w: patterns are in RE2's syntax, which has no lookaround and no backreferences", err)
	}
	if name := escapedGroup(tags.Extract); name != "" {
		return nil, fieldError("spec.filterTags.extract", "%q holds the text ${%s}, the same for every tag, unless a Flux Kustomization's postBuild "+
			"makes a group of $${%s}: write $%s, which is the group with and without it", tags.Extract, name, name, name)
	}
	return newFilter(pattern, tags.Extract), nil
}

// escapedGroup returns the name in a template's first "$${name}", which is no
// group but text, or "".
func escapedGroup(template string) string {
	for {
		_, after, found := strings.Cut(template, "$")
		if !found {
			return ""
		}
		rest, escaped := strings.CutPrefix(after, "$")
		if ref := leadingReference("$" + rest); escaped && strings.HasPrefix(rest, "{") && ref.name != "" {
			return ref.name
		}
		template = rest
	}
}

// checkConstant warns of a template that extracts the same value from every
// tag. The smallest tag is then the only candidate.
func checkConstant(tags *spec.TagFilter) error {
	if tags == nil || tags.Extract == "" || len(references(tags.Extract)) > 0 {
		return nil
	}
	pattern, err := regexp.Compile(tags.Pattern)
	if err != nil {
		return nil //nolint:nilerr // compileFilter says it
	}
	advice := "name what to extract in the pattern, as in (?P<value>.*), and write $value"
	if pattern.NumSubexp() > 0 {
		advice = "write one of " + strings.Join(groups(pattern), ", ")
	}
	warning := fieldError("spec.filterTags.extract", "%q is the same for every tag, so that the smallest tag is selected: %s", tags.Extract, advice)
	warning.Severity = pinsetter.Warning
	return warning
}

// checkExtract warns of groups that a template refers to and the pattern lacks.
// It ignores a pattern that doesn't compile, which is reported elsewhere.
func checkExtract(tags *spec.TagFilter) error {
	if tags == nil {
		return nil
	}
	pattern, err := regexp.Compile(tags.Pattern)
	if err != nil {
		return nil //nolint:nilerr // compileFilter says it
	}
	var errs []error
	for _, ref := range references(tags.Extract) {
		if groupIndex(pattern, ref.name) >= 0 {
			continue
		}
		advice := "write one of " + strings.Join(groups(pattern), ", ")
		if pattern.NumSubexp() == 0 {
			advice = "name what to extract in the pattern, as in (?P<value>.*), and write $value"
		} else if meant := intended(pattern, ref.name); meant != "" {
			advice = fmt.Sprintf("%s is probably meant", meant)
		}
		warning := fieldError("spec.filterTags.extract", "%s calls group %q, which the pattern %q does not have and which is empty: %s",
			ref.text, ref.name, pattern, advice)
		warning.Severity = pinsetter.Warning
		errs = append(errs, warning)
	}
	return errors.Join(errs...)
}

// groups returns references to each group of the pattern, as a template writes
// them.
func groups(pattern *regexp.Regexp) []string {
	var calls []string
	for i, name := range pattern.SubexpNames()[1:] {
		if name == "" {
			name = fmt.Sprint(i + 1)
		}
		calls = append(calls, "$"+name)
	}
	return calls
}

func fieldError(field, format string, args ...any) *spec.FieldError {
	return &spec.FieldError{Field: field, Err: fmt.Errorf(format, args...)}
}
