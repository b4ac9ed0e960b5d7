package migrate

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
)

// noDate is why a strategy that goes by dates of creation isn't translated.
const noDate = "newest-build goes by the image's date of creation, which no ImagePolicy knows; "

// newest translates the strategy newest-build where the tags themselves tell which
// is the newest: allow-tags demands a date, a time or the number of a build in
// them, and the tag that is written has one. The same tags are candidates then.
func (s imageSetting) newest(places [][]mark) (*rule, string) {
	expr, is := strings.CutPrefix(s.allow, "regexp:")
	if !is {
		return nil, noDate + "have builds tagged with a timestamp, such as main-1767225600, and demand it with allow-tags"
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, "allow-tags " + strconv.Quote(s.allow) + " is no pattern, and so allows no tag"
	}
	re, n := capture(re)
	if n != 1 {
		return nil, noDate + "allow-tags demands no single number in the tags that could stand for it"
	}
	r := &rule{
		Image: s.image, Interval: defaultInterval,
		Policy: spec.ImagePolicyChoice{Numerical: &spec.NumericalPolicy{Order: spec.OrderAscending}},
		Filter: &spec.TagFilter{Pattern: re.String(), Extract: "$" + stamp},
	}
	if runs := digitRuns().FindAllStringIndex(expr, -1); len(runs) == 1 { // keep its author's spelling
		from, to := runs[0][0], runs[0][1]
		r.Filter.Pattern = expr[:from] + "(?P<" + stamp + ">" + expr[from:to] + ")" + expr[to:]
	}
	compiled, err := regexp.Compile(r.Filter.Pattern)
	if err != nil {
		return nil, noDate + "allow-tags can't be extended"
	}
	for _, tag := range tagsOf(places) {
		m := compiled.FindStringSubmatch(tag)
		if m == nil || !isTime(m[compiled.SubexpIndex(stamp)]) {
			return nil, noDate + "the tag that is written, " + tag + ", shows no date in the place that allow-tags demands a number at"
		}
	}
	return r, ""
}

// digitRuns matches the usual spellings of a run of digits.
var digitRuns = pinsetter.Pattern(`(?:\\d|\[0-9\])(?:\+|\{[0-9]+(?:,[0-9]*)?\})`)

// stamp is the name of the group that holds the time.
const stamp = "stamp"

// tagsOf returns the tags that are written at places.
func tagsOf(places [][]mark) []string {
	var all []string
	for _, marks := range places {
		for _, m := range marks {
			switch m.part {
			case pinsetter.PartReference:
				all = append(all, setters.ParseReference(m.node.Value).Tag)
			case pinsetter.PartTag:
				tag, _, _ := strings.Cut(m.node.Value, "@")
				all = append(all, tag)
			default:
			}
		}
	}
	return all
}

// capture makes a group of each run of digits in a pattern that is long enough for
// a time, at its top level alone, and returns how many these are. What the pattern
// matches stays.
func capture(re *syntax.Regexp) (*syntax.Regexp, int) {
	if isDigits(re) {
		return &syntax.Regexp{Op: syntax.OpCapture, Name: stamp, Cap: 1, Sub: []*syntax.Regexp{re}, Flags: re.Flags}, 1
	}
	n := 0
	if re.Op == syntax.OpConcat || re.Op == syntax.OpCapture {
		for i := range re.Sub {
			sub, more := capture(re.Sub[i])
			re.Sub[i], n = sub, n+more
		}
	}
	return re, n
}

// isDigits reports whether a pattern matches digits alone, without bound or at
// least as many as a time has.
func isDigits(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpPlus:
	case syntax.OpRepeat:
		if re.Min < len("1767225600") {
			return false
		}
	default:
		return false
	}
	sub := re.Sub[0]
	return sub.Op == syntax.OpCharClass && len(sub.Rune) == 2 && sub.Rune[0] == '0' && sub.Rune[1] == '9'
}

// times are how builds write the time of a build with digits alone. A mere date is
// none: there may be several builds a day.
var times = []string{"200601021504", "20060102150405"}

// isTime reports whether digits are a time since 2010: seconds or milliseconds
// since 1970, or a date with its time.
func isTime(digits string) bool {
	const first, last = 1_262_304_000, 4_102_444_800 // 2010 and 2100
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		if len(digits) == 10 && first <= n && n < last || len(digits) == 13 && first <= n/1000 && n/1000 < last {
			return true
		}
	}
	for _, layout := range times {
		if at, err := time.Parse(layout, digits); err == nil && at.Year() >= 2010 && at.Year() < 2100 {
			return true
		}
	}
	return false
}
