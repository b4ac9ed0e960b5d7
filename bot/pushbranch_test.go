package bot_test

import (
	"strings"
	"testing"

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
			s.repo.CommitFile("main", "b.yaml", s.named(storyFile), "")
			s.next("1.1.0")
			if !strings.Contains(s.repo.File("updates", "b.yaml"), "1.1.0") {
				t.Fatal("b.yaml is not proposed")
			}
			for path, text := range gone.Files {
				gone.Files[path] = s.named(text)
			}
			s.repo.Commit(parts.Commit{Tree: gone, Message: "gone"})
			s.next("1.1.0")
			if got := s.repo.Git("diff", "--name-only", "main", "updates"); got != "a.yaml" {
				t.Errorf("proposed is %q", got)
			}
			head := s.repo.Head("updates")
			s.next("1.1.0")
			if s.repo.Head("updates") != head {
				t.Error("the branch was made anew though nothing changed")
			}
		})
	}
}

// What is taken back is said: a branch was moved.
func TestTakingBackIsSaid(t *testing.T) {
	s := tell(t, "", "updates", "1.0.0", "1.1.0")
	s.next("1.1.0")
	s.registry.SetTags("org/app", "1.0.0")
	s.next("1.0.0")
	if p := s.last.Pushed; p == nil || p.Branch != "updates" || p.Commit != s.repo.Head("main") || len(s.last.Changes) > 0 {
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
			s.broken()
			return func() { s.fault.Store(nil) }
		},
		"a freeze": func(s *story) func() {
			objects := strings.ReplaceAll(storyObjects, "PUSH", "updates")
			s.load(objects + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {freeze: {from: 2026-01-01T00:00:00Z, to: 2026-12-01T00:00:00Z, reason: x}}\n")
			return func() { s.load(objects) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, "", "updates", "1.0.0", "1.1.0")
			s.next("1.1.0")
			head := s.repo.Head("updates")
			until := wait(s)
			s.repo.CommitFile("main", "a.yaml", "# by hand\n"+s.named(storyFile), "")
			if r := s.cycle(); r.Pushed != nil || s.repo.Head("updates") != head {
				t.Errorf("pushed %+v", r.Pushed)
			}
			until()
			if r := s.cycle(); r.Err != nil || r.Pushed == nil || !strings.HasPrefix(s.repo.File("updates", "a.yaml"), "# by hand\nimage: ") {
				t.Errorf("pushed %+v, %v: %s", r.Pushed, r.Err, s.repo.File("updates", "a.yaml"))
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
	s.load(first + second)
	for _, r := range s.bot(s.remember()).Cycle(t.Context(), bot.Push, s.set.Automations) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if head := s.repo.Head("main"); s.repo.Head("a") != head || s.repo.Head("b") != head {
		t.Errorf("main is at %s, a at %s, b at %s", head, s.repo.Head("a"), s.repo.Head("b"))
	}
}

// A refspec that is due waits for the end of a freeze, like everything else.
func TestADueRefspecWaits(t *testing.T) {
	s := tell(t, "", "main", "1.0.0", "1.1.0")
	objects := strings.Replace(storyObjects, "push: {branch: PUSH}", "push: {branch: main, refspec: 'HEAD:refs/heads/copy'}", 1)
	s.load(objects)
	s.repo.Git("branch", "copy", s.repo.Git("commit-tree", "-m", "theirs", "main^{tree}")) // refused: not an ancestor
	if r := s.cycle(); r.Err == nil || r.Pushed == nil || s.repo.Head("main") == s.repo.Head("copy") {
		t.Fatalf("%+v", r)
	}
	s.repo.Git("branch", "-D", "copy")
	s.load(objects + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {freeze: {from: 2026-01-01T00:00:00Z, to: 2026-12-01T00:00:00Z, reason: x}}\n")
	if r := s.cycle(); r.Err != nil || r.Pushed != nil || s.repo.Head("copy") != "" {
		t.Errorf("in the freeze: %+v", r)
	}
	s.load(objects)
	if r := s.cycle(); r.Err != nil || r.Pushed == nil || s.repo.Head("copy") != s.repo.Head("main") {
		t.Errorf("after it: %+v", r)
	}
}
