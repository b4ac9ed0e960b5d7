package parts

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clone clones url into a new folder with C git and gives a runner for it.
func clone(t *testing.T, g *Git, url string, config ...string) func(args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	args := slices.Concat(config, []string{"clone", "-q", url, dir})
	if _, err := g.run(dir, nil, args...); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) (string, error) { return g.run(dir, nil, args...) }
}

func TestGitServesWhatWasCommitted(t *testing.T) {
	g := NewGit(t, GitOptions{})
	repo := g.NewRepository("org/app", RepositoryOptions{Tree: Tree{
		Files:      map[string]string{"a.yaml": "a: 1\n", "bin/run": "#!/bin/sh\n", "no newline": "x"},
		Executable: []string{"bin/run"},
		Symlinks:   map[string]string{"link.yaml": "a.yaml"},
	}})
	want := "100644 a.yaml\n100755 bin/run\n120000 link.yaml\n100644 no newline"
	if diff := cmp.Diff(want, repo.Git("ls-tree", "-r", "--format=%(objectmode) %(path)", "main")); diff != "" {
		t.Error(diff)
	}
	if got := repo.File("main", "no newline"); got != "x" {
		t.Errorf("%q", got)
	}
	work := clone(t, g, repo.URL)
	repo.CommitFile("main", "a.yaml", "a: 2\n", "Ada <ada@example.test>")
	if _, err := work("pull", "-q"); err != nil {
		t.Fatal(err)
	}
	if got, _ := work("log", "-1", "--format=%an %s"); got != "Ada Change a.yaml" {
		t.Errorf("%q", got)
	}
	if g.Log.Count("POST", "git-upload-pack") == 0 {
		t.Error("nothing in the log")
	}
}

func TestGitNotesPushes(t *testing.T) {
	g := NewGit(t, GitOptions{})
	repo := g.NewRepository("app", RepositoryOptions{Tree: Tree{Files: map[string]string{"a": "1"}}})
	work := clone(t, g, repo.URL)
	old := repo.Head("main")
	if _, err := work("commit", "-q", "--allow-empty", "-m", "More"); err != nil {
		t.Fatal(err)
	}
	if _, err := work("push", "-q", "-o", "topic=a b", "-o", "draft", "origin", "main"); err != nil {
		t.Fatal(err)
	}
	want := []Push{{Ref: "refs/heads/main", Old: old, New: repo.Head("main"), Options: []string{"topic=a b", "draft"}}}
	if diff := cmp.Diff(want, repo.Pushes()); diff != "" {
		t.Error(diff)
	}
}

func TestGitRefusesAsItsHooksSay(t *testing.T) {
	g := NewGit(t, GitOptions{})
	repo := g.NewRepository("app", RepositoryOptions{
		Tree:  Tree{Files: map[string]string{"a": "1"}},
		Hooks: map[string]string{"pre-receive": "#!/bin/sh\necho protected >&2\nexit 1\n"},
	})
	work := clone(t, g, repo.URL)
	if _, err := work("commit", "-q", "--allow-empty", "-m", "More"); err != nil {
		t.Fatal(err)
	}
	if _, err := work("push", "-q", "origin", "main"); err == nil || !strings.Contains(err.Error(), "protected") {
		t.Errorf("%v", err)
	}
}

func TestGitDemandsCredentials(t *testing.T) {
	g := NewGit(t, GitOptions{FrontOptions{User: "bot", Password: "secret", Bearer: "token"}})
	repo := g.NewRepository("app", RepositoryOptions{Tree: Tree{Files: map[string]string{"a": "1"}}})
	if _, err := g.run(g.Root, nil, "ls-remote", repo.URL); err == nil {
		t.Error("anonymous got in")
	}
	withUser := strings.Replace(repo.URL, "http://", "http://bot:secret@", 1)
	if _, err := g.run(g.Root, nil, "ls-remote", withUser); err != nil {
		t.Error(err)
	}
	if _, err := g.run(g.Root, nil, "-c", "http.extraHeader=Authorization: Bearer token", "ls-remote", repo.URL); err != nil {
		t.Error(err)
	}
}

func TestGitDemandsClientCertificates(t *testing.T) {
	ca := NewCA(t)
	g := NewGit(t, GitOptions{FrontOptions{TLS: &TLS{CA: ca, Clients: ca}}})
	repo := g.NewRepository("app", RepositoryOptions{Tree: Tree{Files: map[string]string{"a": "1"}}})
	dir := t.TempDir()
	client := ca.Client("bot")
	for name, data := range map[string][]byte{"ca": ca.PEM, "cert": client.Cert, "key": client.Key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(key, file string) string { return "http." + key + "=" + filepath.Join(dir, file) }
	if _, err := g.run(dir, nil, "-c", config("sslCAInfo", "ca"), "ls-remote", repo.URL); err == nil {
		t.Error("got in without a certificate")
	}
	if _, err := g.run(dir, nil, "-c", config("sslCAInfo", "ca"), "-c", config("sslCert", "cert"),
		"-c", config("sslKey", "key"), "ls-remote", repo.URL); err != nil {
		t.Error(err)
	}
}

func TestGitReadsAFolder(t *testing.T) {
	g := NewGit(t, GitOptions{})
	dir := t.TempDir()
	script := exec.Command("sh", "-ec", "mkdir sub; echo a >sub/a; ln -s a sub/b; echo c >c; chmod +x c")
	script.Dir = dir
	if err := script.Run(); err != nil {
		t.Fatal(err)
	}
	repo := g.NewRepository("app", RepositoryOptions{Folder: dir, Branch: "trunk", Tree: Tree{Files: map[string]string{"d": "d"}}})
	want := "100755 c\n100644 d\n100644 sub/a\n120000 sub/b"
	if diff := cmp.Diff(want, repo.Git("ls-tree", "-r", "--format=%(objectmode) %(path)", "trunk")); diff != "" {
		t.Error(diff)
	}
}
