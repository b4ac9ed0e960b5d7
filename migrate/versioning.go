package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// namedGroup matches the beginning of a named group of JavaScript.
var namedGroup = pinsetter.Pattern(`\(\?<([A-Za-z_][A-Za-z0-9_]*)>`)

// shape matches a tag as Renovate's versioning docker reads it: a "v", numbers with
// dots, and a suffix that every candidate must have too.
var shape = pinsetter.Pattern(`^(v?)([0-9]+(?:\.[0-9]+)*)(?:-(.+))?$`)

// versioned translates how Renovate compares the tags of an image, and which it
// allows.
func versioned(ref reference, s settings) (*rule, string) {
	if s.followTag != nil && *s.followTag != "" {
		return nil, "followTag takes the version that another tag shows, which no policy does"
	}
	scheme, detail, _ := strings.Cut(text(s.versioning), ":")
	var r *rule
	var reason string
	tag := ref.tag
	if ref.chart { // a registry has "_" for the "+" of a version
		scheme, tag = "helm", strings.ReplaceAll(tag, "+", "_")
	}
	switch scheme {
	case "", "docker":
		r, reason = dockerVersions(ref)
	case "semver", "semver-coerced", "helm":
		r, reason = strictVersions(ref)
	case "regex":
		r, reason = regexVersions(ref, detail)
	default:
		reason = fmt.Sprintf("versioning %q has no counterpart: write filterTags by hand", text(s.versioning))
	}
	if reason != "" {
		return nil, reason
	}
	if err := allow(r, text(s.allowed)); err != nil {
		return nil, err.Error()
	}
	if !r.takes(tag) {
		return nil, "the tag that is written, " + tag + ", would be no candidate of its own policy"
	}
	return r, ""
}

// dockerVersions takes the tags with as many numbers as the written one, and with
// the same suffix. Two numbers and one become versions of three.
func dockerVersions(ref reference) (*rule, string) {
	m := shape().FindStringSubmatch(ref.tag)
	if m == nil {
		return nil, "Renovate's versioning docker takes " + ref.tag + " for no version"
	}
	numbers := strings.Split(m[2], ".")
	if len(numbers) > 3 {
		return nil, "four numbers are no version of SemVer: write filterTags by hand"
	}
	for _, n := range numbers {
		if len(n) > 1 && n[0] == '0' && len(numbers) > 1 {
			return nil, "a number with a zero in front is none of SemVer: write filterTags with an alphabetical policy by hand"
		}
	}
	suffix := ""
	if m[3] != "" {
		suffix = "-" + regexp.QuoteMeta(m[3])
	}
	r := versions(ref.image, "*")
	switch len(numbers) {
	case 1:
		r.Filter = &spec.TagFilter{Pattern: `^v?(?P<version>[0-9]+)` + suffix + "$", Extract: "$version.0.0"}
		if len(numbers[0]) > 18 || numbers[0][0] == '0' {
			return nil, "the number is none of SemVer: write filterTags with a numerical policy by hand"
		}
	case 2:
		r.Filter = &spec.TagFilter{Pattern: `^v?(?P<version>[0-9]+\.[0-9]+)` + suffix + "$", Extract: "$version.0"}
	default:
		r.Filter = &spec.TagFilter{Pattern: `^v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)` + suffix + "$", Extract: "$version"}
		if suffix == "" {
			r.Filter = &spec.TagFilter{Pattern: `^v?[0-9]+\.[0-9]+\.[0-9]+$`}
		}
	}
	return r, ""
}

// strictVersions takes versions of three numbers, prereleases none.
func strictVersions(ref reference) (*rule, string) {
	if ref.chart {
		return versions(ref.image, "*"), ""
	}
	if prerelease, ok := keelVersion(ref.tag); !ok || prerelease != "" {
		return nil, "versioning semver compares what is behind the dash, and a written prerelease follows others: write the range by hand"
	}
	return versions(ref.image, "*"), ""
}

// regexVersions translates versioning regex: the groups major, minor and patch are
// the version, and compatibility must be that of the written tag.
func regexVersions(ref reference, expr string) (*rule, string) {
	expr = groups(expr)
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, "the pattern of versioning regex is none that Go reads: " + err.Error()
	}
	m := re.FindStringSubmatch(ref.tag)
	if m == nil {
		return nil, "versioning regex doesn't match the tag that is written, " + ref.tag
	}
	has := func(name string) bool { return re.SubexpIndex(name) >= 0 }
	if has("prerelease") || has("build") || has("revision") || !has("major") {
		return nil, "versioning regex compares prerelease, build or revision, or no major number: write filterTags by hand"
	}
	if has("compatibility") {
		fixed, ok := fix(expr, "compatibility", m[re.SubexpIndex("compatibility")])
		if !ok {
			return nil, "the group compatibility of versioning regex can't be replaced: write filterTags by hand"
		}
		expr = fixed
	}
	extract := "${major}"
	for _, part := range []string{"minor", "patch"} {
		if has(part) {
			if m[re.SubexpIndex(part)] == "" {
				return nil, "the group " + part + " of versioning regex is empty in the tag that is written"
			}
			extract += ".${" + part + "}"
		} else {
			extract += ".0"
		}
	}
	r := versions(ref.image, "*")
	r.Filter = &spec.TagFilter{Pattern: expr, Extract: extract}
	return r, ""
}

// fix puts a text in the place of a named group.
func fix(expr, name, text string) (string, bool) {
	start := strings.Index(expr, "(?P<"+name+">")
	if start < 0 {
		return "", false
	}
	depth, class := 0, false
	for i := start; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				if rest := expr[i+1:]; strings.HasPrefix(rest, "?") || strings.HasPrefix(rest, "*") || strings.HasPrefix(rest, "{") || strings.HasPrefix(rest, "+") {
					return expr[:start] + "(?:" + regexp.QuoteMeta(text) + ")" + strings.TrimLeft(rest, "?*+"), !strings.HasPrefix(rest, "{")
				}
				return expr[:start] + regexp.QuoteMeta(text) + expr[i+1:], true
			}
		}
	}
	return "", false
}

// partial matches a version that lacks a number.
var partial = pinsetter.Pattern(`^v?[0-9]+(\.[0-9]+)?$`)

// allow translates allowedVersions: a range of npm, or a pattern between slashes,
// with "!" in front where it must not match.
func allow(r *rule, allowed string) error {
	switch {
	case allowed == "":
		return nil
	case isRegexp(allowed):
		re, negative, err := compile(allowed)
		switch {
		case err != nil:
			return fmt.Errorf("the pattern of allowedVersions is none that Go reads: %w", err)
		case negative:
			r.Exclude = []string{signatures, re.String()}
		case r.Filter != nil && r.Filter.Extract != "":
			return errors.New("allowedVersions is a pattern, and the tag needs another one: join both in filterTags by hand")
		default:
			r.Filter = &spec.TagFilter{Pattern: re.String()}
		}
		return nil
	case strings.ContainsAny(allowed, "{}"):
		return fmt.Errorf("allowedVersions %q is a template", allowed)
	}
	if partial().MatchString(allowed) {
		return fmt.Errorf("allowedVersions %q is one tag for Renovate, and a range for a policy: write a range by hand", allowed)
	}
	r.Policy.SemVer.Range = allowed
	return r.check()
}
