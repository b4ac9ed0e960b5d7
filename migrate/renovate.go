package migrate

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// isRenovateFile reports whether a file of that name may be a configuration.
func isRenovateFile(name string) bool {
	return slices.ContainsFunc(adopt.RenovateFiles, func(known string) bool { return path.Base(known) == path.Base(name) })
}

// renovate translates the first configuration that is there, as Renovate reads it.
func (t *translation) renovate() {
	for _, name := range adopt.RenovateFiles {
		i := slices.IndexFunc(t.tree.Files, func(f File) bool { return f.Path == name })
		if i < 0 {
			continue
		}
		root, err := adopt.ReadRenovate(name, t.tree.Files[i].Data)
		if err != nil {
			t.err = fmt.Errorf("%s: %w", name, err)
			return
		}
		if root == nil {
			continue
		}
		c := &renovateConfig{t: t, path: name}
		c.read(root)
		c.apply()
		t.off = append(t.off,
			`stop Renovate for these images before the first run, or the two take turns: add {"matchDatasources": ["docker"], "enabled": false} as the last of packageRules, and keep the rest for what is no image`,
			"close its open pull requests for images, and its branches renovate/*")
		return
	}
}

// The steps that Renovate tells apart.
const (
	stepMajor  = "major"
	stepMinor  = "minor"
	stepPatch  = "patch"
	stepDigest = "digest"
)

// steps are all of them, from large to small.
var steps = []string{stepMajor, stepMinor, stepPatch, stepDigest}

// renovateConfig is a configuration of Renovate, as far as it concerns images.
type renovateConfig struct {
	t    *translation
	path string

	rules    []renovateRule // in order; the first is the base
	ignored  []string       // ignoreDeps
	skipPath []string       // ignorePaths
	onlyPath []string       // includePaths
	managers []string       // enabledManagers; nil: all
	ownPaths bool           // ignorePaths replaces those of presets
	patterns map[string][]string
	zone     string

	deliveries map[string][]spec.PullRequestSpec // by name
}

// renovateRule is a packageRule, or what is like one.
type renovateRule struct {
	at      Entry
	match   []matcher
	steps   []string // nil: all
	unknown []string // matchers that can't be judged
	set     settings
	used    bool // it applied to an image
}

// settings are what a rule sets. What is nil it leaves.
type settings struct {
	enabled    *bool
	allowed    *string
	age        *string
	schedule   []string
	group      *string
	automerge  *bool
	labels     []string
	addLabels  []string
	reviewers  []string
	assignees  []string
	draft      *bool
	versioning *string
	pinDigests *bool
	followTag  *string
}

// limits reports whether the settings forbid something.
func (s settings) limits() bool {
	return s.enabled != nil && !*s.enabled || s.allowed != nil || s.age != nil || s.schedule != nil || s.followTag != nil || s.versioning != nil
}

// isEmpty reports whether nothing is set.
func (s settings) isEmpty() bool { return reflect.ValueOf(s).IsZero() }

// over returns the settings with those of a later rule over them.
func (s settings) over(later settings) settings {
	take(&s.enabled, later.enabled)
	take(&s.allowed, later.allowed)
	take(&s.age, later.age)
	take(&s.group, later.group)
	take(&s.automerge, later.automerge)
	take(&s.draft, later.draft)
	take(&s.versioning, later.versioning)
	take(&s.pinDigests, later.pinDigests)
	take(&s.followTag, later.followTag)
	for _, list := range []struct{ to, from *[]string }{
		{&s.schedule, &later.schedule}, {&s.labels, &later.labels}, {&s.reviewers, &later.reviewers}, {&s.assignees, &later.assignees},
	} {
		if *list.from != nil {
			*list.to = *list.from
		}
	}
	s.addLabels = slices.Concat(s.addLabels, later.addLabels)
	return s
}

func take[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}

// entry describes a setting.
func (c *renovateConfig) entry(n *strict.Node, kind, from string) Entry {
	return Entry{Path: c.path, Line: n.Line, Kind: kind, From: from}
}

