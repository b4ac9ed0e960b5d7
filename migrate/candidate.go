package migrate

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/spec"
)

// candidate is a reference that Renovate finds, and the manager that finds it.
type candidate struct {
	ref     reference
	manager string
}

// managerFiles are the files that Renovate's managers read by themselves, of those
// whose values are YAML (https://docs.renovatebot.com/modules/manager/).
var managerFiles = map[string][]string{
	"helm-values":    {`/(^|/)values\.ya?ml$/`},
	"kustomize":      {`/(^|/)kustomization\.ya?ml$/`},
	"docker-compose": {`/(^|/)(?:docker-)?compose[^/]*\.ya?ml$/`},
	"flux":           {`/(^|/)gotk-components\.ya?ml$/`},
	"kubernetes":     nil,
	"argocd":         nil,
	"helmv3":         {`/(^|/)Chart\.ya?ml$/`},
	"helmfile":       nil,
	"crossplane":     nil,
	"tekton":         nil,
	"gitlabci":       {`/\.gitlab-ci\.ya?ml$/`},
	"woodpecker":     {`/^\.woodpecker(?:/[^/]+)?\.ya?ml$/`},
	"droneci":        {`/(^|/)\.drone\.yml$/`},
	"ansible":        {`/(^|/)tasks/[^/]+\.ya?ml$/`},
}

// managerOf returns the manager that reads a file, or "".
func (c *renovateConfig) managerOf(name string) string {
	for _, m := range slices.Sorted(maps.Keys(managerFiles)) {
		if c.managers != nil && !slices.Contains(c.managers, m) {
			continue
		}
		for _, pattern := range slices.Concat(managerFiles[m], c.patterns[m]) {
			if matchesOne(name, pattern) {
				return m
			}
		}
	}
	return ""
}

// apply translates every image that Renovate finds.
func (c *renovateConfig) apply() {
	found := false
	for _, f := range c.t.files {
		manager := c.managerOf(f.Path)
		if manager == "" || matchesAny(f.Path, c.skipPath) || c.onlyPath != nil && !matchesAny(f.Path, c.onlyPath) {
			continue
		}
		for _, ref := range c.t.references(f) {
			found = true
			c.image(candidate{ref, manager})
		}
	}
	if !found {
		c.t.skip(Entry{Path: c.path, Line: 1, Kind: "setting", From: whole}, "Renovate finds no image in YAML here: its managers kubernetes, argocd and flux read only the files that managerFilePatterns names")
	}
	for _, r := range c.rules {
		switch {
		case r.at.From == whole:
		case r.used:
			c.t.say(r.at, "in the policies of the images that it is about")
		case len(r.unknown) > 0:
			c.t.skip(r.at, "it can't be told which images it is about: "+strings.Join(r.unknown, ", "))
		case r.set.isEmpty():
		default:
			c.t.skip(r.at, "it applies to no image that Renovate finds here")
		}
	}
}

// matchesAny reports whether a file is below one of the paths, which may be globs.
func matchesAny(name string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		return matchesOne(name, p) || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/")
	})
}

// image translates what the configuration says of one image.
func (c *renovateConfig) image(p candidate) {
	at := p.ref.at
	at.From = p.ref.String()
	if p.ref.skipped != "" {
		c.t.skip(at, p.ref.skipped)
		return
	}
	if matchesList(p.ref.image, c.ignored) {
		c.t.skip(at, "ignoreDeps names it")
		return
	}
	by, doubt := c.stepsOf(p)
	if doubt != "" {
		c.t.skip(at, doubt)
		return
	}
	r, reason := c.ruleOf(p, by)
	if reason != "" {
		c.t.skip(at, reason)
		return
	}
	c.t.want(at, r, p.ref.marks)
}

// stepsOf returns the settings of an image by step. Doubt is why they can't be
// known.
func (c *renovateConfig) stepsOf(p candidate) (by map[string]settings, doubt string) {
	by = map[string]settings{}
	for i := range c.rules {
		r := &c.rules[i]
		if slices.ContainsFunc(r.match, func(m matcher) bool { return !m.matches(p) }) {
			continue
		}
		if len(r.unknown) > 0 {
			if r.set.limits() {
				return nil, r.at.From + " may limit it, and it can't be told whether: " + strings.Join(r.unknown, ", ")
			}
			continue
		}
		r.used = true
		for _, step := range steps {
			if r.steps == nil || slices.Contains(r.steps, step) {
				by[step] = by[step].over(r.set)
			}
		}
	}
	return by, ""
}

