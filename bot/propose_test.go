package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// offers is a world whose repository is at a Gitea, and whose automation proposes.
type offers struct {
	*world
	gitea *parts.Gitea
	at    *parts.GiteaRepository
	texts string
}

// offer begins a story at a Gitea. Spec is the rest of the PullRequest's.
func offer(t *testing.T, gitea *parts.Gitea, spec string, files map[string]string) *offers {
	t.Helper()
	name := fmt.Sprintf("%s/r%d", gitea.User, repositories.Add(1))
	objects := strings.ReplaceAll(storyObjects, "push: {branch: PUSH}", "commit: {author: {name: Bot, email: bot@example.test}}")
	objects = strings.ReplaceAll(objects, "git: {commit: {author: {name: Bot, email: bot@example.test}}, commit", "git: {commit")
	objects = strings.ReplaceAll(objects, "spec: {url: REPO,", "spec: {secretRef: {name: forge}, url: REPO,")
	objects += `---
apiVersion: v1
kind: Secret
metadata: {name: forge}
stringData: {username: bot, password: ` + gitea.Token + `}
---
apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata: {name: apps}
spec: {automationRef: {name: apps}, provider: gitea, SPEC}
`
	o := &offers{world: newWorld(t, storyObjects[:strings.Index(storyObjects, "---")], nil), gitea: gitea, texts: objects}
	if files == nil {
		files = map[string]string{"a.yaml": storyFile}
	}
	named := map[string]string{}
	for path, text := range files {
		named[path] = o.named(text)
	}
	o.at = gitea.NewRepository(name, named)
	o.repo = o.at.Repository
	o.with(spec)
	o.registry.Push("org/app", "1.0.0", "1.1.0")
	return o
}

// with replaces the PullRequest's spec, and adds objects.
func (o *offers) with(spec string, more ...string) {
	o.t.Helper()
	o.load(strings.ReplaceAll(o.texts, "SPEC", spec) + strings.Join(more, ""))
}

// pull is a pull request as Gitea has it.
type pull struct {
	Number int
	Title  string
	Body   string
	State  string
	Merged bool
	Head   struct{ Ref, Sha string }
	Base   struct{ Ref string }
	Labels []struct{ Name string }
	Draft  bool
}

// pulls returns all pull requests, oldest first.
func (o *offers) pulls() []pull {
	o.t.Helper()
	var all []pull
	o.gitea.Must(http.MethodGet, o.at.API+"/pulls?state=all&sort=oldest", nil, &all)
	return all
}

// only returns the one pull request that is open.
func (o *offers) only() pull {
	o.t.Helper()
	var open []pull
	for _, p := range o.pulls() {
		if p.State == "open" {
			open = append(open, p)
		}
	}
	if len(open) != 1 {
		o.t.Fatalf("%d pull requests are open", len(open))
	}
	return open[0]
}

// comments returns the comments of a pull request.
func (o *offers) comments(number int) []string {
	o.t.Helper()
	var all []struct{ Body string }
	o.gitea.Must(http.MethodGet, fmt.Sprintf("%s/issues/%d/comments", o.at.API, number), nil, &all)
	var texts []string
	for _, c := range all {
		texts = append(texts, c.Body)
	}
	return texts
}

// says runs a cycle, and holds that its results are these: "GROUP ACTION#NUMBER
// CHANGES", and "held" where something is.
func (o *offers) says(want ...string) []*bot.Result {
	o.t.Helper()
	ledger := o.remember()
	defer ledger.Close()
	return o.check(o.bot(ledger).Cycle(context.Background(), bot.Push, o.set.Automations), want)
}

func (o *offers) check(results []*bot.Result, want []string) []*bot.Result {
	o.t.Helper()
	var got []string
	for _, r := range results {
		line := r.Group
		if r.PullRequest != nil {
			line += fmt.Sprintf(" %s#%d", r.PullRequest.Action, r.PullRequest.Number)
		}
		if line += fmt.Sprintf(" %d", len(r.Changes)); len(r.Held) > 0 {
			line += " held"
		}
		if r.Err != nil {
			line += " error"
			o.t.Log(r.Err)
		}
		got = append(got, strings.TrimSpace(line))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		for _, r := range results {
			o.t.Logf("%+v %v", *r, r.Err)
		}
		o.t.Fatalf("results %q, want %q", got, want)
	}
	return results
}

