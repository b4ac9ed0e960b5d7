package migrate

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// matcher is one condition of a packageRule.
type matcher struct {
	kind     string // names, prefixes, datasources, managers, files, values, never
	patterns []string
	exclude  bool // the rule is for what doesn't match
	regexps  bool // patterns are regular expressions without slashes
}

// matchers are the conditions that an image can be judged by, and what of it they
// look at.
var matchers = map[string]matcher{
	"matchPackageNames":      {kind: "names"},
	"matchDepNames":          {kind: "names"},
	"matchPackagePatterns":   {kind: "names", regexps: true},
	"matchDepPatterns":       {kind: "names", regexps: true},
	"matchPackagePrefixes":   {kind: "prefixes"},
	"matchDepPrefixes":       {kind: "prefixes"},
	"excludePackageNames":    {kind: "names", exclude: true},
	"excludeDepNames":        {kind: "names", exclude: true},
	"excludePackagePatterns": {kind: "names", regexps: true, exclude: true},
	"excludeDepPatterns":     {kind: "names", regexps: true, exclude: true},
	"excludePackagePrefixes": {kind: "prefixes", exclude: true},
	"matchDatasources":       {kind: "datasources"},
	"matchManagers":          {kind: "managers"},
	"matchFileNames":         {kind: "files"},
	"matchPaths":             {kind: "files"},
	"matchCurrentValue":      {kind: "values"},
	"matchCurrentVersion":    {kind: "values"},
	"matchCategories":        {kind: "categories"},
	"matchDepTypes":          {kind: "never"}, // only other managers have types of dependencies
	"matchLanguages":         {kind: "never"},
}

// newMatcher returns the condition of that name. Ok is false if it can't be judged.
func newMatcher(name string, patterns []string) (m matcher, ok bool) {
	m, ok = matchers[name]
	m.patterns = patterns
	if m.kind == "values" { // a range of versions can't be judged here
		ok = ok && !slices.ContainsFunc(patterns, func(p string) bool { return !isRegexp(p) })
	}
	return m, ok
}

// matches reports whether an image meets the condition.
func (m matcher) matches(p candidate) bool {
	var met bool
	switch m.kind {
	case "names":
		if m.regexps {
			met = slices.ContainsFunc(m.patterns, func(expr string) bool {
				re, err := regexp.Compile(expr)
				return expr == "*" || err == nil && re.MatchString(p.ref.image)
			})
		} else {
			met = matchesList(p.ref.image, m.patterns)
		}
	case "prefixes":
		met = slices.ContainsFunc(m.patterns, func(prefix string) bool { return strings.HasPrefix(p.ref.image, prefix) })
	case "datasources":
		met = matchesList("docker", m.patterns)
	case "managers":
		met = matchesList(p.manager, m.patterns)
	case "files":
		met = matchesList(p.ref.at.Path, m.patterns)
	case "values":
		met = matchesList(p.ref.tag, m.patterns)
	case "categories":
		met = slices.ContainsFunc(m.patterns, func(c string) bool { return c == "docker" || c == "kubernetes" || c == "helm" || c == "cd" })
	}
	return met != m.exclude
}

// isRegexp reports whether a pattern is a regular expression between slashes, with
// "!" in front where it must not match, and "i" behind where case doesn't matter.
func isRegexp(pattern string) bool {
	pattern = strings.TrimPrefix(pattern, "!")
	return len(pattern) > 1 && pattern[0] == '/' && (strings.HasSuffix(pattern, "/") || strings.HasSuffix(pattern, "/i"))
}

// compile returns the regular expression of a pattern.
func compile(pattern string) (re *regexp.Regexp, negative bool, err error) {
	expr, negative := strings.CutPrefix(pattern, "!")
	expr = expr[1:]
	if rest, insensitive := strings.CutSuffix(expr, "/i"); insensitive {
		expr = "(?i)" + rest
	} else {
		expr = strings.TrimSuffix(expr, "/")
	}
	re, err = regexp.Compile(groups(expr))
	return re, negative, err
}

// groups writes the named groups of JavaScript as Go wants them.
func groups(expr string) string {
	return namedGroup().ReplaceAllString(expr, "(?P<$1>")
}

// matchesList reports whether a text matches one of the positive patterns, if there
// are any, and all of the negative ones.
func matchesList(text string, patterns []string) bool {
	positive, found := false, false
	for _, pattern := range patterns {
		negative := strings.HasPrefix(pattern, "!")
		switch matched := matchesOne(text, strings.TrimPrefix(pattern, "!")); {
		case negative && matched:
			return false
		case !negative:
			positive, found = true, found || matched
		}
	}
	return len(patterns) > 0 && (found || !positive)
}

// matchesOne matches a regular expression between slashes, or a glob whose case
// doesn't matter.
func matchesOne(text, pattern string) bool {
	switch {
	case pattern == "*":
		return true
	case isRegexp(pattern):
		re, _, err := compile(pattern)
		return err == nil && re.MatchString(text)
	}
	return globs(strings.ToLower(pattern), strings.ToLower(text))
}

// globs matches a glob over paths: "**" is any number of parts, "{a,b}" one of
// several.
func globs(pattern, text string) bool {
	for _, p := range braces(pattern, 64) {
		if globParts(strings.Split(p, "/"), strings.Split(text, "/")) {
			return true
		}
	}
	return false
}

// braces writes "{a,b}" out, to at most limit patterns.
func braces(pattern string, limit int) []string {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		return []string{pattern}
	}
	end := strings.IndexByte(pattern[open:], '}')
	if end < 0 {
		return []string{pattern}
	}
	var all []string
	for choice := range strings.SplitSeq(pattern[open+1:open+end], ",") {
		for _, rest := range braces(pattern[open+end+1:], limit) {
			if len(all) == limit {
				return all
			}
			all = append(all, pattern[:open]+choice+rest)
		}
	}
	return all
}

// globParts matches the parts of a path. Each "**" is tried at most once for each
// part, so that the work is bounded by the product of their numbers.
func globParts(pattern, text []string) bool {
	reached := make([]bool, len(text)+1) // by how many parts are matched
	reached[0] = true
	for _, p := range pattern {
		next := make([]bool, len(text)+1)
		for i, is := range reached {
			switch {
			case p == "**":
				next[i] = is || i > 0 && next[i-1]
			case is && i < len(text):
				if ok, err := path.Match(p, text[i]); ok && err == nil {
					next[i+1] = true
				}
			}
		}
		reached = next
	}
	return reached[len(text)]
}
