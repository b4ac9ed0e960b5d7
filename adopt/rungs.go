package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
)

// shape matches versions of one to four numbers: v, major, minor, patch, fourth,
// and what follows.
var shape = pinsetter.Pattern(`^([vV]?)(\d+)(?:\.(\d+)(?:\.(\d+)(?:\.(\d+))?)?)?([-_.].*)?$`)

// rungs returns the ladder for the tag, in its fixed order.
func (c Climb) rungs() []Rung {
	m := shape().FindStringSubmatch(c.Tag)
	if m == nil || m[2] == "" {
		if p := prefixed().FindStringSubmatch(c.Tag); p != nil {
			return c.behind(p[1])
		}
		return c.stamps()
	}
	v, major, minor, patch, fourth, rest := m[1], m[2], m[3], m[4], m[5], m[6]
	if len(major) > 5 { // a date, a build number
		return c.stamps()
	}
	switch {
	case minor == "":
		if c.moves() {
			return nil
		}
		return c.stamps()
	case fourth != "":
		return c.fourParts(v, rest)
	case patch == "":
		return c.twoParts(v, rest)
	case rest == "":
		return c.versions(v, "")
	case c.Chart && rest[0] == '_':
		return c.versions(v, `(_.*)?`)
	case isPrerelease(rest):
		return c.prereleases(v)
	}
	return c.suffixes(v, rest)
}

// prerelease matches what follows a version that isn't released yet.
var prerelease = pinsetter.Pattern(`^-(alpha|beta|rc|pre|preview|dev|snapshot|canary|nightly|next|m|milestone|ea)[.-]?\d*([.-]\d+)*$`)

func isPrerelease(rest string) bool { return prerelease().MatchString(strings.ToLower(rest)) }

// numbers returns major and minor of the tag.
func (c Climb) numbers() (major, minor int) {
	m := shape().FindStringSubmatch(c.Tag)
	major, _ = strconv.Atoi(m[2])
	minor, _ = strconv.Atoi(m[3])
	return major, minor
}

// isDate reports whether the tag's first numbers are a year, and perhaps a month:
// 2024.8.1, 24.04. Then a range of its major version would end with the year.
func (c Climb) isDate() bool {
	m := shape().FindStringSubmatch(c.Tag)
	major, minor := c.numbers()
	if len(m[2]) == 4 {
		return major >= 2000 && major < 2100
	}
	return len(m[2]) == 2 && len(m[3]) == 2 && major >= 15 && major < 50 && minor >= 1 && minor <= 12 &&
		!slices.ContainsFunc(c.Listed, func(tag string) bool { return noMonth().MatchString(tag) })
}

// noMonth matches a version of two-digit numbers whose second isn't a month in two
// digits, as 17.10 of a list with 17.9 is no October.
var noMonth = pinsetter.Pattern(`^[vV]?\d\d\.(\d|1[3-9]|[2-9]\d|00|\d{3,})([-_.]|$)`)

// within returns the range of the largest step. Below lets its prereleases in.
func (c Climb) within(below bool) (choice, wide spec.ImagePolicyChoice, text string) {
	major, minor := c.numbers()
	var low, high string
	switch {
	case c.isDate():
		low, text = "15.0.0", ">=15.0.0"
		if major >= 1000 {
			low, text = "2000.0.0", ">=2000.0.0"
		}
	case c.Step == spec.BumpMajor:
		low, text = "0.0.0", "*"
	case c.Step == spec.BumpPatch:
		low, high = fmt.Sprintf("%d.%d.0", major, minor), fmt.Sprintf("%d.%d.0", major, minor+1)
		text = fmt.Sprintf("%d.%d.x", major, minor)
	default:
		low, high = fmt.Sprintf("%d.0.0", major), fmt.Sprintf("%d.0.0", major+1)
		text = fmt.Sprintf("%d.x", major)
	}
	all := "*"
	if below {
		all, text = ">=0.0.0-0", ">="+low+"-0"
		if high != "" {
			text += " <" + high + "-0"
		}
	}
	if c.Allowed != "" {
		if _, err := policy.Range(c.Allowed); err == nil && !strings.Contains(c.Allowed, "||") {
			text += ", " + c.Allowed
		}
	}
	return semver(text), semver(all), text
}

func semver(text string) spec.ImagePolicyChoice {
	return spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: text}}
}