// read reads a configuration. What is more special comes later and wins: presets,
// the settings themselves, those of managers and steps, the rules of presets, and
// packageRules.
func (c *renovateConfig) read(root *strict.Node) {
	c.patterns = map[string][]string{}
	base := renovateRule{at: c.entry(root, "setting", whole), used: true}
	var presets, special, presetRules, rules []renovateRule
	for _, f := range strict.Fields(root) {
		name := f.Key.Value
		switch name {
		case "extends":
			for _, n := range f.Value.Content {
				for _, r := range c.preset(n) {
					if r.match == nil && r.steps == nil {
						presets = append(presets, r)
					} else {
						presetRules = append(presetRules, r)
					}
				}
			}
		case "packageRules":
			for i, rule := range f.Value.Content {
				rules = append(rules, c.packageRule(rule, fmt.Sprintf("packageRules[%d]", i))...)
			}
		case "major", "minor", "patch", "digest", "pin", "pinDigest":
			special = append(special, c.stepRule(f))
		case "docker":
			special = append(special, c.nested(f, renovateRule{}))
		case "ignoreDeps":
			c.ignored = append(c.ignored, listOf(f.Value)...)
		case "ignorePaths":
			c.skipPath = listOf(f.Value) // it replaces those of presets
			c.ownPaths = true
		case "includePaths":
			c.onlyPath = append(c.onlyPath, listOf(f.Value)...)
		case "enabledManagers":
			c.managers = append(c.managers, listOf(f.Value)...)
		default:
			if _, known := managerFiles[name]; known && f.Value.Kind == strict.Mapping {
				special = append(special, c.manager(f))
			} else if !c.setting(f, &base.set) {
				c.passOver(f)
			}
		}
	}
	c.rules = slices.Concat(presets, []renovateRule{base}, special, presetRules, rules)
}

// whole is what the settings outside of rules are called.
const whole = "configuration"

// manager reads the settings of a manager: which files it reads, and more.
func (c *renovateConfig) manager(f strict.Field) renovateRule {
	name := f.Key.Value
	r := renovateRule{at: c.entry(f.Key, "rule", name), match: []matcher{{kind: "managers", patterns: []string{name}}}}
	for _, inner := range strict.Fields(f.Value) {
		switch key := inner.Key.Value; key {
		case "fileMatch", "managerFilePatterns":
			for _, pattern := range listOf(inner.Value) {
				if key == "fileMatch" {
					pattern = "/" + pattern + "/"
				}
				c.patterns[name] = append(c.patterns[name], pattern)
			}
		default:
			if !c.setting(inner, &r.set) {
				c.passOver(inner)
			}
		}
	}
	return r
}

// packageRule reads one of packageRules, and the rules for steps within it.
func (c *renovateConfig) packageRule(n *strict.Node, name string) []renovateRule {
	if n.Kind != strict.Mapping {
		return nil
	}
	r := renovateRule{at: c.entry(n, "rule", name)}
	if text := strict.Text(strict.Child(n, "description")); text != "" {
		r.at.From += ": " + text
	}
	var nested []strict.Field
	for _, f := range strict.Fields(n) {
		key := f.Key.Value
		switch {
		case key == "description":
		case key == "matchUpdateTypes":
			r.steps = append([]string{}, listOf(f.Value)...)
		case strings.HasPrefix(key, "match") || strings.HasPrefix(key, "exclude"):
			m, ok := newMatcher(key, listOf(f.Value))
			if !ok {
				r.unknown = append(r.unknown, key)
				continue
			}
			r.match = append(r.match, m)
		case slices.Contains(steps, key):
			nested = append(nested, f)
		default:
			if !c.setting(f, &r.set) {
				c.passOver(f)
			}
		}
	}
	all := []renovateRule{r}
	for _, f := range nested {
		inner := c.nested(f, r)
		inner.steps = []string{f.Key.Value}
		all = append(all, inner)
	}
	return all
}

// nested reads settings for what another rule is about.
func (c *renovateConfig) nested(f strict.Field, about renovateRule) renovateRule {
	r := renovateRule{at: c.entry(f.Key, "rule", f.Key.Value), match: about.match, unknown: about.unknown}
	c.settings(f.Value, &r.set)
	return r
}

// stepRule reads the settings of a step, such as major: {enabled: false}.
func (c *renovateConfig) stepRule(f strict.Field) renovateRule {
	r := c.nested(f, renovateRule{})
	r.steps = []string{f.Key.Value}
	return r
}

func (c *renovateConfig) settings(n *strict.Node, to *settings) {
	if n.Kind != strict.Mapping {
		return
	}
	for _, f := range strict.Fields(n) {
		if !c.setting(f, to) {
			c.passOver(f)
		}
	}
}

