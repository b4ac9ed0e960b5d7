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

// Where a server lets no commit be dropped, a proposal's branch gets commits on top of
// its own that show the base and what is proposed. It stays the bot's, with and
// without a state, and the refusal is remembered for a day.
func TestAPullRequestThatKeepsItsCommits(t *testing.T) {
	const branch = "pinsetter/apps"
	github := parts.NewGitHub(t)
	for name, ledger := range map[string]bool{"with a state": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, githubs(github), "", map[string]string{"a.yaml": storyFile, "b.yaml": "b: 1\n"})
			o.Repo.Git("config", "receive.denyNonFastForwards", "true")
			says := o.says
			if !ledger {
				says = o.forgetful
			}
			proposes := func(tag string, parents ...string) {
				t.Helper()
				if got := o.Repo.Git("show", "-s", "--format=%P", branch); got != strings.Join(parents, " ") {
					t.Errorf("its parents are %s, not %s", got, parents)
				}
				if got := o.Repo.Git("diff", "--name-only", "main..."+branch) + o.Repo.Git("diff", "--name-only", "main", branch); got != "a.yamla.yaml" {
					t.Errorf("it proposes %q", got)
				}
				if got := o.Repo.File(branch, "a.yaml"); !strings.Contains(got, ":"+tag+" ") {
					t.Errorf("it shows %s", got)
				}
			}
			says("created#1 1")
			proposes("1.1.0", o.Repo.Head("main"))

			first := o.Repo.Head(branch)
			o.hand("main", "b.yaml", "b: 2\n")
			o.Registry.Push("org/app", "1.2.0")
			says("updated#1 1")
			proposes("1.2.0", first, o.Repo.Head("main"))

			second := o.Repo.Head(branch)
			o.Registry.Push("org/app", "1.3.0")
			says("updated#1 1")
			proposes("1.3.0", second)

			third := o.Repo.Head(branch)
			o.hand("main", "a.yaml", "# by hand\n"+o.Named(storyFile))
			says("updated#1 1")
			proposes("1.3.0", third, o.Repo.Head("main"))
			says("unchanged#1 0")
			want := 3
			if ledger {
				want = 1
			}
			if n := strings.Count(o.said.String(), "committing on top of it"); n != want {
				t.Errorf("refused %d times, not %d", n, want)
			}

			o.hand("main", "a.yaml", strings.ReplaceAll(o.Named(storyFile), ":1.0.0", ":1.3.0"))
			says("closed#1 0")
			if o.Repo.Head(branch) != "" {
				t.Error("the branch is left")
			}
		})
	}
}

// A person's commit on a branch that keeps its commits stays, and nothing is put on
// top of it.
func TestAPullRequestThatKeepsAPersonsCommit(t *testing.T) {
	o := offer(t, githubs(parts.NewGitHub(t)), "", nil)
	o.Repo.Git("config", "receive.denyNonFastForwards", "true")
	o.says("created#1 1")
	o.Registry.Push("org/app", "1.2.0")
	o.says("updated#1 1")
	theirs := o.Repo.CommitFile("pinsetter/apps", "a.yaml", "# by hand\n"+o.Named(storyFile), "")
	o.Registry.Push("org/app", "1.3.0")
	o.says("unchanged#1 0 held")
	if o.Repo.Head("pinsetter/apps") != theirs {
		t.Error("the branch was moved")
	}
}

// A forged merge that would bring back an older base is somebody's: it isn't merged, and
// not replaced.
func TestAForgedMergeIsNotMerged(t *testing.T) {
	github := parts.NewGitHub(t)
	for name, forge := range map[string]func(o *offers, older string) (files string, parents []string){
		"an older base over a newer one": func(o *offers, older string) (string, []string) {
			return older, []string{"pinsetter/apps", older}
		},
		"an older base over the newest": func(o *offers, older string) (string, []string) {
			return older, []string{"main", older}
		},
		"a person's branch": func(o *offers, _ string) (string, []string) {
			theirs := o.Repo.Commit(parts.Commit{Branch: "theirs", From: o.Repo.Head("main"), Tree: parts.Tree{Files: map[string]string{"b.yaml": "b: 3\n"}}})
			return theirs, []string{"pinsetter/apps", theirs}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := offer(t, githubs(github), "", map[string]string{"a.yaml": storyFile, "b.yaml": "b: 1\n"})
			older := o.Repo.Head("main")
			o.hand("main", "b.yaml", "b: 2\n")
			o.says("created#1 1")
			files, parents := forge(o, older)
			o.Repo.Git("branch", "made", files)
			o.Repo.CommitFile("made", "a.yaml", strings.ReplaceAll(o.Named(storyFile), ":1.0.0", ":1.1.0"), "")
			args := []string{"-c", "user.name=Bot", "-c", "user.email=bot@example.test", "commit-tree", "-m", forged(), "made^{tree}"}
			for _, parent := range parents {
				args = append(args, "-p", parent)
			}
			theirs := o.Repo.Git(args...)
			o.Repo.Git("update-ref", "refs/heads/pinsetter/apps", theirs)
			o.with("autoMerge: true")
			for range 2 {
				o.all()
				o.bot(nil).Cycle(t.Context(), bot.Push, o.Set.Automations)
			}
			if p := o.hub.pulls()[0]; p.State != "open" || o.Repo.Head("pinsetter/apps") != theirs {
				t.Errorf("it is %s, its branch at %s, not %s", p.State, o.Repo.Head("pinsetter/apps"), theirs)
			}
		})
	}
}
