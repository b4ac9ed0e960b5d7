package adopt

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// Hint is what Renovate's settings say about an image.
type Hint struct {
	Allowed string        // a SemVer range; "": none
	MinAge  time.Duration // 0: none
}

// comment matches the comment that tells Renovate what a value is
// (docs.renovatebot.com/modules/manager/regex).
var comment = pinsetter.Pattern(`renovate:\s*(.*)`)

// renovated adds the tags that a "# renovate:" comment above them explains, and
// that nothing else did.
func (f *finder) renovated(n *strict.Node) {
	switch n.Kind {
	case strict.Sequence:
		for _, item := range n.Content {
			if item.Kind != 0 && strict.Target(item) == item {
				f.renovated(item)
			}
		}
	case strict.Mapping:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			m := comment().FindStringSubmatch(key.HeadComment + "\n" + value.LineComment)
			if m != nil && value.Kind == strict.Scalar {
				f.explained(m[1], value)
			}
			if strict.Target(value) == value {
				f.renovated(value)
			}
		}
	}
}

// explained adds a tag by the words of its comment.
func (f *finder) explained(words string, value *strict.Node) {
	settings := map[string]string{}
	for word := range strings.FieldsSeq(words) {
		key, text, _ := strings.Cut(word, "=")
		settings[key] = text
	}
	name := firstOf(settings, "packageName", "lookupName", "depName", "image")
	isDocker := settings["datasource"] == "docker" || settings["datasource"] == "" && settings["image"] != ""
	if !isDocker || !isImageName(name) || strings.ContainsAny(value.Value, ":/\n") && !strings.Contains(value.Value, "@sha256:") {
		return
	}
	f.parts(KindTag, name, value, nil)
}

// Rule is a package rule of a renovate.json.
type Rule struct {
	Names    []string // exact, a glob, or a pattern between slashes; empty: every package
	Prefixes []string
	Hint
}

// ParseRenovate reads the rules of a renovate.json that are hints. The error is
// for bytes that are no JSON, such as JSON5.
func ParseRenovate(data []byte) ([]Rule, error) {
	type settings struct {
		Allowed  string   `json:"allowedVersions"`
		MinAge   string   `json:"minimumReleaseAge"`
		Stable   string   `json:"stabilityDays"` // the old name, in days
		Names    []string `json:"matchPackageNames"`
		Deps     []string `json:"matchDepNames"`
		Patterns []string `json:"matchPackagePatterns"`
		Prefixes []string `json:"matchPackagePrefixes"`
		Sources  []string `json:"matchDatasources"`
	}
	var file struct {
		settings
		Docker settings   `json:"docker"`
		Rules  []settings `json:"packageRules"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("read Renovate's settings: %w", err)
	}
	var rules []Rule
	for _, s := range slices.Concat([]settings{file.settings, file.Docker}, file.Rules) {
		rule := Rule{Names: slices.Concat(s.Names, s.Deps), Prefixes: s.Prefixes, Hint: Hint{MinAge: age(s.MinAge)}}
		for _, pattern := range s.Patterns {
			rule.Names = append(rule.Names, "/"+pattern+"/")
		}
		if !strings.HasPrefix(s.Allowed, "/") && !strings.HasPrefix(s.Allowed, "!/") {
			rule.Allowed = s.Allowed
		}
		if len(s.Sources) > 0 && !slices.Contains(s.Sources, "docker") || rule.Hint == (Hint{}) {
			continue
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// age reads "3 days", "72h", "1 week"; 0 for anything else.
func age(text string) time.Duration {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz ")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	unit := strings.TrimSpace(text[len(number):])
	if err != nil || n < 0 || n > 10_000 {
		return 0
	}
	const day = 24 * time.Hour
	for prefix, d := range map[string]time.Duration{"month": 30 * day, "w": 7 * day, "d": day, "h": time.Hour} {
		if strings.HasPrefix(unit, prefix) {
			return time.Duration(n) * d
		}
	}
	if strings.HasPrefix(unit, "m") {
		return time.Duration(n) * time.Minute
	}
	return 0
}

// hint returns what the rules say of an image; later rules win, as Renovate's.
func hint(rules []Rule, image string) Hint {
	var h Hint
	for _, rule := range rules {
		if !rule.matches(image) {
			continue
		}
		if rule.Allowed != "" {
			h.Allowed = rule.Allowed
		}
		if rule.MinAge != 0 {
			h.MinAge = rule.MinAge
		}
	}
	return h
}

func (r Rule) matches(image string) bool {
	if len(r.Names)+len(r.Prefixes) == 0 {
		return true
	}
	for _, prefix := range r.Prefixes {
		if strings.HasPrefix(image, prefix) {
			return true
		}
	}
	return slices.ContainsFunc(r.Names, func(name string) bool { return matchesName(name, image) })
}

// matchesName reports whether a name of Renovate's, a glob or "/pattern/", matches
// an image.
func matchesName(name, image string) bool {
	if pattern, ok := strings.CutPrefix(name, "/"); ok && strings.HasSuffix(pattern, "/") {
		re, err := regexp.Compile(strings.TrimSuffix(pattern, "/"))
		return err == nil && re.MatchString(image)
	}
	if before, ok := strings.CutSuffix(name, "/**"); ok {
		return strings.HasPrefix(image, before+"/")
	}
	matched, err := path.Match(name, image)
	return name == image || name == "*" || name == "**" || err == nil && matched
}
