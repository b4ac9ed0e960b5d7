package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

const aGate = "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: "

// What could not be written now isn't merged now.
func TestAutoMergeWaits(t *testing.T) {
	for name, then := range map[string]func(*offers){
		"for the end of a freeze": func(o *offers) {
			o.with("autoMerge: true", aGate+"{freeze: {from: 2026-01-01T00:00:00Z, to: 2027-01-01T00:00:00Z, reason: x}}\n")
		},
		"for a window": func(o *offers) {
			o.with("autoMerge: true", aGate+"{windows: [{schedule: '0 3 * * *', duration: 1h}]}\n")
		},
		"for the end of a hold": func(o *offers) {
			o.with("autoMerge: true", aGate+"{hold: [{tags: [1.1.0], reason: broken}]}\n")
		},
		"for a list of tags": func(o *offers) {
			o.with("autoMerge: true")
			o.Break()
		},
		"for a policy that is suspended": func(o *offers) {
			o.texts = strings.Replace(o.texts, "  policy: {semver", "  suspend: true\n  policy: {semver", 1)
			o.with("autoMerge: true")
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
			h := o.hub.(*atGitHub)
			o.says("created#1 1")
			h.SetMergeable(1, "clean")
			then(o)
			o.all()
			if h.Pull(1).Merged {
				t.Error("it is merged")
			}
		})
	}
}

// A commit that comes while the bot works is neither merged nor closed away.
func TestSomebodyComesMeanwhile(t *testing.T) {
	for name, then := range map[string]func(*offers){
		"to what is merged": func(o *offers) { o.with("autoMerge: true") },
		"to what is closed": func(o *offers) { o.hand("main", "a.yaml", strings.ReplaceAll(storyFile, "1.0.0", "1.1.0")) },
	} {
		t.Run(name, func(t *testing.T) {
			g := parts.NewGitHub(t)
			o := offer(t, githubs(g), "", nil)
			o.says("created#1 1")
			then(o)
			g.Fail(parts.GitHubFault{Request: listPulls, Meanwhile: func() { o.hand("pinsetter/apps", "wip.txt", "x") }})
			o.bot(nil).Cycle(t.Context(), bot.Push, o.Set.Automations)
			if p := o.hub.pulls()[0]; p.State != "open" {
				t.Errorf("it is %s", p.State)
			}
		})
	}
}

// A list of tags that isn't believed takes nothing back.
func TestUnbelievedListTakesNothingBack(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
	s := tell(t, "", "updates", "1.0.0", "1.1.0")
	for i := range 8 {
		o.Registry.Push("org/app", fmt.Sprintf("0.%d.0", i))
		s.Registry.Push("org/app", fmt.Sprintf("0.%d.0", i))
	}
	o.says("created#1 1")
	s.next("1.1.0")
	o.Registry.SetTags("org/app", "1.0.0")
	s.Registry.SetTags("org/app", "1.0.0")
	o.all()
	if p := o.only(); len(p.Comments) > 0 {
		t.Errorf("comments %q", p.Comments)
	}
	if s.next("1.1.0"); len(s.last.Held) != 1 {
		t.Errorf("held %v", s.last.Held)
	}
}

// A file that can't be read now may hold what is proposed.
func TestUnreadableFileClosesNothing(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
	o.says("created#1 1")
	o.hand("main", "a.yaml", "a: [\n"+storyFile)
	o.says("unchanged#1 0")
}

// A branch that was there before is nobody's to move or delete.
func TestBranchThatWasThere(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "branch: production", nil)
	o.Repo.Git("branch", "production", "main")
	old := o.Repo.Head("production")
	o.hand("main", "work.txt", "unreleased")
	if r := o.says("0 held")[0]; !strings.Contains(r.Held[0].Reason, "nothing says that Pinsetter made it") {
		t.Errorf("held %v", r.Held)
	}
	o.hand("main", "a.yaml", strings.ReplaceAll(storyFile, "1.0.0", "1.1.0"))
	o.all()
	if o.Repo.Head("production") != old {
		t.Error("it was moved or deleted")
	}
}

// Two Pinsetters with automations of one name leave each other's branches alone.
func TestTwoPathsOfOneName(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", map[string]string{"prod/a.yaml": storyFile, "staging/a.yaml": storyFile})
	texts := o.texts
	as := func(path string) []*bot.Result {
		o.texts = strings.Replace(texts, "git: {commit", "update: {path: ./"+path+"}\n  git: {commit", 1)
		o.with("")
		return o.bot(nil).Cycle(t.Context(), bot.Push, o.Set.Automations)
	}
	as("prod")
	head := o.Repo.Head("pinsetter/apps")
	o.check(as("staging"), []string{"unchanged#1 0 held"})
	o.check(as("prod"), []string{"unchanged#1 0"})
	if o.Repo.Head("pinsetter/apps") != head || len(o.hub.pulls()) != 1 {
		t.Error("they replace each other's proposals")
	}
}

// A base that is named by its ref is a base.
func TestBaseByRef(t *testing.T) {
	second := func(branch string) string {
		return `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: second}
spec: {url: REPO, interval: 5m, ref: {name: refs/heads/` + branch + `}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: second}
spec:
  interval: 5m
  suspend: true
  sourceRef: {kind: GitRepository, name: second}
  git: {commit: {author: {name: Bot, email: bot@example.test}}, push: {branch: third}}
`
	}
	w := newWorld(t, strings.ReplaceAll(storyObjects, "PUSH", "updates")+second("updates"), map[string]string{"a.yaml": storyFile})
	w.Registry.Push("org/app", "1.0.0", "1.1.0")
	run := func() { w.bot(nil).Cycle(t.Context(), bot.Push, w.Set.Automations) }
	run()
	before := w.Repo.Head("updates")
	w.Registry.Push("org/app", "1.2.0")
	run()
	if !strings.Contains(w.Repo.Git("rev-list", "updates"), before) {
		t.Error("a push branch that an automation starts from was forced")
	}

	o := offer(t, githubs(parts.NewGitHub(t)), "branch: env", nil)
	o.with("branch: env", second("env"))
	o.Repo.Git("branch", "env", "main")
	o.all()
	o.hand("main", "a.yaml", strings.ReplaceAll(storyFile, "1.0.0", "1.1.0"))
	o.all()
	if o.Repo.Head("env") == "" {
		t.Error("a proposal's branch that an automation starts from was deleted")
	}
}
