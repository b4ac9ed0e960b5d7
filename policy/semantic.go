package policy

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"sort"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// semantic is a policy that orders values by SemVer precedence within a range.
type semantic struct {
	text   string
	within ranges
}

func (k semantic) stage(value string) pinsetter.Stage {
	v, ok := parseVersion(value)
	switch {
	case !ok:
		return pinsetter.StageParse
	case !k.within.accepts(v):
		return pinsetter.StageRange
	}
	return ""
}

func (k semantic) above(a, b string) bool {
	v, _ := parseVersion(a)
	w, _ := parseVersion(b)
	return v.compare(w) > 0
}

// order is positive if a comes first: by precedence, then by the greater
// spelling, then by the smaller tag.
func (semantic) order(a, b item[version]) int {
	return cmp.Or(a.key.compare(b.key), strings.Compare(a.value, b.value), strings.Compare(b.tag, a.tag))
}

func (k semantic) rank(f *filter, t *Tags) (*Ranking, error) {
	by := order[version]{k.order, version.compare}
	switch found, use := t.use(f); use {
	case once:
		return rankItems(accepted(f, t.tags, k.read), by), nil
	case again:
		return rankItems(k.inside(func() []item[version] { return found.parsed(f, t.tags) }), by), nil
	default:
		return k.rankSorted(found.sorted(f, t.tags)), nil
	}
}

func (k semantic) read(value string) (version, bool) {
	v, ok := parseVersion(value)
	return v, ok && k.within.accepts(v)
}

// inside yields the items in the range.
func (k semantic) inside(all func() []item[version]) iter.Seq[item[version]] {
	return func(yield func(item[version]) bool) {
		items := all()
		for i := range items {
			if k.within.accepts(items[i].key) && !yield(items[i]) {
				return
			}
		}
	}
}

// rankSorted returns the ranking of sorted versions. It starts each span of the
// range at its upper end.
func (k semantic) rankSorted(o orders) *Ranking {
	all := func(yield func(pinsetter.Candidate) bool) {
		lanes := k.lanes(o)
		d := repeatFinder[version]{same: version.compare}
		for {
			it, ok := takeBest(lanes)
			if !ok || !d.repeats(it) && !yield(it.candidate()) {
				return
			}
		}
	}
	r := &Ranking{all: all}
	for c := range all {
		r.best, r.found = c, true
		break
	}
	return r
}

// lane is the part of sorted versions that a span may accept. items[0], if any,
// is accepted; later ones may not be.
type lane struct {
	span  *span
	items []item[version]
}

func (k semantic) lanes(o orders) []lane {
	lanes := make([]lane, len(k.within))
	for i := range k.within {
		s := &k.within[i]
		items := o.releases
		if s.prereleases {
			items = o.all
		}
		entry := sort.Search(len(items), func(i int) bool { return !s.above(items[i].key) })
		lanes[i] = lane{s, items[entry:]}
		lanes[i].settle()
	}
	return lanes
}

// settle drops items until the first one is accepted.
func (l *lane) settle() {
	for len(l.items) > 0 && l.span.excepts(l.items[0].key) {
		l.items = l.items[1:]
	}
	if len(l.items) > 0 && l.span.below(l.items[0].key) {
		l.items = nil
	}
}

// takeBest removes and returns the best first item of the lanes.
func takeBest(lanes []lane) (item[version], bool) {
	var best *lane
	for i := range lanes {
		l := &lanes[i]
		if len(l.items) > 0 && (best == nil || semantic{}.order(l.items[0], best.items[0]) > 0) {
			best = l
		}
	}
	if best == nil {
		return item[version]{}, false
	}
	it := best.items[0]
	best.items = best.items[1:]
	best.settle()
	return it, true
}

func (k semantic) reason(value string, stage pinsetter.Stage) string {
	if stage == pinsetter.StageParse {
		return notSemVer(value)
	}
	v, _ := parseVersion(value)
	if v.pre != "" && k.within.acceptsAsRelease(v) {
		return fmt.Sprintf("prerelease: %s lets none in; a bound with a prerelease, such as >=%d.%d.%d-0, does", k.text, v.major, v.minor, v.patch)
	}
	return "outside " + k.text
}

// notSemVer returns the reason why a value is no version, and the way out.
func notSemVer(value string) string {
	if rest, ok := strings.CutPrefix(value, "V"); ok {
		if _, ok := parseVersion("v" + rest); ok {
			return fmt.Sprintf("%q begins with V; SemVer tags begin with v or a number", value)
		}
	}
	core, suffix := strings.TrimPrefix(value, "v"), ""
	if end := strings.IndexAny(core, "-+_"); end >= 0 {
		core, suffix = core[:end], core[end:]
	}
	advice := func(numbers, missing string) string {
		return fmt.Sprintf("filterTags can make them, as with pattern ^%s(%s)%s$ and extract $1%s",
			value[:len(value)-len(core)-len(suffix)], numbers, regexp.QuoteMeta(suffix), missing)
	}
	switch parts := numericParts(core); {
	case parts == 1 && strings.Count(value, ".") < 2:
		return fmt.Sprintf("%q has one part; SemVer tags need three (%s.0.0): %s", value, core, advice("[0-9]+", ".0.0"))
	case parts == 2 && strings.Count(value, ".") < 2:
		return fmt.Sprintf("%q has two parts; SemVer tags need three (%s.0): %s", value, core, advice(`[0-9]+\.[0-9]+`, ".0"))
	case parts > 3:
		return fmt.Sprintf("%q has %d parts; SemVer tags need three: filterTags can extract them", value, parts)
	}
	return fmt.Sprintf("%q is not a SemVer version", value)
}

// numericParts returns the number of dot-separated numbers that make up s, 0 if
// s is anything else.
func numericParts(s string) int {
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if digits, rest := leadingDigits(part); digits == "" || rest != "" {
			return 0
		}
		parts++
	}
	return parts
}