func (o *offers) merge(number int, how string) {
	o.t.Helper()
	path := fmt.Sprintf("%s/pulls/%d/merge", o.at.API, number)
	for range 100 { // Gitea looks for conflicts first, in its own time
		if o.gitea.Do(http.MethodPost, path, map[string]any{"Do": how}, nil) == http.StatusOK {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	o.t.Fatalf("pull request %d can't be merged", number)
}

func TestProposals(t *testing.T) {
	gitea := parts.NewGitea(t)
	for _, test := range []struct {
		name string
		test func(*testing.T, *parts.Gitea)
	}{
		{"a newer tag updates the same pull request", testNewerTag},
		{"merged each way", testMerged},
		{"a pull request for each policy", testByPolicy},
		{"a pull request for each directory", testByDirectory},
		{"somebody's commit on the branch", testSomebodysCommit},
		{"closed by a person", testClosedByPerson},
		{"nothing left", testNothingLeft},
		{"what can't be decided stays", testStays},
		{"merged when the rules allow", testAutoMerge},
		{"groups change", testGroupsChange},
		{"interrupted", testInterrupted},
		{"refused by the forge", testRefused},
		{"a protected branch", testProtected},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // most of the time is Gitea's
			test.test(t, gitea)
		})
	}
}

func testNewerTag(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "labels: [dependencies], draft: true", nil)
	r := o.says("created#1 1")[0]
	if r.Pushed == nil || r.Pushed.Branch != "pinsetter/apps" || r.PullRequest.URL != gitea.URL+"/"+o.at.Name+"/pulls/1" {
		t.Errorf("%+v %+v", r.Pushed, r.PullRequest)
	}
	p := o.only()
	if p.Head.Ref != "pinsetter/apps" || p.Base.Ref != "main" || !strings.Contains(p.Title, "1.1.0") || !p.Draft || len(p.Labels) != 1 {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"`a.yaml:1`", "/org/app:1.0.0`", "/org/app:1.1.0`", "`default/app` `semver ^1.0.0`"} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("the body lacks %q:\n%s", want, p.Body)
		}
	}
	o.says("unchanged#1 0")
	o.repo.Git("update-ref", "refs/heads/kept", "refs/heads/pinsetter/apps")
	o.at.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"other.txt": "x"}}, Message: "elsewhere"})
	o.says("unchanged#1 0") // the base moved, and nothing of the proposal with it
	if o.repo.Head("kept") != o.repo.Head("pinsetter/apps") {
		t.Error("pushed for nothing but the base")
	}
	o.registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	if p := o.only(); !strings.Contains(p.Title, "1.2.0") || !strings.Contains(o.repo.File("pinsetter/apps", "a.yaml"), "app:1.2.0") {
		t.Errorf("%+v", p)
	}
	if log := o.repo.Git("log", "--format=%s", "main..pinsetter/apps"); strings.Count(log, "\n") > 1 {
		t.Errorf("the branch isn't rebuilt:\n%s", log)
	}
	o.check(o.bot(nil).Cycle(context.Background(), bot.Push, o.set.Automations), []string{"unchanged#1 0"})
}

func testMerged(t *testing.T, gitea *parts.Gitea) {
	for _, how := range []string{"merge", "squash", "rebase"} {
		t.Run(how, func(t *testing.T) {
			o := offer(t, gitea, "", nil)
			o.says("created#1 1")
			o.merge(1, how)
			o.says("merged#1 0")
			if o.repo.Head("pinsetter/apps") != "" {
				t.Error("the branch is left")
			}
			o.says("0")
			o.registry.Push("org/app", "1.2.0")
			o.says("created#2 1")
			if log := o.repo.Git("log", "--format=%s", "main..pinsetter/apps"); strings.Count(log, "\n") > 1 {
				t.Errorf("it doesn't start clean:\n%s", log)
			}
		})
	}
	t.Run("and the branch was kept until a newer tag", func(t *testing.T) {
		o := offer(t, gitea, "", nil)
		o.says("created#1 1")
		o.merge(1, "squash")
		o.registry.Push("org/app", "1.2.0")
		o.says("created#2 1")
		if log := o.repo.Git("log", "--format=%s", "main..pinsetter/apps"); strings.Count(log, "\n") > 1 {
			t.Errorf("it doesn't start clean:\n%s", log)
		}
	})
}

