package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
)

// opener makes a repository with files at a forge.
type opener = func(files map[string]string) hub

// stories are what happens to proposals at every forge.
var stories = map[string]func(*testing.T, opener){
	"a newer tag updates the same pull request": testNewerTag,
	"merged each way":                   testMerged,
	"a pull request for each policy":    testByPolicy,
	"a pull request for each directory": testByDirectory,
	"somebody's commit on the branch":   testSomebodysCommit,
	"closed by a person":                testClosedByPerson,
	"nothing left":                      testNothingLeft,
	"what can't be decided stays":       testStays,
	"merged when the rules allow":       testAutoMerge,
	"groups change":                     testGroupsChange,
	"the branch has another name":       testRenamed,
	"a template that fails":             testRefused,
}

func TestProposalsAtGitHub(t *testing.T) {
	github := parts.NewGitHub(t)
	for name, story := range stories {
		t.Run(name, func(t *testing.T) { story(t, githubs(github)) })
	}
}

func TestProposalsAtGitLab(t *testing.T) {
	gitlab := parts.NewGitLab(t)
	for name, story := range stories {
		t.Run(name, func(t *testing.T) { story(t, gitlabs(gitlab)) })
	}
}

func testNewerTag(t *testing.T, open opener) {
	o := offer(t, open, "labels: [dependencies], draft: true", nil)
	r := o.says("created#1 1")[0]
	if r.Pushed == nil || r.Pushed.Branch != "pinsetter/apps" || r.PullRequest.URL != o.only().URL {
		t.Errorf("%+v %+v", r.Pushed, r.PullRequest)
	}
	p := o.only()
	if p.Head != "pinsetter/apps" || p.Base != "main" || !strings.Contains(p.Title, "1.1.0") || !p.Draft || len(p.Labels) != 1 {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"`a.yaml:1`", "/org/app:1.0.0`", "/org/app:1.1.0`", "`default/app` `semver ^1.0.0`"} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("the body lacks %q:\n%s", want, p.Body)
		}
	}
	o.says("unchanged#1 0")
	o.Repo.Git("update-ref", "refs/heads/kept", "refs/heads/pinsetter/apps")
	o.hand("main", "other.txt", "x")
	o.says("unchanged#1 0") // the base moved, and nothing of the proposal with it
	if o.Repo.Head("kept") != o.Repo.Head("pinsetter/apps") {
		t.Error("pushed for nothing but the base")
	}
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	if p := o.only(); !strings.Contains(p.Title, "1.2.0") || !strings.Contains(o.Repo.File("pinsetter/apps", "a.yaml"), "app:1.2.0") {
		t.Errorf("%+v", p)
	}
	if log := o.Repo.Git("log", "--format=%s", "main..pinsetter/apps"); strings.Count(log, "\n") > 1 {
		t.Errorf("the branch isn't rebuilt:\n%s", log)
	}
	o.forgetful("unchanged#1 0")
}

func testMerged(t *testing.T, open opener) {
	for _, how := range []string{"merge", "squash", "rebase"} {
		t.Run(how, func(t *testing.T) {
			o := offer(t, open, "", nil)
			o.says("created#1 1")
			o.hub.merge(1, how)
			o.says("merged#1 0")
			if o.Repo.Head("pinsetter/apps") != "" {
				t.Error("the branch is left")
			}
			o.says("0")
			o.Registry.Push("org/app", "1.2.0")
			o.says("created#2 1")
			if log := o.Repo.Git("log", "--format=%s", "main..pinsetter/apps"); strings.Count(log, "\n") > 1 {
				t.Errorf("it doesn't start clean:\n%s", log)
			}
		})
	}
	t.Run("and the branch was kept until a newer tag", func(t *testing.T) {
		o := offer(t, open, "", nil)
		o.says("created#1 1")
		o.hub.merge(1, "squash")
		o.Registry.Push("org/app", "1.2.0")
		o.says("created#2 1")
		if log := o.Repo.Git("log", "--format=%s", "main..pinsetter/apps"); strings.Count(log, "\n") > 1 {
			t.Errorf("it doesn't start clean:\n%s", log)
		}
	})
}

