package migrate

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// keel reads what Keel is told into a translation.
type keel struct{ *translation }

// keelSetting is how Keel follows the images of a workload or a chart
// (https://keel.sh/docs).
type keelSetting struct {
	at       Entry
	policy   string
	matchTag bool
	loose    bool // matchPreRelease: false
	poll     bool // trigger: poll
	schedule string
	approved int // approvals that an update needs
	secret   string
	others   []string // settings that say nothing about versions
}

// keel translates the annotations and labels of workloads, and keel: in Helm's
// values.
func (t *translation) keel() {
	k := keel{t}
	for _, f := range t.files {
		for _, d := range f.sheet.Documents {
			if d.Root == nil || d.Root.Kind != strict.Mapping {
				continue
			}
			k.workload(f, d)
			k.values(f, d, d.Root, 0)
		}
	}
	t.off = append(t.off,
		"take the annotations and labels keel.sh/* off the workloads, and keel: out of Helm's values",
		"stop Keel before the first run: it writes to the cluster, which Git then undoes (kubectl delete namespace keel, or helm uninstall keel)",
		"reload what has a moving tag once: from now on its digest is in Git")
}

// keelOption reads an option of a workload: an annotation, else a label.
func keelOption(metadata *strict.Node, names ...string) (string, *strict.Node) {
	for _, place := range []string{"annotations", "labels"} {
		n := strict.Child(metadata, place)
		if n == nil || n.Kind != strict.Mapping {
			continue
		}
		for _, name := range names {
			if f := strict.Lookup(strict.Fields(n), name); f != nil {
				return strings.TrimSpace(strict.Text(f.Value)), f.Key
			}
		}
	}
	return "", nil
}

func (k keel) workload(f *file, d setters.Document) {
	metadata := strict.Child(d.Root, "metadata")
	policy, key := keelOption(metadata, "keel.sh/policy", "keel.observer/policy")
	if key == nil {
		return
	}
	option := func(names ...string) string {
		for i := range names {
			names[i] = "keel.sh/" + names[i]
		}
		text, _ := keelOption(metadata, names...)
		return text
	}
	s := keelSetting{
		at:       Entry{Path: f.Path, Line: d.LineOf(key), Kind: "policy", From: policy},
		policy:   policy,
		matchTag: option("matchTag", "match-tag") == "true",
		loose:    option("matchPreRelease") == "false",
		poll:     option("trigger") == "poll",
		schedule: option("pollSchedule"),
		secret:   option("imagePullSecret"),
	}
	s.approved, _ = strconv.Atoi(option("approvals"))
	for _, name := range []string{"notify", "releaseNotes", "approvalDeadline"} {
		if option(name) != "" {
			s.others = append(s.others, name)
		}
	}
	containers, reason := keelContainers(d.Root, option("monitorContainers"), option("initContainers") == "true")
	switch {
	case reason != "":
		k.skip(s.at, reason)
		return
	case len(containers) == 0:
		k.skip(s.at, "the workload has no container whose image it could move")
		return
	}
	k.sayOthers(s)
	for _, n := range containers {
		ref, ok := wholeAt(f, d, n)
		if !ok {
			k.skip(s.at, placeOf(f.Path, d.LineOf(n))+": "+strconv.Quote(n.Value)+" has no tag to move")
			continue
		}
		k.image(s, ref)
	}
}

// keelContainers returns the images of the containers that Keel watches.
func keelContainers(root *strict.Node, monitor string, initToo bool) ([]*strict.Node, string) {
	watched, err := regexp.Compile(monitor)
	if err != nil {
		return nil, fmt.Sprintf("monitorContainers %q is no pattern", monitor)
	}
	pod := child(child(child(root, "spec"), "template"), "spec")
	if job := child(child(root, "spec"), "jobTemplate"); job != nil {
		pod = child(child(child(job, "spec"), "template"), "spec")
	}
	lists := []string{"containers"}
	if initToo {
		lists = append(lists, "initContainers")
	}
	var all []*strict.Node
	for _, list := range lists {
		containers := child(pod, list)
		if containers == nil || containers.Kind != strict.Sequence {
			continue
		}
		for _, c := range containers.Content {
			if image := child(c, "image"); image != nil && watched.MatchString(strict.Text(child(c, "name"))) {
				all = append(all, image)
			}
		}
	}
	return all, ""
}

