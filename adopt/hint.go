package adopt

import (
	"path"
	"regexp"
	"slices"
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
