package adopt

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// RenovateFiles are where Renovate looks for its configuration, in its order
// (https://docs.renovatebot.com/configuration-options/).
var RenovateFiles = []string{
	"renovate.json", "renovate.jsonc", "renovate.json5",
	".github/renovate.json", ".github/renovate.jsonc", ".github/renovate.json5",
	".gitlab/renovate.json", ".gitlab/renovate.jsonc", ".gitlab/renovate.json5",
	".renovaterc", ".renovaterc.json", ".renovaterc.jsonc", ".renovaterc.json5",
	"package.json",
}

// errNoObject says that a document is none of settings.
var errNoObject = errors.New("line 1: the settings are no object")

// ReadRenovate returns the settings in a file of RenovateFiles, JSON5 in any of
// them. It returns nil for a package.json without any. The error names the line.
func ReadRenovate(name string, data []byte) (*strict.Node, error) {
	root, err := strict.JSON5(data)
	if err != nil {
		return nil, err
	}
	if path.Base(name) == "package.json" {
		if root = strict.Child(root, "renovate"); root == nil {
			return nil, nil
		}
	}
	if root.Kind != strict.Mapping {
		return nil, errNoObject
	}
	return root, nil
}

// Rules returns those package rules in Renovate's settings that are hints.
func Rules(root *strict.Node) []Rule {
	all := []*strict.Node{root, strict.Child(root, "docker")}
	if rules := strict.Child(root, "packageRules"); rules != nil && rules.Kind == strict.Sequence {
		all = slices.Concat(all, rules.Content)
	}
	var kept []Rule
	for _, n := range all {
		if rule := ruleOf(n); rule.Hint != (Hint{}) {
			kept = append(kept, rule)
		}
	}
	return kept
}

// ruleOf reads a package rule. The hint is empty for one that concerns no image.
func ruleOf(n *strict.Node) Rule {
	if n == nil || n.Kind != strict.Mapping {
		return Rule{}
	}
	list := func(name string) []string { return textsOf(strict.Child(n, name)) }
	if sources := list("matchDatasources"); len(sources) > 0 && !slices.Contains(sources, "docker") {
		return Rule{}
	}
	rule := Rule{Names: slices.Concat(list("matchPackageNames"), list("matchDepNames")), Prefixes: list("matchPackagePrefixes")}
	for _, pattern := range list("matchPackagePatterns") {
		rule.Names = append(rule.Names, "/"+pattern+"/")
	}
	age := textOf(n, "minimumReleaseAge")
	if days := textOf(n, "stabilityDays"); age == "" && days != "" { // its old name
		age = days + " days"
	}
	rule.MinAge, _ = ReleaseAge(age) // it is a hint
	if allowed := textOf(n, "allowedVersions"); !strings.HasPrefix(allowed, "/") && !strings.HasPrefix(allowed, "!/") {
		rule.Allowed = allowed
	}
	return rule
}

// textsOf returns the texts of a list, or the one that stands alone.
func textsOf(n *strict.Node) []string {
	switch {
	case n == nil:
		return nil
	case n.Kind == strict.Scalar:
		return []string{n.Value}
	}
	var all []string
	for _, item := range n.Content {
		if item.Kind == strict.Scalar {
			all = append(all, item.Value)
		}
	}
	return all
}

// ages matches a length of time as Renovate reads it: "3 days", "2 weeks".
var ages = pinsetter.Pattern(`^([0-9]+)\s*(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?|years?|y)$`)

// unit returns the length of a unit by its first letter. A month has 30 days and a
// year 365.25, as in Renovate's reader.
func unit(name string) time.Duration {
	const day = 24 * time.Hour
	switch {
	case strings.HasPrefix(name, "mo"):
		return 30 * day
	case name[0] == 'm':
		return time.Minute
	case name[0] == 'h':
		return time.Hour
	case name[0] == 'd':
		return day
	case name[0] == 'w':
		return 7 * day
	}
	return 365*day + 6*time.Hour
}

// maxAge is more than anybody waits.
const maxAge = 10 * 365 * 24 * time.Hour

// ReleaseAge reads a minimumReleaseAge; 0 is none.
func ReleaseAge(text string) (time.Duration, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" || text == "null" || strings.HasPrefix(text, "0 ") {
		return 0, nil
	}
	m := ages().FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("minimumReleaseAge %q is no length of time", text)
	}
	n := 0
	for _, c := range m[1] {
		if n = 10*n + int(c-'0'); n > 1_000_000 {
			return 0, fmt.Errorf("minimumReleaseAge %q is too long", text)
		}
	}
	age := time.Duration(n) * unit(m[2])
	if age > maxAge || age < 0 {
		return 0, fmt.Errorf("minimumReleaseAge %q is too long", text)
	}
	return age, nil
}