// twoPolicies is a second image beside storyObjects'.
const twoPolicies = `---
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

func testByPolicy(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "", map[string]string{"a.yaml": storyFile + dbLine, "b.yaml": dbLine})
	o.with("groupBy: policy, title: 'Bump {{ .Group }}'", twoPolicies)
	o.registry.Push("org/db", "1.0.0", "1.5.0")
	o.says("app created#1 1", "db created#2 2")
	if app := o.repo.File("pinsetter/apps/app", "a.yaml"); !strings.Contains(app, "app:1.1.0") || !strings.Contains(app, "db:1.0.0") {
		t.Errorf("the group of app holds\n%s", app)
	}
	if titles := fmt.Sprint(o.pulls()[0].Title, ",", o.pulls()[1].Title); titles != "Bump app,Bump db" {
		t.Errorf("titles %s", titles)
	}
	o.says("app unchanged#1 0", "db unchanged#2 0")
	o.merge(2, "squash")
	o.says("app updated#1 1", "db merged#2 0") // they share a file
	o.says("app unchanged#1 0")
}

func testByDirectory(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "groupBy: directory, branch: 'bumps/{{ .Group }}'", map[string]string{
		"a.yaml": storyFile, "apps/a.yaml": storyFile, "apps/web/a.yaml": storyFile,
	})
	o.says("/ created#1 1", "apps created#2 1", "apps/web created#3 1")
	for _, branch := range []string{"bumps/+", "bumps/apps", "bumps/apps+web"} {
		if o.repo.Head(branch) == "" {
			t.Errorf("no branch %s", branch)
		}
	}
}

func testSomebodysCommit(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "", nil)
	o.says("created#1 1")
	o.at.Commit(parts.Commit{Branch: "pinsetter/apps", Tree: parts.Tree{Files: map[string]string{"fix.txt": "x"}}, Message: "fix it"})
	theirs := o.repo.Head("pinsetter/apps")
	o.says("unchanged#1 0")
	o.registry.Push("org/app", "1.2.0")
	for range 2 {
		r := o.says("unchanged#1 0 held")[0]
		if reason := r.Held[0].Reason; !strings.Contains(reason, "pull request #1") || !strings.Contains(reason, "pinsetter/apps") {
			t.Errorf("reason %q", reason)
		}
	}
	o.check(o.bot(nil).Cycle(context.Background(), bot.Push, o.set.Automations), []string{"unchanged#1 0 held"})
	if o.repo.Head("pinsetter/apps") != theirs {
		t.Error("somebody's commit is overwritten")
	}
	if comments := o.comments(1); len(comments) != 1 || !strings.Contains(comments[0], "leaves it alone") {
		t.Errorf("comments %q", comments)
	}
}

func testClosedByPerson(t *testing.T, gitea *parts.Gitea) {
	for _, deleted := range []bool{false, true} {
		t.Run(fmt.Sprintf("branch deleted: %v", deleted), func(t *testing.T) {
			o := offer(t, gitea, "", nil)
			o.says("created#1 1")
			o.gitea.Must(http.MethodPatch, o.at.API+"/pulls/1", map[string]any{"state": "closed"}, nil)
			if deleted {
				o.at.DeleteBranch("pinsetter/apps")
			}
			r := o.says("unchanged#1 0 held")[0]
			if reason := r.Held[0].Reason; !strings.Contains(reason, "pull request #1") || !strings.Contains(reason, "closed without merging") {
				t.Errorf("reason %q", reason)
			}
			o.check(o.bot(nil).Cycle(context.Background(), bot.Push, o.set.Automations), []string{"unchanged#1 0 held"})
			e := o.bot(nil).Explain(context.Background(), o.set.Policies[0], o.set.Automations)
			if len(e.Sites) != 1 || !strings.Contains(e.Sites[0].Held, "pull request #1") || e.Sites[0].Next != e.Sites[0].Current {
				t.Errorf("explained as %+v, %v", e.Sites, e.Err)
			}
			o.registry.Push("org/app", "1.2.0")
			o.says("created#2 1")
			if p := o.only(); !strings.Contains(p.Title, "1.2.0") {
				t.Errorf("%+v", p)
			}
			o.says("unchanged#2 0")
		})
	}
}

func testNothingLeft(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "", nil)
	o.says("created#1 1")
	o.at.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": o.named(strings.ReplaceAll(storyFile, "1.0.0", "1.1.0"))}}, Message: "by hand"})
	o.says("closed#1 0")
	if p := o.pulls()[0]; p.State != "closed" || p.Merged || o.repo.Head("pinsetter/apps") != "" {
		t.Errorf("%+v", p)
	}
	if comments := o.comments(1); len(comments) != 1 || !strings.Contains(comments[0], "Nothing is left") {
		t.Errorf("comments %q", comments)
	}
	o.says("0")
	o.registry.Push("org/app", "1.2.0")
	o.says("created#2 1")

	o.at.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": o.named("image: REG/org/app:1.1.0\n")}}, Message: "no marker"})
	o.says("closed#2 0")
}

func testStays(t *testing.T, gitea *parts.Gitea) {
	const gate = "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: "
	o := offer(t, gitea, "", nil)
	o.says("created#1 1")
	head := o.repo.Head("pinsetter/apps")
	for name, more := range map[string]string{
		"a hold":          gate + "{hold: [{tags: [1.1.0], reason: broken}]}\n",
		"a freeze":        gate + "{freeze: {from: 2026-01-01T00:00:00Z, to: 2027-01-01T00:00:00Z, reason: x}}\n",
		"a closed window": gate + "{windows: [{schedule: '0 3 * * *', duration: 1h}]}\n",
	} {
		o.with("", more)
		o.says("updated#1 0 held") // the body says what is held
		o.says("unchanged#1 0 held")
		if p := o.only(); o.repo.Head("pinsetter/apps") != head || !strings.Contains(p.Body, "### Held") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	o.with("")
	o.says("updated#1 0")
	down := fault(func(to http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			to.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	o.fault.Store(&down)
	o.says("unchanged#1 0 error")
	o.fault.Store(nil)
	o.texts = strings.Replace(o.texts, "  policy: {semver", "  suspend: true\n  policy: {semver", 1)
	o.with("")
	o.says("unchanged#1 0")
	if p := o.only(); o.repo.Head("pinsetter/apps") != head || p.State != "open" {
		t.Errorf("%+v", p)
	}
}

func testAutoMerge(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "autoMerge: true", nil)
	merged := false
	for range 50 { // Gitea looks for conflicts first, in its own time
		ledger := o.remember()
		r := o.bot(ledger).Cycle(context.Background(), bot.Push, o.set.Automations)[0]
		ledger.Close()
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if merged = strings.Contains(o.repo.File("main", "a.yaml"), "app:1.1.0"); merged {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !merged {
		t.Error("it isn't merged")
	}
}

func testGroupsChange(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "", nil)
	o.says("created#1 1")
	o.with("groupBy: policy")
	o.says("app created#2 1", "pinsetter/apps closed#1 0")
	if o.repo.Head("pinsetter/apps") != "" {
		t.Error("the branch of before is left")
	}
	o.with("")
	o.says("created#3 1", "app closed#2 0")
}

func testInterrupted(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "", nil)
	o.says("created#1 1")
	o.gitea.Must(http.MethodPatch, o.at.API+"/pulls/1", map[string]any{"state": "closed", "body": "<!-- pinsetter:closed -->"}, nil)
	o.says("created#2 1") // closed by the bot, and killed before it deleted the branch
}

func testRefused(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "title: '{{ .Nope }}'", nil)
	r := o.says("0 error")[0]
	if !strings.Contains(r.Error, "PullRequest default/apps: spec.title") || r.Pushed != nil || o.repo.Head("pinsetter/apps") != "" {
		t.Errorf("%v, pushed %v", r.Error, r.Pushed)
	}
}

func testProtected(t *testing.T, gitea *parts.Gitea) {
	o := offer(t, gitea, "", nil)
	o.gitea.Must(http.MethodPost, o.at.API+"/branch_protections", map[string]any{"rule_name": "main", "enable_push": false}, nil)
	o.load(o.texts[:strings.LastIndex(o.texts, "---")])
	r := o.says("0 error")[0]
	if !strings.Contains(r.Error, "PullRequest") || !strings.Contains(r.Error, "apps") {
		t.Errorf("%v", r.Error)
	}
}
