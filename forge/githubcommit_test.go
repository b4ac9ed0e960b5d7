package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// signing is a hub whose forge is an app's.
func signing(t *testing.T, permissions map[string]string) (*hub, *parts.GitHubApp) {
	t.Helper()
	h := newHub(t)
	app := h.github.NewApp("acme", permissions, h.repository)
	h.forge = h.openApp(h.where(app), nil)
	return h, app
}

func (h *hub) commit(c forge.VerifiedCommit) forge.Committed {
	h.Helper()
	done, err := h.forge.Commit(h.Context(), c)
	if err != nil {
		h.Fatal(err)
	}
	return done
}

func TestGitHubSignsCommits(t *testing.T) {
	h, _ := signing(t, needed())
	main := h.repository.Commit(parts.Commit{Tree: parts.Tree{
		Files: map[string]string{"run.sh": "#!/bin/sh\n", "d/latin1.yaml": "a: 1\n", "left": "alone\n"}, Executable: []string{"run.sh"},
		Symlinks: map[string]string{"link": "left"},
	}})
	c := forge.VerifiedCommit{Branch: "pinsetter/signed", Parent: main, Message: "Update\n\nTrailer: x\n", Files: []forge.CommitFile{
		{Path: "run.sh", Mode: "100755", Data: []byte("#!/bin/sh\n# ü\n")},
		{Path: "d/latin1.yaml", Mode: "100644", Data: []byte("a: \xfc\n")},
		{Path: "a.yaml", Mode: "100644", Data: nil},
	}}
	done := h.commit(c)
	if !done.Verified || done.Reason != "valid" || done.Hash != h.repository.Head(c.Branch) {
		t.Errorf("%+v", done)
	}
	want := "M\ta.yaml\nM\td/latin1.yaml\nM\trun.sh"
	if got := h.repository.Git("diff-tree", "-r", "--name-status", main, done.Hash); got != want {
		t.Error(got)
	}
	if got := h.repository.Git("ls-tree", done.Hash, "run.sh", "link"); !strings.Contains(got, "100755") || !strings.Contains(got, "120000") {
		t.Error(got)
	}
	for _, f := range c.Files {
		if got := h.repository.File(c.Branch, f.Path); got != string(f.Data) {
			t.Errorf("%s: %q", f.Path, got)
		}
	}
	if got := h.repository.Git("show", "-s", "--format=%cn|%P|%B", done.Hash); got != "GitHub|"+main+"|Update\n\nTrailer: x\n" {
		t.Errorf("%q", got)
	}
}

func TestGitHubSignsForAppsAlone(t *testing.T) {
	h := newHub(t)
	done := h.commit(forge.VerifiedCommit{Branch: "x", Parent: h.repository.Head("main"), Message: "m", Files: one("a: 2\n")})
	if done.Verified || done.Reason != "unsigned" {
		t.Errorf("%+v", done)
	}
	gitea := opened(t, "https://git.example.test/a/b", nil)
	_, err := gitea.Commit(t.Context(), forge.VerifiedCommit{Branch: "x", Parent: done.Hash, Files: one("a: 2\n")})
	if !errors.Is(err, forge.ErrInvalid) || !strings.Contains(err.Error(), "only GitHub signs commits") {
		t.Errorf("%v", err)
	}
	if may, why, err := gitea.MayEditWorkflows(t.Context()); !may || why != "" || err != nil {
		t.Errorf("%v %q %v", may, why, err)
	}
}

func one(content string) []forge.CommitFile {
	return []forge.CommitFile{{Path: "a.yaml", Mode: "100644", Data: []byte(content)}}
}