// ruleOf translates the settings of an image.
func (c *renovateConfig) ruleOf(p candidate, by map[string]settings) (*rule, string) {
	var open []string // the steps that are taken
	for _, step := range steps[:3] {
		if s := by[step]; s.enabled == nil || *s.enabled {
			open = append(open, step)
		}
	}
	digest := by[stepDigest].enabled == nil || *by[stepDigest].enabled
	pinned := p.ref.sha != "" || !p.ref.chart && by[stepDigest].pinDigests != nil && *by[stepDigest].pinDigests
	if len(open) == 0 {
		if digest && pinned && p.ref.tag != "" {
			r := digestOf(p.ref.image, p.ref.tag)
			r.Delivery = c.delivery(p, by, []string{stepDigest})
			return r, c.gates(r, by, []string{stepDigest})
		}
		return nil, "it is switched off"
	}
	s := by[open[len(open)-1]]
	for _, step := range open {
		if text(by[step].allowed) != text(s.allowed) || text(by[step].versioning) != text(s.versioning) || text(by[step].followTag) != text(s.followTag) {
			return nil, "which versions are allowed differs by step, and a policy is one for all: split it by hand"
		}
	}
	if digest && pinned && shape().FindString(p.ref.tag) == "" && p.ref.tag != "" && text(s.versioning) == "" {
		r := digestOf(p.ref.image, p.ref.tag) // no version: its digest alone moves
		r.Delivery = c.delivery(p, by, []string{stepDigest})
		return r, c.gates(r, by, []string{stepDigest})
	}
	r, reason := versioned(p.ref, s)
	if reason != "" {
		return nil, reason
	}
	switch strings.Join(open, " ") {
	case "major minor patch":
	case "minor patch":
		r.add(maxBump(spec.BumpMinor))
	case "patch":
		r.add(maxBump(spec.BumpPatch))
	default:
		return nil, "only steps of " + strings.Join(open, " and ") + " are taken, and a Gate bounds the largest step alone"
	}
	switch {
	case pinned && digest:
		r.Digest = spec.ReflectAlways
		open = append(open, stepDigest)
	case pinned:
		r.Digest = spec.ReflectIfNotPresent
	}
	if reason := c.gates(r, by, open); reason != "" {
		return nil, reason
	}
	r.Delivery = c.delivery(p, by, open)
	return r, ""
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// gates adds the gates of the steps that are taken, or says why they can't be.
func (c *renovateConfig) gates(r *rule, by map[string]settings, open []string) string {
	var age time.Duration
	for _, step := range open {
		of, err := adopt.ReleaseAge(text(by[step].age))
		if err != nil {
			return err.Error()
		}
		age = max(age, of) // the longest holds for all
		if !slices.Equal(by[step].schedule, by[open[0]].schedule) {
			return "its schedule differs by step, and a Gate is one for all: split it by hand"
		}
	}
	if age > 0 {
		r.add(minAge(age))
	}
	times, err := windowsOf(by[open[0]].schedule, c.zone)
	if err != nil {
		return err.Error()
	}
	if len(times) > 0 {
		r.add(windows(times))
	}
	return ""
}

// delivery returns the pull requests that an image's changes are proposed in.
func (c *renovateConfig) delivery(p candidate, by map[string]settings, open []string) delivery {
	first := by[open[0]]
	group := text(first.group)
	var merged, grouped []string
	for _, step := range open {
		s := by[step]
		if s.automerge != nil && *s.automerge {
			merged = append(merged, step)
		}
		if text(s.group) != "" {
			grouped = append(grouped, step)
		}
		if text(s.group) != group {
			group = ""
		}
	}
	merge := len(merged) == len(open)
	at := p.ref.at
	at.Kind = "setting"
	if len(merged) > 0 && !merge {
		at.From = "automerge of " + strings.Join(merged, ", ") + " for " + p.ref.image
		c.t.skip(at, "a pull request is merged by itself whatever the step, or never: it waits for people")
	}
	if len(grouped) > 0 && group == "" {
		at.From = "groupName of " + strings.Join(grouped, ", ") + " for " + p.ref.image
		c.t.skip(at, "a policy is in one group whatever the step: it has a pull request of its own")
	}
	proposal := spec.PullRequestSpec{
		GroupBy: spec.GroupByPolicy, AutoMerge: merge,
		Labels:    slices.Concat(first.labels, first.addLabels),
		Reviewers: first.reviewers, Assignees: first.assignees,
		Draft: first.draft != nil && *first.draft,
	}
	name := "renovate"
	if group != "" && !strings.Contains(group, "{{") {
		proposal.GroupBy = spec.GroupByAutomation
		name = objectName(group)
	}
	if merge {
		name += "-merged"
	}
	return c.t.proposed(c.named(name, proposal), proposal)
}

// named returns the name of a delivery, which differs where the pull requests do.
func (c *renovateConfig) named(name string, p spec.PullRequestSpec) string {
	if c.deliveries == nil {
		c.deliveries = map[string][]spec.PullRequestSpec{}
	}
	same := func(q spec.PullRequestSpec) bool {
		return q.GroupBy == p.GroupBy && q.AutoMerge == p.AutoMerge && q.Draft == p.Draft &&
			slices.Equal(q.Labels, p.Labels) && slices.Equal(q.Reviewers, p.Reviewers) && slices.Equal(q.Assignees, p.Assignees)
	}
	i := slices.IndexFunc(c.deliveries[name], same)
	if i < 0 {
		i = len(c.deliveries[name])
		c.deliveries[name] = append(c.deliveries[name], p)
	}
	if i == 0 {
		return name
	}
	return name + "-" + string(rune('a'+min(i, 25)))
}
