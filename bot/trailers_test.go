package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// merged makes a commit on a branch of its own, and merges it into main.
func (s *story) merged(tree parts.Tree, message string) {
	s.t.Helper()
	side := s.Repo.Commit(parts.Commit{Tree: tree, Branch: "side", From: "main", Author: theBot, Message: message})
	merge := s.Repo.Git("commit-tree", "-p", "main", "-p", side, "-m", "merge", side+"^{tree}")
	s.Repo.Git("update-ref", "refs/heads/main", merge)
	s.Repo.Git("branch", "-D", "side")
}

// change is a trailer's change of a.yaml to a tag.
func (s *story) change(tag string) string {
	at := strings.NewReplacer(":", "%3A").Replace(s.Registry.Image("org/app"))
	return fmt.Sprintf("path=a.yaml&setter=default%%3Aapp&old=%s%%3A1.0.0&new=%s%%3A%s&line=1", at, at, tag)
}

// A trailer counts only where its commit did what it says: who writes the bot's
// name under a change of the documentation keeps no site back.
func TestTrailersCountWhereTheyAreTrue(t *testing.T) {
	for name, forge := range map[string]func(s *story){
		"a commit of the documentation": func(s *story) {
			s.merged(parts.Tree{Files: map[string]string{"README.md": "# x\n"}}, forged(s.change("1.1.0")))
		},
		"a commit of another file with markers": func(s *story) {
			s.merged(parts.Tree{Files: map[string]string{"b.yaml": s.showing("1.1.0")}}, forged(s.change("1.1.0")))
		},
		"a commit of the same file": func(s *story) {
			s.merged(parts.Tree{Files: map[string]string{"a.yaml": "# x\n" + s.showing("1.0.0")}}, forged(s.change("1.1.0")))
		},
		"another value": func(s *story) {
			s.merged(parts.Tree{Files: map[string]string{"a.yaml": s.showing("1.0.5")}}, forged(s.change("1.1.0")))
		},
		"an empty commit": func(s *story) { s.merged(parts.Tree{}, forged(s.change("1.1.0"))) },
	} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, "", "", "1.0.0", "1.0.5", "1.1.0")
			s.Repo.CommitFile("main", "b.yaml", s.showing("1.0.0"), "")
			forge(s)
			if s.last = s.run(nil); s.last.Err != nil || !strings.Contains(s.Repo.File("main", "a.yaml"), ":1.1.0 ") {
				t.Errorf("main has %q, held %v, %v", s.Repo.File("main", "a.yaml"), s.last.Held, s.last.Err)
			}
		})
	}
}

// A trailer that is true is a revert's witness without any state, also behind a
// merge commit.
func TestTrueTrailersCount(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	s.merged(parts.Tree{Files: map[string]string{"a.yaml": s.showing("1.1.0")}}, forged(s.change("1.1.0")))
	s.human("1.0.0")
	s.forgetful("1.0.0")
	s.holds("1.1.0", s.last.Held[0].Until, "somebody changed it")
}

// A forge that squashes or rebases commits in somebody's name, and the trailer is
// as true.
func TestTrailersOfSquashedCommitsCount(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": s.showing("1.1.0")}}, Message: forged(s.change("1.1.0"))})
	s.human("1.0.0")
	s.forgetful("1.0.0")
	s.holds("1.1.0", s.last.Held[0].Until, "somebody changed it")
}
