package migrate

import (
	"strings"

	"github.com/pinsetter/pinsetter/strict"
)

// presetRules are what of Renovate's own presets concerns images, as configuration
// (https://docs.renovatebot.com/presets-default/, -docker, -schedule and so on).
var presetRules = map[string]string{
	"config:best-practices":   `{"matchDatasources":["docker"],"pinDigests":true}`,
	"docker:pinDigests":       `{"matchDatasources":["docker"],"pinDigests":true}`,
	"docker:disable":          `{"matchDatasources":["docker"],"enabled":false}`,
	"docker:enableMajor":      `{"matchDatasources":["docker"],"matchUpdateTypes":["major"],"enabled":true}`,
	"docker:disableMajor":     `{"matchDatasources":["docker"],"matchUpdateTypes":["major"],"enabled":false}`,
	":disableMajorUpdates":    `{"matchUpdateTypes":["major"],"enabled":false}`,
	":disableDigestUpdates":   `{"matchUpdateTypes":["digest"],"enabled":false}`,
	":automergeAll":           `{"automerge":true}`,
	":automergeMajor":         `{"automerge":true}`,
	":automergeMinor":         `{"matchUpdateTypes":["minor","patch"],"automerge":true}`,
	":automergePatch":         `{"matchUpdateTypes":["patch"],"automerge":true}`,
	":automergeDigest":        `{"matchUpdateTypes":["digest"],"automerge":true}`,
	":automergeDisabled":      `{"automerge":false}`,
	"group:all":               `{"groupName":"all dependencies"}`,
	"schedule:daily":          `{"schedule":["* 0-3 * * *"]}`,
	"schedule:earlyMondays":   `{"schedule":["* 0-3 * * 1"]}`,
	"schedule:weekly":         `{"schedule":["* 0-3 * * 1"]}`,
	"schedule:monthly":        `{"schedule":["* 0-3 1 * *"]}`,
	"schedule:quarterly":      `{"schedule":["* * 1 */3 *"]}`,
	"schedule:yearly":         `{"schedule":["* * 1 */12 *"]}`,
	"schedule:weekdays":       `{"schedule":["* * * * 1-5"]}`,
	"schedule:weekends":       `{"schedule":["* * * * 0,6"]}`,
	"schedule:nonOfficeHours": `{"schedule":["* 0-4,22-23 * * 1-5","* * * * 0,6"]}`,
	"schedule:officeHours":    `{"schedule":["* 5-22 * * 1-5"]}`,
}

// harmless are presets, by their beginnings, that set nothing that images know.
var harmless = []string{
	"config:recommended", "config:base", "config:js-app", "config:js-lib", "config:semverAllMonthly", "helpers:", "monorepo:", "replacements:", "workarounds:",
	":semantic", ":dependencyDashboard", ":disableDependencyDashboard", ":ignoreModulesAndTests", ":ignoreUnstable", ":preserveSemverRanges", ":rebaseStalePrs",
	":prHourlyLimit", ":prConcurrentLimit", ":enableVulnerabilityAlerts", ":enablePreCommit", ":configMigration", ":gitSignOff", ":separate", ":combine", ":maintainLockFiles",
	":pinDev", ":pinVersions", ":pinAll", ":updateNotScheduled", ":noUnscheduledUpdates", "customManagers:", "regexManagers:", "npm:", "schedule:automerge", "abandonments:", "mergeConfidence:",
	"helpers:pinGitHubActionDigests", ":approveMajorUpdates", "security:", ":prImmediately", ":prNotPending", ":autodetect", "default:", "group:monorepos", "group:recommended",
}

// preset reads one of extends.
func (c *renovateConfig) preset(n *strict.Node) []renovateRule {
	name := strict.Text(n)
	at := c.entry(n, "preset", name)
	argument := ""
	if base, rest, found := strings.Cut(name, "("); found {
		argument = strings.TrimSuffix(rest, ")")
		name = base
	}
	switch {
	case name == ":timezone" && argument != "":
		c.zone = argument
		c.t.say(at, "the time zone of windows")
		return nil
	case (name == ":label" || name == ":labels") && argument != "":
		return []renovateRule{{at: at, set: settings{addLabels: listed(argument)}}}
	case name == ":assignee" && argument != "":
		return []renovateRule{{at: at, set: settings{assignees: reviewers([]string{argument})}}}
	case name == ":reviewer" && argument != "":
		return []renovateRule{{at: at, set: settings{reviewers: reviewers([]string{argument})}}}
	}
	if text := presetRules[name]; text != "" {
		if root, err := strict.JSON5([]byte(text)); err == nil {
			all := c.packageRule(root, name)
			all[0].at = at
			c.ignoreByDefault(name)
			return all
		}
	}
	c.ignoreByDefault(name)
	for _, prefix := range harmless {
		if strings.HasPrefix(name, prefix) {
			c.t.skip(at, "nothing in it concerns the tags of images")
			return nil
		}
	}
	c.t.skip(at, "what it says isn't in this folder: look whether it limits or groups images (the log of a run with LOG_LEVEL=debug has all of it), and add that to the policies")
	return nil
}

// ignoredByDefault are the paths that config:recommended ignores.
var ignoredByDefault = []string{
	"**/node_modules/**", "**/bower_components/**", "**/vendor/**", "**/examples/**", "**/__tests__/**", "**/test/**", "**/tests/**", "**/__fixtures__/**",
}

func (c *renovateConfig) ignoreByDefault(preset string) {
	switch preset {
	case "config:recommended", "config:base", "config:best-practices", ":ignoreModulesAndTests":
		if !c.ownPaths {
			c.skipPath = append(c.skipPath, ignoredByDefault...)
		}
	}
}
