package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// A push branch proposes nothing at a site that the base hasn't any more: who
// merges it would write what nobody asks for.
func TestAProposalLosesTheSitesThatGo(t *testing.T) {
	unmarked, _, _ := strings.Cut(storyFile, " #")
	for name, gone := range map[string]parts.Tree{
		"the marker": {Files: map[string]string{"b.yaml": unmarked + "\n"}},
		"the file":   {Delete: []string{"b.yaml"}},
		"its policy": {Files: map[string]string{"b.yaml": strings.ReplaceAll(storyFile, "default:app", "default:other")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, "", "updates", "1.0.0", "1.1.0")
			s.Repo.CommitFile("main", "b.yaml", s.Named(storyFile), "")
			s.next("1.1.0")
			if !strings.Contains(s.Repo.File("updates", "b.yaml"), "1.1.0") {
				t.Fatal("b.yaml is not proposed")
			}
			for path, text := range gone.Files {
				gone.Files[path] = s.Named(text)
			}
			s.Repo.Commit(parts.Commit{Tree: gone, Message: "gone"})
			s.next("1.1.0")
			if got := s.Repo.Git("diff", "--name-only", "main", "updates"); got != "a.yaml" {
				t.Errorf("proposed is %q", got)
			}
			head := s.Repo.Head("updates")
			s.next("1.1.0")
			if s.Repo.Head("updates") != head {
				t.Error("the branch was made anew though nothing changed")
			}
		})
	}
}

// What is taken back is said: a branch was moved.
func TestTakingBackIsSaid(t *testing.T) {
	s := tell(t, "", "updates", "1.0.0", "1.1.0")
	s.next("1.1.0")
	s.Registry.SetTags("org/app", "1.0.0")
	s.next("1.0.0")
	if p := s.last.Pushed; p == nil || p.Branch != "updates" || p.Commit != s.Repo.Head("main") || len(s.last.Changes) > 0 {
		t.Errorf("pushed %+v, changed %v", p, s.last.Changes)
	}
	s.next("1.0.0")
	if p := s.last.Pushed; p != nil {
		t.Errorf("pushed %+v", p)
	}
}

// While nothing can be decided, or written, a proposal stays as it is, also where
// its file changes on the base.
func TestAProposalThatWaitsIsNotPushed(t *testing.T) {
	for name, wait := range map[string]func(*story) (until func()){
		"the scan fails": func(s *story) func() {
			s.Break()
			return func() { s.Fault.Store(nil) }
		},
		"a freeze": func(s *story) func() {
			objects := strings.ReplaceAll(storyObjects, "PUSH", "updates")
			s.Load(objects + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {freeze: {from: 2026-01-01T00:00:00Z, to: 2026-12-01T00:00:00Z, reason: x}}\n")
			return func() { s.Load(objects) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, "", "updates", "1.0.0", "1.1.0")
			s.next("1.1.0")
			head := s.Repo.Head("updates")
			until := wait(s)
			s.Repo.CommitFile("main", "a.yaml", "# by hand\n"+s.Named(storyFile), "")
			if r := s.cycle(); r.Pushed != nil || s.Repo.Head("updates") != head {
				t.Errorf("pushed %+v", r.Pushed)
			}
			until()
			if r := s.cycle(); r.Err != nil || r.Pushed == nil || !strings.HasPrefix(s.Repo.File("updates", "a.yaml"), "# by hand\nimage: ") {
				t.Errorf("pushed %+v, %v: %s", r.Pushed, r.Err, s.Repo.File("updates", "a.yaml"))
			}
		})
	}
}

// Each automation of a branch has its refspec, whichever way it names the branch.
func TestRefspecsOfOneBranch(t *testing.T) {
	s := tell(t, "", "main", "1.0.0", "1.1.0")
	objects := strings.ReplaceAll(storyObjects, "PUSH", "main")
	first := strings.Replace(objects, "push: {branch: main}", "push: {branch: main, refspec: 'refs/heads/main:refs/heads/a'}", 1)
	_, second, _ := strings.Cut(objects, "ref: {branch: main}}\n")
	second = strings.NewReplacer("name: apps", "name: more", "push: {branch: main}", "push: {branch: main, refspec: 'main:refs/heads/b'}").Replace(second)
	s.Load(first + second)
	for _, r := range s.bot(s.Remember()).Cycle(t.Context(), bot.Push, s.Set.Automations) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if head := s.Repo.Head("main"); s.Repo.Head("a") != head || s.Repo.Head("b") != head {
		t.Errorf("main is at %s, a at %s, b at %s", head, s.Repo.Head("a"), s.Repo.Head("b"))
	}
}

