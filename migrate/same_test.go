package migrate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/source"
)

// TestTheSameTag compares, over random lists of tags, what a translated policy takes
// with what the other tool's documentation says that it takes.
func TestTheSameTag(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, row := range []struct {
		name, setting string
		want          func(tags []string) string
	}{
		{"updater ~1.2", updater("a/b:~1.2", ""), within("~1.2")},
		{"updater >=1.0.0-0", updater("a/b:>=1.0.0-0", ""), within(">=1.0.0-0")},
		{"updater without constraint", updater("a/b", ""), within("")},
		{"updater alphabetical", updater("a/b", "alphabetical"), last(func(string) bool { return true })},
		{"keel all", keel("all"), above(func(*semver.Version) bool { return true })},
		{"keel major", keel("major"), above(func(v *semver.Version) bool { return v.Prerelease() == "" })},
		{"keel glob", keel("glob:1.*"), last(func(tag string) bool { return strings.HasPrefix(tag, "1.") })},
		{"keel regexp", keel("regexp:^1.[0-9].0$"), last(func(tag string) bool { return len(tag) == 5 && tag[0] == '1' && tag[4] == '0' })},
	} {
		tool := "keel"
		if strings.HasPrefix(row.name, "updater") {
			tool = "argocd-image-updater"
		}
		r := migrate.Translate(tool, migrate.Tree{Namespace: "apps", Policies: policies, Files: []migrate.File{{Path: "a.yaml", Data: []byte(row.setting)}}})
		i := slices.IndexFunc(r.Edits, func(e adopt.Edit) bool { return e.Path == policies })
		if i < 0 {
			t.Fatalf("%s: nothing is written: %+v", row.name, r.Entries)
		}
		set := config.Load([]source.File{{Path: policies, Data: r.Edits[i].New}}, config.Options{Namespace: "apps"})
		if len(set.Policies) != 1 || set.Policies[0].Rules == nil {
			t.Fatalf("%s: %v", row.name, set.Findings)
		}
		for range 300 {
			tags := randomTags(random)
			ranking, err := set.Policies[0].Rules.Rank(policy.NewTags(tags))
			if err != nil {
				t.Fatal(err)
			}
			best, _ := ranking.Best()
			if want := row.want(tags); best.Tag != want {
				t.Fatalf("%s: %q of %q, and the tool takes %q", row.name, best.Tag, tags, want)
			}
		}
	}
}

func randomTags(random *rand.Rand) []string {
	var tags []string
	for range 1 + random.IntN(8) {
		tag := fmt.Sprintf("%d.%d.%d", random.IntN(3), random.IntN(4), random.IntN(4))
		switch random.IntN(6) {
		case 0:
			tag = "v" + tag
		case 1:
			tag += fmt.Sprintf("-rc.%d", random.IntN(3))
		}
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// within is Argo CD Image Updater's strategy semver.
func within(constraint string) func([]string) string {
	return func(tags []string) string {
		var all []*semver.Version
		for _, tag := range tags {
			v, err := semver.NewVersion(tag)
			if err != nil {
				continue
			}
			if constraint != "" {
				c, _ := semver.NewConstraint(constraint)
				if !c.Check(v) {
					continue
				}
			}
			all = append(all, v)
		}
		return greatest(all)
	}
}

// above is Keel's policy for steps, once it has seen every tag.
func above(allowed func(*semver.Version) bool) func([]string) string {
	return func(tags []string) string {
		var all []*semver.Version
		for _, tag := range tags {
			if v, err := semver.NewVersion(tag); err == nil && allowed(v) {
				all = append(all, v)
			}
		}
		return greatest(all)
	}
}

// greatest returns the greatest version, of equal ones the greater spelling.
func greatest(all []*semver.Version) string {
	if len(all) == 0 {
		return ""
	}
	return slices.MaxFunc(all, func(a, b *semver.Version) int {
		if c := a.Compare(b); c != 0 {
			return c
		}
		return strings.Compare(a.Original(), b.Original())
	}).Original()
}

// last takes the last of the alphabet.
func last(wanted func(string) bool) func([]string) string {
	return func(tags []string) string {
		best := ""
		for _, tag := range tags {
			if wanted(tag) {
				best = max(best, tag)
			}
		}
		return best
	}
}

func updater(image, strategy string) string {
	name, _, _ := strings.Cut(image, ":")
	return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: a
  annotations:
    argocd-image-updater.argoproj.io/image-list: x=` + image + `
    argocd-image-updater.argoproj.io/x.update-strategy: "` + strategy + `"
spec: {source: {path: .}}
---
image: ` + name + ":1.1.0\n"
}

func keel(policy string) string {
	return `metadata: {annotations: {keel.sh/policy: "` + policy + `"}}
spec:
  template:
    spec:
      containers:
        - image: a/b:1.1.0
`
}
