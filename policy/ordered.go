package policy

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// values are the tags that a filter keeps, with what it extracted; without a
// filter the tags themselves.
type values struct {
	tags []string
	kept []kept
}

type kept struct{ tag, value string }

// keep passes the tags through the filter, once each.
func (f *filter) keep(tags []string) values {
	if f == nil {
		return values{tags: tags}
	}
	var v values
	for i, tag := range tags {
		value, ok := f.value(tag)
		if !ok {
			continue
		}
		if len(v.kept) == cap(v.kept) && i > 0 {
			v.kept = slices.Grow(v.kept, len(tags)-i) // once: growing by halves leaves garbage of several times the size
		}
		v.kept = append(v.kept, kept{tag, value})
	}
	return v
}

// each gives the tags and values.
func (v values) each(yield func(tag, value string) bool) {
	for _, tag := range v.tags {
		if !yield(tag, tag) {
			return
		}
	}
	for _, k := range v.kept {
		if !yield(k.tag, k.value) {
			return
		}
	}
}

// accepted gives the values that read accepts as items.
func accepted[K any](v values, read func(value string) (K, bool)) iter.Seq[item[K]] {
	return func(yield func(item[K]) bool) {
		for tag, value := range v.each {
			if key, ok := read(value); ok && !yield(item[K]{key, tag, value}) {
				return
			}
		}
	}
}

// alphabetical orders values by bytes.
type alphabetical struct {
	compare func(a, b string) int // positive where a comes first
}

func (alphabetical) stage(string) pinsetter.Stage          { return "" }
func (alphabetical) reason(string, pinsetter.Stage) string { return "" }
func (k alphabetical) above(a, b string) bool              { return k.compare(a, b) > 0 }

func (k alphabetical) rank(f *filter, t *Tags) (*Ranking, error) {
	read := func(value string) (string, bool) { return value, true }
	return rankItems(accepted(f.keep(t.tags), read), order[string]{byTag(k.compare), k.compare}), nil
}

// byTag orders items by their keys, then by the smaller tag.
func byTag[K any](compare func(a, b K) int) func(a, b item[K]) int {
	return func(a, b item[K]) int {
		return cmp.Or(compare(a.key, b.key), strings.Compare(b.tag, a.tag))
	}
}

// numerical orders values as numbers.
type numerical struct {
	compare func(a, b number) int // positive where a comes first
}

func (numerical) stage(value string) pinsetter.Stage {
	if _, ok := parseNumber(value); !ok {
		return pinsetter.StageParse
	}
	return ""
}

func (numerical) reason(value string, _ pinsetter.Stage) string {
	if !hasDigit(value) {
		return fmt.Sprintf("%q has no digit and is left out", value)
	}
	return fmt.Sprintf("%q is no number that a 64-bit float can hold; %s", value, numericAdvice)
}

const numericAdvice = "add filterTags with a pattern that only the numeric tags match, and extract the number"

func (k numerical) above(a, b string) bool {
	n, _ := parseNumber(a)
	m, _ := parseNumber(b)
	return k.compare(n, m) > 0
}

func (k numerical) rank(f *filter, t *Tags) (*Ranking, error) {
	var bad kept // the smallest tag that fails the policy
	v := f.keep(t.tags)
	numbers := func(yield func(item[number]) bool) {
		for tag, value := range v.each {
			n, ok := parseNumber(value)
			switch {
			case ok:
				if !yield(item[number]{n, tag, value}) {
					return
				}
			case hasDigit(value) && (bad.tag == "" || tag < bad.tag):
				bad = kept{tag, value}
			}
		}
	}
	ranking := rankItems(numbers, order[number]{byTag(k.compare), k.compare})
	if bad.tag != "" {
		return nil, fmt.Errorf("rank tag %q by number: %s", bad.tag, k.reason(bad.value, pinsetter.StageParse))
	}
	return ranking, nil
}