// secondPolicy stands beside storyObjects.
const secondPolicy = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: db}
spec: {image: REG/org/db, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: db}
spec:
  imageRepositoryRef: {name: db}
  policy: {semver: {range: ^1.0.0}}
`

const dbLine = "db: REG/org/db:1.0.0 # {\"$imagepolicy\": \"default:db\"}\n"

func testByPolicy(t *testing.T, open opener) {
	o := offer(t, open, "", map[string]string{"a.yaml": storyFile + dbLine, "b.yaml": dbLine})
	o.with("groupBy: policy, title: 'Bump {{ .Group }}'", secondPolicy)
	o.Registry.Push("org/db", "1.0.0", "1.5.0")
	o.says("app created#1 1", "db created#2 2")
	if app := o.Repo.File("pinsetter/apps/app", "a.yaml"); !strings.Contains(app, "app:1.1.0") || !strings.Contains(app, "db:1.0.0") {
		t.Errorf("the group of app holds\n%s", app)
	}
	if titles := fmt.Sprint(o.hub.pulls()[0].Title, ",", o.hub.pulls()[1].Title); titles != "Bump app,Bump db" {
		t.Errorf("titles %s", titles)
	}
	o.says("app unchanged#1 0", "db unchanged#2 0")
	o.hub.merge(2, "squash")
	o.says("app updated#1 1", "db merged#2 0") // they share a file
	o.says("app unchanged#1 0")
}

func testByDirectory(t *testing.T, open opener) {
	o := offer(t, open, "groupBy: directory, branch: 'bumps/{{ .Group }}'", map[string]string{
		"a.yaml": storyFile, "apps/a.yaml": storyFile, "apps/web/a.yaml": storyFile,
	})
	o.says("/ created#1 1", "apps created#2 1", "apps/web created#3 1")
	for _, branch := range []string{"bumps/+", "bumps/apps", "bumps/apps+web"} {
		if o.Repo.Head(branch) == "" {
			t.Errorf("no branch %s", branch)
		}
	}
}

func testSomebodysCommit(t *testing.T, open opener) {
	o := offer(t, open, "", nil)
	o.says("created#1 1")
	o.hand("pinsetter/apps", "fix.txt", "x")
	theirs := o.Repo.Head("pinsetter/apps")
	o.says("unchanged#1 0")
	o.Registry.Push("org/app", "1.2.0")
	for range 2 {
		r := o.says("unchanged#1 0 held")[0]
		if reason := r.Held[0].Reason; r.Held[0].Rule != pinsetter.RuleForeign || !strings.Contains(reason, "pull request #1") || !strings.Contains(reason, "pinsetter/apps") {
			t.Errorf("reason %q", reason)
		}
	}
	o.forgetful("unchanged#1 0 held")
	if o.Repo.Head("pinsetter/apps") != theirs {
		t.Error("somebody's commit is overwritten")
	}
	if comments := o.hub.pulls()[0].Comments; len(comments) != 1 || !strings.Contains(comments[0], "leaves it alone") {
		t.Errorf("comments %q", comments)
	}
}

func testClosedByPerson(t *testing.T, open opener) {
	for _, deleted := range []bool{false, true} {
		t.Run(fmt.Sprintf("branch deleted: %v", deleted), func(t *testing.T) {
			o := offer(t, open, "", nil)
			o.says("created#1 1")
			o.hub.close(1)
			if deleted {
				o.hub.deleteBranch("pinsetter/apps")
			}
			r := o.says("unchanged#1 0 held")[0]
			if reason := r.Held[0].Reason; r.Held[0].Rule != pinsetter.RuleClosed || !strings.Contains(reason, "pull request #1") || !strings.Contains(reason, "closed without merging") {
				t.Errorf("reason %q", reason)
			}
			o.forgetful("unchanged#1 0 held")
			e := o.bot(nil).Explain(context.Background(), o.Set.Policies[0], o.Set.Automations)
			if len(e.Sites) != 1 || !strings.Contains(e.Sites[0].Held, "pull request #1") || e.Sites[0].Next != e.Sites[0].Current {
				t.Errorf("explained as %+v, %v", e.Sites, e.Err)
			}
			o.Registry.Push("org/app", "1.2.0")
			o.says("created#2 1")
			if p := o.only(); !strings.Contains(p.Title, "1.2.0") {
				t.Errorf("%+v", p)
			}
			o.says("unchanged#2 0")
		})
	}
}

func testNothingLeft(t *testing.T, open opener) {
	o := offer(t, open, "", nil)
	o.says("created#1 1")
	o.hand("main", "a.yaml", strings.ReplaceAll(storyFile, "1.0.0", "1.1.0"))
	o.says("closed#1 0")
	if p := o.hub.pulls()[0]; p.State != "closed" || o.Repo.Head("pinsetter/apps") != "" {
		t.Errorf("%+v", p)
	}
	if comments := o.hub.pulls()[0].Comments; len(comments) != 1 || !strings.Contains(comments[0], "Nothing is left") {
		t.Errorf("comments %q", comments)
	}
	o.says("0")
	o.Registry.Push("org/app", "1.2.0")
	o.says("created#2 1")

	o.hand("main", "a.yaml", "image: REG/org/app:1.1.0\n")
	o.says("closed#2 0")
}

func testStays(t *testing.T, open opener) {
	const gate = "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: "
	o := offer(t, open, "", nil)
	o.says("created#1 1")
	head := o.Repo.Head("pinsetter/apps")
	for name, more := range map[string]string{
		"a hold":          gate + "{hold: [{tags: [1.1.0], reason: broken}]}\n",
		"a freeze":        gate + "{freeze: {from: 2026-01-01T00:00:00Z, to: 2027-01-01T00:00:00Z, reason: x}}\n",
		"a closed window": gate + "{windows: [{schedule: '0 3 * * *', duration: 1h}]}\n",
	} {
		o.with("", more)
		o.says("updated#1 0 held") // the body says what is held
		o.says("unchanged#1 0 held")
		if p := o.only(); o.Repo.Head("pinsetter/apps") != head || !strings.Contains(p.Body, "### Held") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	o.with("")
	o.says("updated#1 0")
	o.Break()
	o.says("unchanged#1 0 error")
	o.Fault.Store(nil)
	o.texts = strings.Replace(o.texts, "  policy: {semver", "  suspend: true\n  policy: {semver", 1)
	o.with("")
	o.says("unchanged#1 0")
	if p := o.only(); o.Repo.Head("pinsetter/apps") != head || p.State != "open" {
		t.Errorf("%+v", p)
	}
}

func testAutoMerge(t *testing.T, open opener) {
	o := offer(t, open, "autoMerge: true", nil)
	parts.Until(t, "it is merged", func() bool {
		r := o.all()[0]
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		o.hub.settle()
		return strings.Contains(o.Repo.File("main", "a.yaml"), "app:1.1.0")
	})
}

func testGroupsChange(t *testing.T, open opener) {
	o := offer(t, open, "", nil)
	o.says("created#1 1")
	o.with("groupBy: policy")
	o.says("app created#2 1", "pinsetter/apps closed#1 0")
	if o.Repo.Head("pinsetter/apps") != "" {
		t.Error("the branch of before is left")
	}
	o.with("")
	o.says("created#3 1", "app closed#2 0")
}

// A branch of another name takes the pull request's place, of which nothing is
// left behind.
func testRenamed(t *testing.T, open opener) {
	o := offer(t, open, "branch: before", nil)
	o.says("created#1 1")
	o.with("branch: after")
	o.says("created#2 1", "before closed#1 0")
	if o.Repo.Head("before") != "" || o.Repo.Head("after") == "" {
		t.Error("the branch of before is left, or that of now isn't there")
	}
	if said := o.hub.pulls()[0].Comments; len(said) != 1 || !strings.Contains(said[0], "another pull request") {
		t.Errorf("it was closed with %q", said)
	}
}

func testRefused(t *testing.T, open opener) {
	o := offer(t, open, "title: '{{ index .Images 5 }}'", nil)
	r := o.says("0 error")[0]
	if !strings.Contains(r.Error, "PullRequest default/apps: spec.title") || r.Pushed != nil || o.Repo.Head("pinsetter/apps") != "" {
		t.Errorf("%v, pushed %v", r.Error, r.Pushed)
	}
}
