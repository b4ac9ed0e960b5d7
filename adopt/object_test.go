package adopt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

// objects are one of each kind.
func objects() []adopt.Object {
	app := pinsetter.Name{Namespace: "flux-system", Name: "app"}
	fleet := pinsetter.Name{Namespace: "flux-system", Name: "fleet"}
	return []adopt.Object{
		adopt.PullRequest(fleet, spec.PullRequestSpec{AutomationRef: spec.LocalObjectReference{Name: "fleet"}, GroupBy: spec.GroupByPolicy, Provider: "gitea"}),
		adopt.Automation(fleet, spec.ImageUpdateAutomationSpec{
			Interval:  spec.Duration{Duration: 90 * time.Minute},
			SourceRef: spec.CrossNamespaceSourceReference{Kind: "GitRepository", Name: "fleet"},
			GitSpec:   &spec.GitSpec{Commit: spec.CommitSpec{Author: spec.CommitUser{Name: "Pinsetter", Email: "bot@git.example"}}},
		}),
		adopt.GitRepository(fleet, "https://git.example/org/fleet.git", "main"),
		adopt.Gate(app, spec.GateSpec{MinAge: &spec.Duration{Duration: 72 * time.Hour}}),
		adopt.Policy(app, spec.ImagePolicySpec{
			ImageRepositoryRef:     spec.NamespacedObjectReference{Name: "app"},
			Policy:                 spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: "1.x"}},
			FilterTags:             &spec.TagFilter{Pattern: `^(?P<v>\d+\.\d+\.\d+)-alpine$`, Extract: "$v"},
			DigestReflectionPolicy: spec.ReflectAlways,
		}),
		adopt.Repository(app, spec.ImageRepositorySpec{Image: "ghcr.io/a/app"}),
	}
}

func TestRender(t *testing.T) {
	got, err := adopt.Render(objects())
	if err != nil {
		t.Fatal(err)
	}
	const want = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: app
  namespace: flux-system
spec:
  image: ghcr.io/a/app
  interval: 1h
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: app
  namespace: flux-system
spec:
  digestReflectionPolicy: Always
  filterTags:
    extract: $v
    pattern: ^(?P<v>\d+\.\d+\.\d+)-alpine$
  imageRepositoryRef:
    name: app
  interval: 1h
  policy:
    semver:
      range: 1.x
---
`
	if !strings.HasPrefix(string(got), want) {
		t.Error(cmp.Diff(want, string(got)))
	}
	if again, err := adopt.Append(got, objects(), "default"); err != nil || string(again) != string(got) {
		t.Errorf("appended again: %v\n%s", err, again)
	}
}

// TestRenderedObjectsLoad holds that every kind is read back without a finding.
func TestRenderedObjectsLoad(t *testing.T) {
	data, err := adopt.Render(objects())
	if err != nil {
		t.Fatal(err)
	}
	set := config.Load([]source.File{{Path: "policies.yaml", Data: data}}, config.Options{Namespace: "default"})
	if len(set.Findings) > 0 || len(set.Policies) != 1 || len(set.Gates) != 1 || len(set.PullRequests) != 1 || len(set.Automations) != 1 {
		t.Errorf("%v\n%s", set.Findings, data)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	const file = "# ours\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: app, namespace: flux-system}\nspec: {}"
	got, err := adopt.Append([]byte(file), objects()[4:], "default")
	if err != nil || !strings.HasPrefix(string(got), file+"\n---\napiVersion") || strings.Count(string(got), "kind: ImagePolicy") != 1 {
		t.Errorf("%v\n%s", err, got)
	}
}