// A refspec that is due waits for the end of a freeze, like everything else.
func TestADueRefspecWaits(t *testing.T) {
	s := tell(t, "", "main", "1.0.0", "1.1.0")
	objects := strings.Replace(storyObjects, "push: {branch: PUSH}", "push: {branch: main, refspec: 'HEAD:refs/heads/copy'}", 1)
	s.Load(objects)
	s.Repo.Git("branch", "copy", s.Repo.Git("commit-tree", "-m", "theirs", "main^{tree}")) // refused: not an ancestor
	if r := s.cycle(); r.Err == nil || r.Pushed == nil || s.Repo.Head("main") == s.Repo.Head("copy") {
		t.Fatalf("%+v", r)
	}
	s.Repo.Git("branch", "-D", "copy")
	s.Load(objects + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {freeze: {from: 2026-01-01T00:00:00Z, to: 2026-12-01T00:00:00Z, reason: x}}\n")
	if r := s.cycle(); r.Err != nil || r.Pushed != nil || s.Repo.Head("copy") != "" {
		t.Errorf("in the freeze: %+v", r)
	}
	s.Load(objects)
	if r := s.cycle(); r.Err != nil || r.Pushed == nil || s.Repo.Head("copy") != s.Repo.Head("main") {
		t.Errorf("after it: %+v", r)
	}
}

// Where a server lets no commit be dropped, a push branch gets commits on top of
// its own, and the refusal is remembered for a day.
func TestABranchThatKeepsItsCommits(t *testing.T) {
	for name, ledger := range map[string]bool{"with a state": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, "", "updates", "1.0.0", "1.1.0")
			s.Repo.Git("config", "receive.denyNonFastForwards", "true")
			next := s.next
			if !ledger {
				next = s.forgetful
			}
			next("1.1.0")
			first := s.Repo.Head("updates")
			s.Registry.Push("org/app", "1.2.0")
			s.Repo.CommitFile("main", "README.md", "news\n", "")
			next("1.2.0")
			if got := s.Repo.Git("rev-parse", "updates^"); got != first {
				t.Errorf("updates is on %s, not on %s", got, first)
			}
			second := s.Repo.Head("updates")
			s.Repo.CommitFile("main", "a.yaml", "# by hand\n"+s.Named(storyFile), "")
			next("1.2.0")
			if s.Repo.Head("updates") != second || len(s.last.Changes) > 0 {
				t.Errorf("changed %v", s.last.Changes)
			}
			if n := strings.Count(s.said.String(), "committing on top of it"); ledger && n != 1 || !ledger && n != 2 {
				t.Errorf("refused %d times", n)
			}
			s.Repo.Git("config", "receive.denyNonFastForwards", "false")
			s.Pass(25 * time.Hour)
			s.Registry.Push("org/app", "1.3.0")
			s.last = s.cycle()
			if got := s.Repo.Git("rev-parse", "updates^"); got != s.Repo.Head("main") || s.last.Err != nil {
				t.Errorf("updates is on %s: %v", got, s.last.Err)
			}
		})
	}
}

// A pull request's branch that keeps its commits is said, with the way out.
func TestAPullRequestThatKeepsItsCommits(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
	o.Repo.Git("config", "receive.denyNonFastForwards", "true")
	o.all()
	o.Registry.Push("org/app", "1.2.0")
	o.Repo.CommitFile("main", "README.md", "news\n", "")
	for _, r := range o.says("0 error") {
		if !strings.Contains(r.Error, "non-fast-forward") || !strings.Contains(r.Error, "delete its branch, and the next run proposes this anew") {
			t.Errorf("%q", r.Error)
		}
	}
}
