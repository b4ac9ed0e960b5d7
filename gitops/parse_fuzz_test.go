package gitops

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzRefspec: what a refspec asks for is one ref with a valid name, and never HEAD or
// the deletion of one.
func FuzzRefspec(f *testing.F) {
	f.Add("main", "+HEAD:refs/for/main")
	f.Add("main", "refs/heads/main:refs/heads/*")
	f.Add("", ":x")
	f.Fuzz(func(t *testing.T, branch, refspec string) {
		budget.Affords(t, len(branch)+len(refspec), func() {
			u, err := parseRefspec(Push{Branch: branch, Refspec: refspec})
			if err != nil || refspec == "" {
				return
			}
			if !strings.HasPrefix(u.name, "refs/") || plumbing.ReferenceName(u.name).Validate() != nil || strings.Contains(u.name, "*") || u.lease != plumbing.ZeroHash {
				t.Errorf("%+v", u)
			}
		})
	})
}

// commits are objects by hash.
type commits map[git.Hash]git.Object

func (c commits) Object(hash git.Hash) (git.Object, error) { return c[hash], nil }

// FuzzCommit: whatever stands in a commit, reading it and its history ends: also that
// of one that names itself, which no hash allows.
func FuzzCommit(f *testing.F) {
	const self = "1111111111111111111111111111111111111111"
	f.Add([]byte("tree "+self+"\nparent "+self+"\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n"), 3)
	f.Add([]byte("tree x\nparent \ngpgsig a\n b\n\nencoding"), 1)
	f.Add([]byte("author <<>> 99999999999999999999 +9999\n\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		budget.Affords(t, len(data), func() {
			head := plumbing.NewHash(self)
			store := commits{git.Hash(head): {Kind: git.Commit, Data: data}}
			if c, err := readCommit(store, head); err == nil {
				_ = info(c)
			}
			if infos, err := walk(store, head, 1+limit&7); err == nil && len(infos) > 8 {
				t.Errorf("%d commits", len(infos))
			}
		})
	})
}

// FuzzServerText: whatever a server says before it ends, the error is one line of
// bounded length.
func FuzzServerText(f *testing.F) {
	f.Add("fatal: repository 'x' not found\n\x1b[31m")
	f.Add("upload-pack: not our ref 1")
	f.Add("error: unable to write: No space left on device")
	f.Fuzz(func(t *testing.T, text string) {
		budget.Affords(t, len(text), func() {
			var said tail
			_, _ = said.Write([]byte(text))
			if err := explainText(said.String(), nil); err != nil && (strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 8192) {
				t.Errorf("%.200q", err)
			}
		})
	})
}