// values translates "keel:" in Helm's values, wherever they stand: in a file,
// a HelmRelease, an Application.
func (k keel) values(f *file, d setters.Document, n *strict.Node, depth int) {
	if depth == maxWalk {
		return
	}
	if n.Kind == strict.Mapping {
		if keel := child(n, "keel"); strict.Text(child(keel, "policy")) != "" {
			k.chart(f, d, n, keel)
		}
	}
	for _, below := range n.Content {
		k.values(f, d, below, depth+1)
	}
}

func (k keel) chart(f *file, d setters.Document, values, keel *strict.Node) {
	text := func(name string) string { return strict.Text(child(keel, name)) }
	s := keelSetting{
		at:       Entry{Path: f.Path, Line: d.LineOf(child(keel, "policy")), Kind: "policy", From: text("policy")},
		policy:   text("policy"),
		matchTag: text("matchTag") == "true",
		loose:    text("matchPreRelease") == "false",
		poll:     text("trigger") == "poll",
		schedule: text("pollSchedule"),
	}
	s.approved, _ = strconv.Atoi(text("approvals"))
	for _, name := range []string{"notificationChannels", "approvalDeadline"} {
		if child(keel, name) != nil {
			s.others = append(s.others, name)
		}
	}
	images := child(keel, "images")
	if images == nil || images.Kind != strict.Sequence || len(images.Content) == 0 {
		k.skip(s.at, "keel.images is missing, and so nothing was moved")
		return
	}
	k.sayOthers(s)
	for _, image := range images.Content {
		repository := strict.Text(lookup(values, strict.Text(child(image, "repository"))))
		tag := lookup(values, strict.Text(child(image, "tag")))
		text := strict.Text(tag)
		own := s
		own.secret = cmp.Or(strict.Text(child(image, "imagePullSecret")), s.secret)
		if repository == "" || text == "" || holdsVariable(repository) || holdsVariable(text) {
			k.skip(own.at, placeOf(f.Path, d.LineOf(image))+": the values have no image and tag at the paths that it names")
			continue
		}
		k.image(own, partsAt(f, d, repository, tag, lookup(values, strict.Text(child(image, "digest")))))
	}
}

// sayOthers lists the settings that nothing of ours is like.
func (k keel) sayOthers(s keelSetting) {
	reasons := map[string]string{
		"notify":               "who is told is said by Alert and Provider objects",
		"notificationChannels": "who is told is said by Alert and Provider objects",
		"releaseNotes":         "a commit message has no place for it",
		"approvalDeadline":     "a pull request stays open until somebody closes it",
	}
	for _, name := range s.others {
		at := s.at
		at.Kind, at.From = "setting", name
		k.skip(at, reasons[name])
	}
	if _, every, is := strings.Cut(s.schedule, "@every "); s.schedule != "" && !is {
		at := s.at
		at.Kind, at.From = "setting", "pollSchedule "+s.schedule
		k.skip(at, "an image is listed at an interval, here 5m: set ImageRepository spec.interval")
	} else if _, err := time.ParseDuration(every); is && err != nil {
		at := s.at
		at.Kind, at.From = "setting", "pollSchedule "+s.schedule
		k.skip(at, "it is no length of time")
	}
}

// image translates the policy for one image.
func (k keel) image(s keelSetting, ref reference) {
	at := s.at
	at.From = s.policy + " of " + ref.String()
	r, reason := s.rule(ref)
	if reason != "" {
		k.skip(at, reason)
		return
	}
	if every, is := strings.CutPrefix(s.schedule, "@every "); is {
		if d, err := time.ParseDuration(every); err == nil && d >= time.Second {
			r.Interval = d
		}
	}
	if s.secret != "" {
		r.Secret = s.secret
	}
	if s.approved > 0 {
		r.Delivery = k.proposed("approved", spec.PullRequestSpec{GroupBy: spec.GroupByPolicy})
	}
	k.want(at, r, ref.marks)
}