// versions are the rungs of 1.2.3 and v1.2.3: without a filter while the list has
// one spelling alone.
func (c Climb) versions(v, build string) []Rung {
	choice, wide, text := c.within(false)
	like := regexp.MustCompile(`^` + v + `\d+\.\d+\.\d+` + build + `$`)
	plain := Rung{Policy: choice, Range: text, wide: wide, like: like}
	filtered := plain
	filtered.Filter = &spec.TagFilter{Pattern: like.String()}
	mixed := regexp.MustCompile(`^[vV]?\d+\.\d+\.\d+$`)
	if slices.ContainsFunc(c.Listed, func(tag string) bool { return mixed.MatchString(tag) && !like.MatchString(tag) }) {
		return []Rung{filtered}
	}
	return []Rung{plain, filtered}
}

// prefixed matches a version behind a word: release-1.2.3.
var prefixed = pinsetter.Pattern(`^([A-Za-z][A-Za-z-]*[-_])v?\d+\.\d+(\.\d+)?([-_.].*)?$`)

// behind returns the rungs of a version behind a prefix: those of the version, with
// the prefix in the filter.
func (c Climb) behind(prefix string) []Rung {
	inner := c
	inner.Tag, inner.Listed = strings.TrimPrefix(c.Tag, prefix), nil
	for _, tag := range c.Listed {
		if rest, ok := strings.CutPrefix(tag, prefix); ok {
			inner.Listed = append(inner.Listed, rest)
		}
	}
	rungs := inner.rungs()
	for i := range rungs {
		r := &rungs[i]
		filter := spec.TagFilter{Pattern: `^(?P<version>v?\d+\.\d+\.\d+)$`, Extract: "$version"}
		if r.Filter != nil {
			filter = *r.Filter
		}
		if filter.Extract == "" {
			filter = spec.TagFilter{Pattern: "^(?P<version>" + strings.Trim(filter.Pattern, "^$") + ")$", Extract: "$version"}
		}
		filter.Pattern = "^" + regexp.QuoteMeta(prefix) + strings.TrimPrefix(filter.Pattern, "^")
		r.Filter, r.like = &filter, nil
		r.Suffix = strings.Trim(prefix+r.Suffix, "-_")
	}
	return rungs
}

// prereleases is the rung of 1.2.3-rc.1.
func (c Climb) prereleases(v string) []Rung {
	choice, wide, text := c.within(true)
	pattern := `^` + v + `\d+\.\d+\.\d+(-(alpha|beta|rc|pre|preview|dev|snapshot|canary|nightly|next|m|milestone|ea)[.-]?\d*([.-]\d+)*)?$`
	like := regexp.MustCompile(`(?i)` + pattern)
	return []Rung{{Policy: choice, Range: text, Suffix: "pre", wide: wide, like: like, Filter: &spec.TagFilter{Pattern: `(?i)` + pattern}}}
}

// revision matches a suffix that ends in a number which counts rebuilds: -r4,
// -ls45, -debian-11-r57.
var revision = pinsetter.Pattern(`^([-_.](?:[a-z]+[-_.]?\d*[-_.])*(?:r|ls|rev|b|p|build\.?)?)(\d+)$`)

// suffixes are the rungs of 1.2.3-alpine: the suffix stays, or counts.
func (c Climb) suffixes(v, rest string) []Rung {
	choice, wide, text := c.within(false)
	exact := Rung{
		Policy: choice, Range: text, Suffix: strings.Trim(rest, "-_."), wide: wide,
		Filter: &spec.TagFilter{Pattern: `^` + v + `(?P<version>\d+\.\d+\.\d+)` + regexp.QuoteMeta(rest) + `$`, Extract: "$version"},
	}
	m := revision().FindStringSubmatch(rest)
	if m == nil {
		return []Rung{exact}
	}
	choice, wide, text = c.within(true)
	counted := Rung{
		Policy: choice, Range: text, Suffix: strings.Trim(digits().ReplaceAllString(m[1], ""), "-_."), wide: wide,
		Filter: &spec.TagFilter{
			Pattern: `^` + v + `(?P<version>\d+\.\d+\.\d+)` + varying(m[1]) + `(?P<revision>\d+)$`,
			Extract: "$version-$revision",
		},
	}
	if strings.Trim(m[1], "-_.") == "" || strings.HasSuffix(m[1], "r") || strings.HasSuffix(m[1], "ls") {
		return []Rung{counted, exact}
	}
	return []Rung{exact, counted}
}

var digits = pinsetter.Pattern(`\d+`)

// varying returns a pattern for a text whose numbers may differ.
func varying(text string) string {
	return digits().ReplaceAllString(regexp.QuoteMeta(text), `\d+`)
}

