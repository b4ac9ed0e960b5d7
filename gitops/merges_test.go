package gitops_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// TestCommitOver: a commit goes on top of a branch with the files of a base, and is a
// merge of it where the branch starts from another.
func TestCommitOver(t *testing.T) {
	r := parts.NewGit(t, parts.GitOptions{}).NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: map[string]string{"receive.denyNonFastForwards": "true"}})
	remote := open(t, r.URL)
	change := func(text string) string { return r.CommitFile("main", "news.txt", text, "") }
	push := func(tag string, parents ...string) {
		t.Helper()
		fetched := fetch(t, remote, main, "updates")
		c := gitops.Commit{
			Files:   map[string][]byte{"apps/a.yaml": []byte("tag: " + tag + "\n")},
			Message: "Update images\n", Author: bot, When: when,
		}
		p := gitops.Push{Branch: "updates"}
		if state := fetched.Push["updates"]; state != nil {
			c.Over, p.Lease = state, state.Head.Hash()
			if err := fetched.CheckMerges(t.Context(), state); err != nil {
				t.Error(err)
			}
		}
		var err error
		if p.Snapshot, err = fetched.Base.Commit(c); err == nil {
			_, err = remote.Push(t.Context(), p)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Git("show", "-s", "--format=%P", "updates"); got != strings.Join(parents, " ") {
			t.Errorf("%s: on %s, not on %s", tag, got, parents)
		}
		if got := r.Git("diff", "--name-only", "main...updates"); got != "apps/a.yaml" {
			t.Errorf("%s: changes %s", tag, got)
		}
		if got := r.Git("diff", "--name-only", "main", "updates"); got != "apps/a.yaml" {
			t.Errorf("%s: differs in %s", tag, got)
		}
	}
	push("1.1.0", r.Head("main"))
	push("1.2.0", r.Head("updates"))
	change("1\n")
	push("1.3.0", r.Head("updates"), r.Head("main"))
	push("1.4.0", r.Head("updates"))
	change("2\n")
	change("3\n")
	push("1.5.0", r.Head("updates"), r.Head("main"))
}

// TestCheckMerges: a merge of the base is fine where it has all of the base that the
// branch had.
func TestCheckMerges(t *testing.T) {
	r := parts.NewGit(t, parts.GitOptions{}).NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	older := r.Head("main")
	newer := r.CommitFile("main", "news.txt", "1\n", "")
	newest := r.CommitFile("main", "news.txt", "2\n", "")
	side := r.Commit(parts.Commit{Branch: "side", From: newer, Tree: parts.Tree{Files: map[string]string{"b.yaml": "b: 1\n"}}})
	on := func(parents ...string) string {
		args := []string{"commit-tree", "-m", "on", "main^{tree}"}
		for _, parent := range parents {
			args = append(args, "-p", parent)
		}
		return r.Git(args...)
	}
	remote := open(t, r.URL)
	for name, test := range map[string]struct {
		tip  string
		fine bool
	}{
		"no merge":                     {on(on(older)), true},
		"the base":                     {on(on(older), newest), true},
		"a base between":               {on(on(older), newer), true},
		"two bases, in order":          {on(on(on(older), newer), newest), true},
		"and more on it":               {on(on(on(older), newer)), true},
		"the base that it had":         {on(on(newer), newer), true},
		"an older base":                {on(on(newer), older), false},
		"two bases, out of order":      {on(on(on(older), newest), newer), false},
		"an older base on the newest":  {on(newest, older), false},
		"another branch":               {on(on(older), side), false},
		"itself":                       {on(on(older), on(on(older))), false},
		"two at once":                  {on(on(older), newer, newest), false},
		"an older base, then a newer":  {on(on(on(newer), older), newest), true},
		"another branch, below a base": {on(on(on(older), side), newest), false},
	} {
		r.Git("update-ref", "refs/heads/updates", test.tip)
		fetched := fetch(t, remote, main, "updates")
		err := fetched.CheckMerges(t.Context(), fetched.Push["updates"])
		if (err == nil) != test.fine || err != nil && !errors.Is(err, gitops.ErrNotEdits) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
