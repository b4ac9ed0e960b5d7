package bot_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// What GitHub is asked for.
const (
	listPulls  = "GET /repos/{owner}/{repo}/pulls"
	createPull = "POST /repos/{owner}/{repo}/pulls"
	editPull   = "PATCH /repos/{owner}/{repo}/pulls/{pull_number}"
	addLabels  = "POST /repos/{owner}/{repo}/issues/{issue_number}/labels"
	addComment = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
)

// Whatever breaks off, the next run goes on from there, with what the ledger
// knows and without it, and nothing is there twice.
func TestNextRunMendsWhatWasInterrupted(t *testing.T) {
	github := parts.NewGitHub(t)
	for name, test := range map[string]struct {
		fault  parts.GitHubFault
		broken string // what the run says in which it happens
		next   string
	}{
		"before it is opened":      {parts.GitHubFault{Request: createPull, Status: 500}, "1 error", "created#1 1"},
		"while it is opened":       {parts.GitHubFault{Request: createPull, Done: true}, "1 error", "updated#1 0"},
		"before it gets its label": {parts.GitHubFault{Request: addLabels, Status: 500}, "created#1 1 error", "updated#1 0"},
		"before its mark is taken": {parts.GitHubFault{Request: editPull, Status: 500, Times: 3}, "created#1 1 error", "updated#1 0"},
	} {
		for _, ledger := range []string{"with", "without"} {
			t.Run(name+" "+ledger+" a ledger", func(t *testing.T) {
				o := offer(t, githubs(github), "labels: [dependencies]", nil)
				run := o.says
				if ledger == "without" {
					run = o.forgetful
				}
				github.Fail(test.fault)
				run(test.broken)
				run(test.next)
				run("unchanged#1 0")
				if p := o.only(); len(p.Labels) != 1 || p.Labels[0] != "dependencies" || strings.Contains(p.Body, "pinsetter:new") {
					t.Errorf("%+v", p)
				}
			})
		}
	}
}

func TestNextRunMendsAnInterruptedEnd(t *testing.T) {
	github := parts.NewGitHub(t)
	begin := func(t *testing.T) *offers {
		o := offer(t, githubs(github), "", nil)
		o.says("created#1 1")
		o.hand("main", "a.yaml", strings.ReplaceAll(storyFile, "1.0.0", "1.1.0"))
		return o
	}
	end := func(t *testing.T, o *offers) {
		t.Helper()
		o.says("0")
		if p := o.hub.pulls()[0]; p.State != "closed" || len(p.Comments) != 1 || o.Repo.Head("pinsetter/apps") != "" {
			t.Errorf("%+v", p)
		}
		o.Registry.Push("org/app", "1.2.0")
		o.says("created#2 1")
	}
	t.Run("before it is closed", func(t *testing.T) {
		o := begin(t)
		github.Fail(parts.GitHubFault{Request: editPull, Status: 500, Times: 3})
		o.says("0 error")
		o.says("closed#1 0")
		end(t, o)
	})
	t.Run("before the word why", func(t *testing.T) {
		o := begin(t)
		github.Fail(parts.GitHubFault{Request: addComment, Status: 500})
		o.says("0 error")
		o.says("closed#1 0")
		end(t, o)
	})
	t.Run("before the branch is deleted", func(t *testing.T) {
		o := begin(t)
		o.Repo.Git("config", "http.receivepack", "false")
		o.says("0 error")
		o.Repo.Git("config", "http.receivepack", "true")
		o.says("closed#1 0")
		end(t, o)
	})
	t.Run("a branch that may not be deleted", func(t *testing.T) {
		o := begin(t)
		o.Repo.Git("config", "receive.denyDeletes", "true")
		o.says("closed#1 0")
		o.says("0")
		o.Repo.Git("config", "receive.denyDeletes", "false")
		o.says("0")
		if n := strings.Count(o.said.String(), "not be deleted; it stays"); n != 1 || o.Repo.Head("pinsetter/apps") == "" {
			t.Errorf("asked for its deletion %d times, and it is at %q", n, o.Repo.Head("pinsetter/apps"))
		}
		o.Pass(25 * time.Hour)
		o.says("closed#1 0")
		end(t, o)
	})
	t.Run("and a newer tag came", func(t *testing.T) {
		o := begin(t)
		o.Repo.Git("config", "http.receivepack", "false")
		o.says("0 error")
		o.Repo.Git("config", "http.receivepack", "true")
		o.Registry.Push("org/app", "1.2.0")
		o.says("created#2 1")
		if p := o.only(); !strings.Contains(p.Title, "1.2.0") {
			t.Errorf("%+v", p)
		}
	})
}