// rule translates a policy for an image with the tag that it has now, which Keel
// measures steps from.
func (s keelSetting) rule(ref reference) (*rule, string) {
	kind, pattern, _ := strings.Cut(s.policy, ":")
	switch kind {
	case "all", "major", "minor", "patch":
		return s.semantic(ref)
	case "force":
		return s.forced(ref)
	case "glob":
		if strings.Contains(pattern, ":") || pattern == "" {
			return nil, "the pattern is none that Keel reads"
		}
		parts := strings.Split(pattern, "*") // a star is its only wildcard
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		return s.lastOf(ref, "^"+strings.Join(parts, ".*")+"$", "")
	case "regexp":
		re, err := regexp.Compile(pattern)
		switch {
		case err != nil:
			return nil, "the pattern doesn't compile, and so Keel did nothing: " + err.Error()
		case re.SubexpIndex("compare") >= 0:
			return s.lastOf(ref, pattern, "$compare")
		}
		return s.lastOf(ref, pattern, "")
	case "never", "none":
		return nil, "it is switched off"
	}
	return nil, fmt.Sprintf("%q is no policy of Keel, which did nothing", s.policy)
}

// lastOf takes the last of the tags that a pattern matches, as Keel sorts them.
func (s keelSetting) lastOf(ref reference, pattern, extract string) (*rule, string) {
	r := sorted(ref.image)
	r.Filter = &spec.TagFilter{Pattern: pattern, Extract: extract}
	if err := r.check(); err == nil && !r.takes(ref.tag) {
		return nil, "its pattern doesn't match the tag that is written, " + ref.tag + ": write one that it does"
	}
	return r, ""
}

// forced follows the digest of a tag, where Keel watches that tag alone.
func (s keelSetting) forced(ref reference) (*rule, string) {
	_, isVersion := keelVersion(ref.tag)
	if !s.matchTag && (isVersion || !s.poll) {
		return nil, "policy force takes whatever tag was pushed last, which the list of a registry doesn't tell: " +
			"add keel.sh/match-tag: \"true\" if this tag's digest is to be followed, or choose another policy"
	}
	return digestOf(ref.image, ref.tag), ""
}

// threeParts matches the versions that a semver policy takes, and captures what
// Keel compares as the prerelease.
var threeParts = pinsetter.Pattern(`^(v?)[0-9]+\.[0-9]+\.[0-9]+(?:-([0-9A-Za-z.-]+))?$`)

// keelVersion returns the prerelease of a version that has three parts.
func keelVersion(tag string) (string, bool) {
	m := threeParts().FindStringSubmatch(tag)
	if m == nil {
		return "", false
	}
	return m[2], true
}

// semantic translates a step: the versions above the written one, which the gate
// bounds by the size of the step. A prerelease is compared with its like, such as
// 1.2.0-alpine with 1.3.0-alpine.
func (s keelSetting) semantic(ref reference) (*rule, string) {
	prerelease, ok := keelVersion(ref.tag)
	if !ok {
		return nil, "the tag that is written, " + ref.tag + ", is no version of three numbers, which a semver policy needs: write one"
	}
	r := versions(ref.image, "*")
	switch {
	case s.policy == "all" || s.loose:
		r.Policy.SemVer.Range = ">=0.0.0-0"
	case prerelease != "":
		r.Filter = &spec.TagFilter{
			Pattern: `^(?P<version>v?[0-9]+\.[0-9]+\.[0-9]+)-` + regexp.QuoteMeta(prerelease) + "$",
			Extract: "$version",
		}
	}
	switch s.policy {
	case "minor":
		r.add(maxBump(spec.BumpMinor))
	case "patch":
		r.add(maxBump(spec.BumpPatch))
	}
	return r, ""
}