// setting reads one setting that we have a word for.
func (c *renovateConfig) setting(f strict.Field, to *settings) bool {
	text := strict.Text(f.Value)
	is := text == "true"
	switch f.Key.Value {
	case "enabled":
		to.enabled = &is
	case "allowedVersions":
		to.allowed = &text
	case "minimumReleaseAge", "stabilityDays":
		if f.Key.Value == "stabilityDays" {
			text += " days"
		}
		to.age = &text
	case "schedule":
		to.schedule = append([]string{}, listOf(f.Value)...)
	case "timezone":
		c.zone = text
	case "groupName":
		to.group = &text
	case "automerge":
		to.automerge = &is
	case "labels":
		to.labels = append([]string{}, listOf(f.Value)...)
	case "addLabels":
		to.addLabels = listOf(f.Value)
	case "reviewers":
		to.reviewers = reviewers(listOf(f.Value))
	case "assignees":
		to.assignees = reviewers(listOf(f.Value))
	case "draftPR":
		to.draft = &is
	case "versioning":
		to.versioning = &text
	case "pinDigests":
		to.pinDigests = &is
	case "followTag":
		to.followTag = &text
	default:
		return false
	}
	return true
}

// reviewers are names as a PullRequest has them, without what Renovate puts in
// front of them.
func reviewers(names []string) []string {
	all := []string{}
	for _, name := range names {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "@"), "team:")
		all = append(all, name)
	}
	return all
}

// uncounted are the settings that have no counterpart, and why.
var uncounted = map[string]string{
	"prConcurrentLimit":           "there is no bound on open pull requests: group them (PullRequest spec.groupBy)",
	"branchConcurrentLimit":       "there is no bound on open pull requests: group them (PullRequest spec.groupBy)",
	"prHourlyLimit":               "there is no bound on pull requests an hour: a Gate's windows say when something may be written",
	"commitHourlyLimit":           "there is no bound on commits an hour: a Gate's windows say when something may be written",
	"rebaseWhen":                  "a branch is built anew whenever its content changes, and never else",
	"recreateWhen":                "a closed pull request is refused until a better version comes",
	"dependencyDashboard":         "the status page of serve shows what is held",
	"customManagers":              "a marker stands behind each value that moves: write one by hand",
	"regexManagers":               "a marker stands behind each value that moves: write one by hand",
	"hostRules":                   "credentials are Secrets: give them with --secrets, and name them in ImageRepository spec.secretRef",
	"registryAliases":             "the image is asked at the registry that its name says",
	"registryUrls":                "the image is asked at the registry that its name says",
	"automergeType":               "a pull request is merged, whatever it is",
	"automergeStrategy":           "the forge's default is used",
	"automergeSchedule":           "a Gate's windows say when something may be written, not when it is merged",
	"platformAutomerge":           "the pull request is merged once the forge's rules allow",
	"separateMajorMinor":          "a policy has one best tag: a Gate with maxBump keeps to a step",
	"separateMultipleMajor":       "a policy has one best tag: a Gate with maxBump keeps to a step",
	"separateMinorPatch":          "a policy has one best tag: a Gate with maxBump keeps to a step",
	"baseBranches":                "an automation reads one branch: write one for each, with spec.git.checkout.ref",
	"baseBranchPatterns":          "an automation reads one branch: write one for each, with spec.git.checkout.ref",
	"ignoreUnstable":              "prereleases are candidates only where a policy's range has one",
	"respectLatest":               "a policy takes the best tag, whatever latest is",
	"replacementName":             "a policy follows one image: change the name by hand",
	"dependencyDashboardApproval": "a pull request is opened at once, and waits to be merged",
	"branchPrefix":                "the branch of a PullRequest is pinsetter/…: set its spec.branch",
	"prBodyNotes":                 "set PullRequest spec.body",
	"commitMessagePrefix":         "set ImageUpdateAutomation spec.git.commit.messageTemplate",
	"internalChecksFilter":        "a candidate that no gate refuses is taken",
	"minimumReleaseAgeBehaviour":  "the age counts from when a tag was first seen, which every registry can tell",
}

// about are the beginnings of settings that say how something looks, or are about
// what is no image.
var about = []string{
	"$schema", "description", "commit", "semantic", "prTitle", "prBody", "prFooter", "prHeader", "dependencyDashboard", "changelog", "fetchChangeLogs",
	"lockFileMaintenance", "npm", "postUpdateOptions", "rangeStrategy", "git", "vulnerabilityAlerts", "osvVulnerabilityAlerts", "onboarding", "config",
	"platform", "username", "repositories", "constraints", "suppressNotifications", "additionalBranchPrefix", "groupSlug", "labels", "prPriority", "prCreation",
}

// passOver lists a setting that has no counterpart.
func (c *renovateConfig) passOver(f strict.Field) {
	name := f.Key.Value
	if name == "$schema" || name == "description" {
		return
	}
	at := c.entry(f.Key, "setting", name)
	switch reason, known := uncounted[name]; {
	case known:
		c.t.skip(at, reason)
	case slices.ContainsFunc(about, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
		c.t.skip(at, "it is about how changes look, or about what is no image")
	default:
		c.t.skip(at, "it has no counterpart")
	}
}