// A branch that moves between the fetch and the push is read again.
func TestBranchesThatMoveMeanwhile(t *testing.T) {
	github := parts.NewGitHub(t)
	meanwhile := func(f func()) { github.Fail(parts.GitHubFault{Request: listPulls, Meanwhile: f}) }
	t.Run("the base", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		meanwhile(func() { o.hand("main", "other.txt", "x") })
		o.says("created#1 1")
		o.says("unchanged#1 0")
	})
	t.Run("the proposal's, by a person", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		o.says("created#1 1")
		o.Registry.Push("org/app", "1.2.0")
		meanwhile(func() { o.hand("pinsetter/apps", "fix.txt", "x") })
		theirs := func() string { return o.Repo.File("pinsetter/apps", "fix.txt") }
		o.forgetful("unchanged#1 0 held")
		if theirs() != "x" {
			t.Error("a person's commit is gone")
		}
	})
	t.Run("the new one's, by a person", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		meanwhile(func() {
			o.hub.commit(parts.Commit{Branch: "pinsetter/apps", From: "main", Tree: parts.Tree{Files: map[string]string{"fix.txt": "x"}}})
		})
		r := o.says("0 held")[0]
		if reason := r.Held[0].Reason; !strings.Contains(reason, "delete the branch") {
			t.Errorf("reason %q", reason)
		}
	})
}

// A branch that moves each time it is read ends the run, which says what was done
// before that.
func TestBranchThatMovesOnAndOn(t *testing.T) {
	github := parts.NewGitHub(t)
	o := offer(t, githubs(github), "groupBy: directory", map[string]string{"a/a.yaml": storyFile, "b/a.yaml": storyFile})
	o.says("a created#1 1", "b created#2 1")
	o.Registry.Push("org/app", "1.2.0")
	for n := range 11 {
		o.Registry.Push("org/app", fmt.Sprintf("1.1.%d", n))
	}
	var one sync.Mutex
	n := 0
	github.Fail(parts.GitHubFault{Request: listPulls, Times: 10, Meanwhile: func() { // two in each of five attempts
		one.Lock()
		defer one.Unlock()
		n++
		o.hub.commit(parts.Commit{
			Branch: "pinsetter/apps/b", Author: "Bot <bot@example.test>", Message: "Again\n\nPinsetter-Automation: default/apps",
			Tree: parts.Tree{Files: map[string]string{"b/a.yaml": o.Named(strings.ReplaceAll(storyFile, "1.0.0", fmt.Sprintf("1.1.%d", n)))}},
		})
	}})
	r := o.forgetful("0 error", "a updated#1 1")[0]
	if !strings.Contains(r.Error, "5 times in a row") {
		t.Errorf("%v", r.Err)
	}
	o.forgetful("a unchanged#1 0", "b updated#2 1")
}

func TestTwoBotsAtOnce(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "labels: [dependencies]", nil)
	var together sync.WaitGroup
	for range 2 {
		together.Go(func() {
			for _, r := range o.bot(nil).Cycle(context.Background(), bot.Push, o.Set.Automations) {
				if r.Err != nil {
					t.Error(r.Err)
				}
			}
		})
	}
	together.Wait()
	if p := o.only(); len(p.Labels) != 1 {
		t.Errorf("%+v", p)
	}
	o.says("unchanged#1 0")
}