// twoParts is the rung of 1.25 and 24.04-slim.
func (c Climb) twoParts(v, rest string) []Rung {
	choice, wide, text := c.within(false)
	number := `\d+`
	if c.isDate() && len(shape().FindStringSubmatch(c.Tag)[3]) == 2 {
		number = `\d{2}`
	}
	return []Rung{{
		Policy: choice, Range: text, Suffix: strings.Trim(rest, "-_."), wide: wide,
		Filter: &spec.TagFilter{
			Pattern: `^` + v + `(?P<major>\d+)\.(?P<minor>` + number + `)` + regexp.QuoteMeta(rest) + `$`,
			Extract: "$major.$minor.0",
		},
	}}
}

// fourParts is the rung of 5.14.0.8383 and 5.14.0.8383-ls12.
func (c Climb) fourParts(v, rest string) []Rung {
	choice, wide, text := c.within(true)
	return []Rung{{
		Policy: choice, Range: text, Suffix: strings.Trim(digits().ReplaceAllString(rest, ""), "-_."), wide: wide,
		Filter: &spec.TagFilter{
			Pattern: `^` + v + `(?P<version>\d+\.\d+\.\d+)\.(?P<build>\d+)` + varying(rest) + `$`,
			Extract: "$version-$build",
		},
	}}
}

// commit matches a short or long hash of Git with a letter in it.
var commit = pinsetter.Pattern(`^g?[0-9a-f]{7,40}$`)

// stamps are the rungs of build numbers and timestamps: main-123,
// main-3f2c1ab-1700000000, 20240131, 2024-01-31T12-00-00Z.
func (c Climb) stamps() []Rung {
	parts := segments().FindAllStringSubmatch(c.Tag, -1)
	var pattern strings.Builder
	var numbers []string
	capture, whole := -1, ""
	for i, p := range parts {
		whole += p[0]
		if isNumber(p[2]) {
			numbers = append(numbers, p[2])
			capture = i
		}
	}
	if len(numbers) == 0 || len(parts) > 12 || whole != c.Tag {
		return nil
	}
	if len(numbers) > 1 {
		return c.fixed(parts)
	}
	prefix := ""
	for i, p := range parts {
		pattern.WriteString(regexp.QuoteMeta(p[1]))
		switch {
		case i == capture:
			pattern.WriteString(`(?P<n>\d+)`)
		case isCommit(p[2]):
			pattern.WriteString(`[0-9a-f]{7,40}`)
		default:
			pattern.WriteString(regexp.QuoteMeta(p[2]))
			prefix += "-" + p[2]
		}
	}
	numerical := spec.ImagePolicyChoice{Numerical: &spec.NumericalPolicy{Order: spec.OrderAscending}}
	return []Rung{{
		Policy: numerical, wide: numerical, Range: "^" + pattern.String() + "$", Suffix: strings.Trim(prefix, "-"),
		Filter: &spec.TagFilter{Pattern: "^" + pattern.String() + "$", Extract: "$n"},
	}}
}

// segments matches the parts of a tag with the separators before them. Digits
// behind a word, as in build123 and T12, are a part of their own.
var segments = pinsetter.Pattern(`([-_.]*)([0-9a-f]{7,40}\b|[A-Za-z]+|\d+)`)

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isCommit(s string) bool {
	return commit().MatchString(s) && strings.ContainsAny(s, "abcdef") && strings.ContainsAny(s, "0123456789")
}

// fixed is the rung of dates with numbers of fixed width, which the alphabet
// orders: 2024-01-31.
func (c Climb) fixed(parts [][]string) []Rung {
	var pattern strings.Builder
	for _, p := range parts {
		pattern.WriteString(regexp.QuoteMeta(p[1]))
		switch {
		case isCommit(p[2]):
			return nil
		case isNumber(p[2]) && len(p[2]) < 2:
			return nil // its width may grow
		case isNumber(p[2]):
			fmt.Fprintf(&pattern, `\d{%d}`, len(p[2]))
		default:
			pattern.WriteString(regexp.QuoteMeta(p[2]))
		}
	}
	alphabetical := spec.ImagePolicyChoice{Alphabetical: &spec.AlphabeticalPolicy{Order: spec.OrderAscending}}
	return []Rung{{
		Policy: alphabetical, wide: alphabetical, Range: "^" + pattern.String() + "$",
		Filter: &spec.TagFilter{Pattern: "^" + pattern.String() + "$"},
	}}
}
