package policy

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// accepted yields the tags that the filter keeps and whose values read accepts,
// as items.
func accepted[K any](f *filter, tags []string, read func(value string) (K, bool)) iter.Seq[item[K]] {
	return func(yield func(item[K]) bool) {
		for tag, value := range f.each(tags) {
			if key, ok := read(value); ok && !yield(item[K]{key, tag, value}) {
				return
			}
		}
	}
}

// alphabetical is a policy that orders values by bytes.
type alphabetical struct {
	name    string                // identifies the order
	compare func(a, b string) int // positive if a comes first
}

func (alphabetical) stage(string) pinsetter.Stage          { return "" }
func (alphabetical) reason(string, pinsetter.Stage) string { return "" }
func (k alphabetical) above(a, b string) bool              { return k.compare(a, b) > 0 }

func (k alphabetical) rank(f *filter, t *Tags) (*Ranking, error) {
	return t.ranking(k.name+f.key(), func() (*Ranking, error) {
		read := func(value string) (string, bool) { return value, true }
		return rankItems(accepted(f, t.tags, read), order[string]{byTag(k.compare), k.compare}), nil
	})
}

// byTag orders items by their keys, then by the smaller tag.
func byTag[K any](compare func(a, b K) int) func(a, b item[K]) int {
	return func(a, b item[K]) int {
		return cmp.Or(compare(a.key, b.key), strings.Compare(b.tag, a.tag))
	}
}

// numerical is a policy that orders values as numbers.
type numerical struct {
	name    string                // identifies the order
	compare func(a, b number) int // positive if a comes first
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
	if _, err := strconv.ParseFloat(value, 64); errors.Is(err, strconv.ErrRange) {
		return fmt.Sprintf("%q is beyond what Flux takes for a number, some 1.8e308; %s", value, numericAdvice)
	}
	return fmt.Sprintf("%q is no number; %s", value, numericAdvice)
}

const numericAdvice = "add filterTags with a pattern that only the numeric tags match, and extract the number"

func (k numerical) above(a, b string) bool {
	n, _ := parseNumber(a)
	m, _ := parseNumber(b)
	return k.compare(n, m) > 0
}

func (k numerical) rank(f *filter, t *Tags) (*Ranking, error) {
	return t.ranking(k.name+f.key(), func() (*Ranking, error) { return k.rankNumbers(f, t.tags) })
}

func (k numerical) rankNumbers(f *filter, tags []string) (*Ranking, error) {
	var bad pinsetter.Candidate // the smallest tag that makes the policy fail
	numbers := func(yield func(item[number]) bool) {
		for tag, value := range f.each(tags) {
			n, ok := parseNumber(value)
			switch {
			case ok:
				if !yield(item[number]{n, tag, value}) {
					return
				}
			case hasDigit(value) && (bad.Tag == "" || tag < bad.Tag):
				bad = pinsetter.Candidate{Tag: tag, Value: value}
			}
		}
	}
	ranking := rankItems(numbers, order[number]{byTag(k.compare), k.compare})
	if bad.Tag != "" {
		return nil, fmt.Errorf("rank tag %q by number: %s", bad.Tag, k.reason(bad.Value, pinsetter.StageParse))
	}
	return ranking, nil
}