func TestGitHubMovesABranchFromWhereItIsExpected(t *testing.T) {
	h, _ := signing(t, needed())
	main, web := h.repository.Head("main"), h.repository.Head("pinsetter/web")
	c := forge.VerifiedCommit{Branch: "pinsetter/web", Message: "m", Files: one("a: 3\n")}
	refused := func(name, expect, parent string, rebuilt bool, want error) {
		t.Helper()
		c.Expect, c.Parent, c.Rebuilt = expect, parent, rebuilt
		before := h.repository.Head(c.Branch)
		if _, err := h.forge.Commit(t.Context(), c); !errors.Is(err, want) || h.repository.Head(c.Branch) != before {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused("it exists", "", main, false, forge.ErrMoved)
	refused("it is elsewhere", main, main, false, forge.ErrMoved)
	refused("rebuilt, and elsewhere", main, web, true, forge.ErrMoved)
	refused("not on what it has", web, main, false, forge.ErrInvalid)
	refused("no such parent", web, strings.Repeat("a", 40), true, forge.ErrNotFound)
	c.Expect, c.Parent, c.Rebuilt = web, web, false
	done := h.commit(c)
	c.Expect, c.Parent, c.Rebuilt = done.Hash, main, true
	done = h.commit(c)
	if got := h.repository.Git("rev-list", "--count", "main..pinsetter/web"); got != "1" || h.repository.Head(c.Branch) != done.Hash {
		t.Errorf("%s commits", got)
	}
	h.repository.Git("config", "receive.denyNonFastForwards", "true")
	c.Message = "another"
	refused("it keeps its commits", done.Hash, main, true, forge.ErrNoReplace)
	c.Expect, c.Parent, c.Rebuilt, c.Over = done.Hash, main, false, []string{main, done.Hash}
	refused("on top of another", done.Hash, main, false, forge.ErrInvalid)
	c.Over = []string{done.Hash, main}
	done = h.commit(c)
	if got := h.repository.Git("show", "-s", "--format=%P", c.Branch); got != strings.Join(c.Over, " ") || h.repository.Head(c.Branch) != done.Hash {
		t.Errorf("on top of %s", got)
	}
	c.Branch, c.Over = "gone", nil
	refused("it is gone", web, main, true, forge.ErrMoved)
}

func TestGitHubLosesNobodysWork(t *testing.T) {
	h, _ := signing(t, needed())
	web := h.repository.Head("pinsetter/web")
	var theirs string
	push := func() { theirs = h.repository.CommitFile("pinsetter/web", "b.yaml", "b: 1\n", "") }
	h.github.Fail(parts.GitHubFault{Request: "PATCH /repos/{owner}/{repo}/git/refs/{ref}", Meanwhile: push})
	_, err := h.forge.Commit(t.Context(), forge.VerifiedCommit{Branch: "pinsetter/web", Expect: web, Parent: web, Message: "m", Files: one("a: 3\n")})
	if !errors.Is(err, forge.ErrMoved) || h.repository.Head("pinsetter/web") != theirs {
		t.Errorf("%v", err)
	}
	branch := func() { theirs = h.repository.Commit(parts.Commit{Branch: "pinsetter/new", From: "main"}) }
	h.github.Fail(parts.GitHubFault{Request: "POST /repos/{owner}/{repo}/git/refs", Meanwhile: branch})
	_, err = h.forge.Commit(t.Context(), forge.VerifiedCommit{Branch: "pinsetter/new", Parent: web, Message: "m", Files: one("a: 3\n")})
	if !errors.Is(err, forge.ErrMoved) || h.repository.Head("pinsetter/new") != theirs {
		t.Errorf("%v", err)
	}
}

func TestGitHubFailsAfterItMovedABranch(t *testing.T) {
	h, _ := signing(t, needed())
	web := h.repository.Head("pinsetter/web")
	for _, c := range []forge.VerifiedCommit{
		{Branch: "pinsetter/web", Expect: web, Parent: web, Message: "m", Files: one("a: 3\n")},
		{Branch: "pinsetter/ü#1%", Parent: web, Message: "m", Files: one("a: 3\n")},
	} {
		request := "POST /repos/{owner}/{repo}/git/refs"
		if c.Expect != "" {
			request = "PATCH /repos/{owner}/{repo}/git/refs/{ref}"
		}
		h.github.Fail(parts.GitHubFault{Request: request, Done: true}) // and the connection breaks
		if done := h.commit(c); done.Hash != h.repository.Head(c.Branch) {
			t.Errorf("%+v", done)
		}
	}
}

// A branch that is moved by force is moved once: whatever came to it after the
// first try would be lost by the second.
func TestGitHubForcesOnce(t *testing.T) {
	h, _ := signing(t, needed())
	main, web := h.repository.Head("main"), h.repository.Head("pinsetter/web")
	for _, status := range []int{http.StatusBadGateway, http.StatusTooManyRequests} {
		h.github.Log.Reset()
		h.github.Fail(parts.GitHubFault{Request: "PATCH /repos/{owner}/{repo}/git/refs/{ref}", Status: status})
		_, err := h.forge.Commit(t.Context(), forge.VerifiedCommit{Branch: "pinsetter/web", Expect: web, Parent: main, Rebuilt: true, Message: "m", Files: one("a: 3\n")})
		if n := h.github.Log.Count(http.MethodPatch, "/git/refs"); err == nil || n != 1 || h.repository.Head("pinsetter/web") != web {
			t.Errorf("%d: %v, asked %d times", status, err, n)
		}
	}
}

func TestGitHubTakesManyFilesInFewRequests(t *testing.T) {
	h, _ := signing(t, needed())
	var files []forge.CommitFile
	for i := range 501 {
		files = append(files, forge.CommitFile{Path: fmt.Sprintf("many/%d.yaml", i), Mode: "100644", Data: []byte("a: 1\n")})
	}
	files[3].Data = []byte(strings.Repeat("x", 5<<20))
	h.commit(forge.VerifiedCommit{Branch: "many", Parent: h.repository.Head("main"), Message: "m", Files: files})
	if n := len(strings.Fields(h.repository.Git("ls-tree", "-r", "--name-only", "many", "many/"))); n != 501 {
		t.Errorf("%d files", n)
	}
	if n := h.github.Log.Count(http.MethodPost, "/git/"); n != 5 { // three trees, a commit and the branch
		t.Errorf("%d requests", n)
	}
}

func TestGitHubRefusesUnsoundCommits(t *testing.T) {
	h, _ := signing(t, needed())
	main := h.repository.Head("main")
	file := forge.CommitFile{Path: "a.yaml", Mode: "100644", Data: []byte("a: 2\n")}
	for name, c := range map[string]forge.VerifiedCommit{
		"nothing changes": {Branch: "x", Parent: main, Files: one("a: 1\n")},
		"no files":        {Branch: "x", Parent: main},
		"no branch":       {Parent: main, Files: one("a: 2\n")},
		"no hash":         {Branch: "x", Parent: "main", Files: one("a: 2\n")},
		"a symlink":       {Branch: "x", Parent: main, Files: []forge.CommitFile{{Path: "a.yaml", Mode: "120000"}}},
		"a path twice":    {Branch: "x", Parent: main, Files: []forge.CommitFile{file, file}},
		"a rooted path":   {Branch: "x", Parent: main, Files: []forge.CommitFile{{Path: "/a", Mode: "100644"}}},
		"a path upwards":  {Branch: "x", Parent: main, Files: []forge.CommitFile{{Path: "../a", Mode: "100644"}}},
	} {
		if _, err := h.forge.Commit(t.Context(), c); !errors.Is(err, forge.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGitHubsOddHashesMakeNoCommit: a tree that is based on nothing would drop
// all other files.
func TestGitHubsOddHashesMakeNoCommit(t *testing.T) {
	h, _ := signing(t, needed())
	for _, request := range []string{
		"GET /repos/{owner}/{repo}/git/commits/{commit_sha}",
		"POST /repos/{owner}/{repo}/git/trees",
		"POST /repos/{owner}/{repo}/git/commits",
	} {
		h.github.Fail(parts.GitHubFault{Request: request, Status: http.StatusOK, Body: `{"sha":"","tree":{}}`})
		_, err := h.forge.Commit(t.Context(), forge.VerifiedCommit{Branch: "x", Parent: h.repository.Head("main"), Message: "m", Files: one("a: 3\n")})
		if err == nil || h.repository.Head("x") != "" {
			t.Errorf("%s: %v", request, err)
		}
	}
}

func TestGitHubGuardsWorkflows(t *testing.T) {
	h, app := signing(t, needed())
	workflow := forge.VerifiedCommit{Branch: "x", Parent: h.repository.Head("main"), Message: "m", Files: []forge.CommitFile{
		{Path: ".github/workflows/ci.yaml", Mode: "100644", Data: []byte("on: push\n")},
	}}
	may, why, err := h.forge.MayEditWorkflows(t.Context())
	if may || !strings.Contains(why, "lacks workflows: write") || !strings.Contains(why, "/settings/installations/") || err != nil {
		t.Errorf("%v %q %v", may, why, err)
	}
	if _, err := h.forge.Commit(t.Context(), workflow); !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), ".github/workflows/") {
		t.Errorf("%v", err)
	}
	app.Grant("workflows", "write")
	h.forge = h.openApp(h.where(app), nil)
	if may, why, err := h.forge.MayEditWorkflows(t.Context()); !may || why != "" || err != nil {
		t.Errorf("%v %q %v", may, why, err)
	}
	h.commit(workflow)
	for name, test := range map[string]struct {
		token string
		may   bool
	}{
		"classic":      {h.token("repo"), false},
		"with scope":   {h.token("repo", "workflow"), true},
		"fine-grained": {h.github.NewFineGrainedToken("bot", needed(), h.repository), true},
	} {
		may, why, err := h.open(h.repository.URL, test.token).MayEditWorkflows(t.Context())
		if may != test.may || may != (why == "") || err != nil {
			t.Errorf("%s: %v %q %v", name, may, why, err)
		}
	}
}