// What people do to a pull request beside closing it.
func TestPeopleAtPullRequests(t *testing.T) {
	github := parts.NewGitHub(t)
	edit := func(o *offers, f func(*parts.GitHubPull)) { o.hub.(*atGitHub).Edit(1, f) }
	t.Run("reopened", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		o.says("created#1 1")
		o.hub.close(1)
		o.says("unchanged#1 0 held")
		edit(o, func(p *parts.GitHubPull) { p.State = "open" })
		o.says("unchanged#1 0")
		o.Registry.Push("org/app", "1.2.0")
		o.says("updated#1 1")
	})
	t.Run("the branch deleted", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		o.says("created#1 1")
		o.hub.deleteBranch("pinsetter/apps")
		r := o.says("unchanged#1 0 held")[0]
		if reason := r.Held[0].Reason; !strings.Contains(reason, "branch") {
			t.Errorf("reason %q", reason)
		}
	})
	t.Run("retargeted", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		o.says("created#1 1")
		o.Repo.Git("branch", "next", "main")
		edit(o, func(p *parts.GitHubPull) { p.Base = "next" })
		o.says("created#2 1")
		o.says("unchanged#2 0")
	})
	t.Run("title and labels", func(t *testing.T) {
		o := offer(t, githubs(github), "labels: [dependencies]", nil)
		o.says("created#1 1")
		edit(o, func(p *parts.GitHubPull) { p.Labels = []string{"mine"} })
		o.says("unchanged#1 0")
		o.Registry.Push("org/app", "1.2.0")
		o.says("updated#1 1")
		if p := o.only(); len(p.Labels) != 1 || p.Labels[0] != "mine" {
			t.Errorf("%+v", p)
		}
	})
	t.Run("one of a fork with the branch's name", func(t *testing.T) {
		o := offer(t, githubs(github), "", nil)
		o.hub.commit(parts.Commit{Branch: "elsewhere", From: "main", Tree: parts.Tree{Files: map[string]string{"x": "x"}}})
		o.hub.(*atGitHub).ForkPull("somebody", "pinsetter/apps", "main")
		o.says("created#2 1")
		o.says("unchanged#2 0")
	})
}

func TestFiveHundredChanges(t *testing.T) {
	deep := strings.Repeat("folder/", 12) + "a.yaml"
	o := offer(t, githubs(parts.NewGitHub(t)), "", map[string]string{deep: strings.Repeat("- "+storyFile, 500)})
	o.Registry.Push("org/app", "2.0.0", "1.2.0")
	o.with("", "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: {hold: [{tags: [1.2.0], reason: x}]}\n")
	o.says("created#1 500 held")
	p := o.only()
	for _, want := range []string{"more changes.", "### Images", "### Held", "Close this pull request"} {
		if len(p.Body) > forge.MaxBody || !strings.Contains(p.Body, want) {
			t.Errorf("%d bytes, of which none are %q", len(p.Body), want)
		}
	}
	o.says("unchanged#1 0 held")
	o.forgetful("unchanged#1 0 held")
}

// Commits list 500 changes. That more are refused is known all the same.
func TestMoreIsRefusedThanCommitsList(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", map[string]string{"a.yaml": strings.Repeat("---\n"+storyFile, 520)})
	o.says("created#1 520")
	o.hub.close(1)
	if r := o.forgetful("unchanged#1 0 held")[0]; len(r.Held) != 520 {
		t.Errorf("%d held", len(r.Held))
	}
	o.says("unchanged#1 0 held")
	o.says("unchanged#1 0 held")
}

// A template that fails, or gives too much, costs its automation alone.
func TestTemplatesThatFail(t *testing.T) {
	github := parts.NewGitHub(t)
	for spec, want := range map[string]string{
		"title: '{{ index .Images 9 }}'":            "spec.title",
		"body: '{{ range until 70000 }}x{{ end }}'": "spec.body",
		"body: '{{ range until 64000 }}x{{ end }}'": "too long",
		"branch: '{{ index .Changed.Changes 0 }}'":  "spec.branch",
		"groupBy: policy, branch: 'x/{{ .Group }}{{ if ne .Group \"0some\" | and (ne .Group \"1other\") }}{{ fail \"no\" }}{{ end }}'": "spec.branch",
	} {
		o := offer(t, githubs(github), spec, nil)
		const other = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: others}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: others}}
`
		o.with(spec, other)
		results := o.says("0 error", "1")
		if r := results[0]; !strings.Contains(r.Error, want) || !strings.Contains(r.Error, "PullRequest default/apps") || strings.Contains(r.Error, "\n") {
			t.Errorf("%s: %v", spec, r.Err)
		}
		if n := o.Repo.Git("for-each-ref", "--format=%(refname)"); strings.Count(n, "\n") != 1 {
			t.Errorf("%s: branches\n%s", spec, n)
		}
	}
}
