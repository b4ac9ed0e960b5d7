package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// tagged is a screen for files with a tag.
func tagged(version string) gitops.Screen {
	return gitops.Screen{Version: version, Wants: func(data []byte) bool { return bytes.Contains(data, []byte("tag:")) }}
}

var taggedFiles = map[string]string{"apps/a.yaml": "tag: 1.0.0\n", "apps/b/deploy.yaml": "tag: 2.0.0\n"}

// With a screen only wanted files come out; with a directory, what was fetched
// once is not fetched again, whatever the server can do.
func TestKeep(t *testing.T) {
	everyServer(t, func(t *testing.T, r *parts.Repository, g *parts.Git, src *fleet.GitSource) {
		dir := filepath.Join(t.TempDir(), "kept")
		read := func() *gitops.Snapshot {
			t.Helper()
			base := fetch(t, openWith(t, src, gitops.Options{Keep: dir, Screen: tagged("1")}), main, "updates").Base
			found, _ := all(t, base, "")
			if found["apps/a.yaml"] != r.File("main", "apps/a.yaml") || len(found) != 2 {
				t.Errorf("read %v", found)
			}
			return base
		}
		read()
		g.Log.Reset()
		base := read()
		if n := g.Log.Count("POST", ""); n > 1 {
			t.Errorf("nothing changed: %d commands, want one for the refs at most", n)
		}
		if data, ok, err := base.Read(t.Context(), "other/c.yaml"); string(data) != "y: 1\n" || !ok || err != nil {
			t.Errorf("Read of what isn't wanted: %q, %v, %v", data, ok, err)
		}
		next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
		push(t, openWith(t, src, gitops.Options{}), gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
		read()
		r.Git("branch", "updates", "main~1")
		read()
		r.CommitFile("main", "new/dir/file.yaml", "z: 1\n", "")
		read()
		fsck(t, g, r)
	})
}

// A branch that moved costs what is new to it.
func TestKeepMoved(t *testing.T) {
	g, sent := counted(t)
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: parts.Tree{Files: crowd(1000)}})
	screen := gitops.Screen{Version: "1", Wants: func(data []byte) bool { return bytes.Contains(data, []byte("tag:")) }}
	dir := t.TempDir()
	read := func() map[string]string {
		remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Keep: dir, Screen: screen})
		found, _ := all(t, fetch(t, remote, main, "").Base, "")
		return found
	}
	if found := read(); len(found) != 0 {
		t.Errorf("%d files", len(found))
	}
	r.CommitFile("main", "team-7/app-7/deploy.yaml", "tag: 1\n", "")
	sent.Store(0)
	if diff := cmp.Diff(map[string]string{"team-7/app-7/deploy.yaml": "tag: 1\n"}, read()); diff != "" {
		t.Error(diff)
	}
	if n := sent.Load(); n > 6000 {
		t.Errorf("%d bytes for one file", n)
	}
	r.Git("update-ref", "refs/heads/main", r.Git("commit-tree", "-m", "begin again", "main^{tree}")) // without a common history
	read()
	if data := read()["team-7/app-7/deploy.yaml"]; data != "tag: 1\n" {
		t.Errorf("read %q", data)
	}
}

// What isn't ours, or not whole, is written anew; nothing is an error.
func TestKeepCorrupt(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	dir := t.TempDir()
	read := func(version string) {
		t.Helper()
		remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Keep: dir, Screen: tagged(version)})
		found, _ := all(t, fetch(t, remote, main, "").Base, "")
		if diff := cmp.Diff(taggedFiles, found); diff != "" {
			t.Error(diff)
		}
	}
	read("1")
	names, err := filepath.Glob(filepath.Join(dir, "*.git-kept"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%q, %v", names, err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, content := range map[string][]byte{"empty": {}, "cut": whole[:len(whole)/2], "flipped": flipped, "foreign": []byte("hello"), "whole": whole} {
		if err := os.WriteFile(names[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		read("1")
		if again, err := os.ReadFile(names[0]); err != nil || len(again) != len(whole) {
			t.Errorf("%s: %d bytes, %v", name, len(again), err)
		}
	}
	read("2") // another screen asks for all files again
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	mkdir(t, names[0]) // can't be written
	read("1")
}

// Several runs at once don't disturb each other.
func TestKeepConcurrent(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			remote, err := gitops.Open(&fleet.GitSource{URL: r.URL}, gitops.Options{Keep: dir, Screen: tagged("1")})
			if err != nil {
				t.Error(err)
				return
			}
			fetched, err := remote.Fetch(context.Background(), main, "")
			if err != nil {
				t.Error(err)
				return
			}
			n := 0
			for _, err := range fetched.Base.Files(context.Background(), "", isYAML) {
				if err != nil {
					t.Error(err)
				}
				n++
			}
			fetched.Close()
			if n != 2 {
				t.Errorf("%d files", n)
			}
		})
	}
	group.Wait()
}

// Without a screen all files are kept, and that one is too large is known, too,
// until the bound is raised.
func TestKeepAll(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	r.CommitFile("main", "large.yaml", strings.Repeat("a", 1000), "")
	dir := t.TempDir()
	read := func(commands int, bound int64) (n, failed int) {
		t.Helper()
		remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Keep: dir, Bounds: gitops.Bounds{Bounds: git.Bounds{FileBytes: bound}}})
		g.Log.Reset()
		base := fetch(t, remote, main).Base
		for file, err := range base.Files(t.Context(), "", isYAML) {
			if err != nil && (file.Path != "large.yaml" || !errors.Is(err, gitops.ErrBound)) {
				t.Error(file.Path, err)
			} else if err != nil {
				failed++
			}
			n++
		}
		base.Store().Close()
		if got := g.Log.Count("POST", ""); got != commands {
			t.Errorf("%d commands, want %d", got, commands)
		}
		return n, failed
	}
	for _, test := range []struct {
		commands, failed int
		bound            int64
	}{{2, 1, 100}, {1, 1, 100}, {1, 1, 50}, {2, 0, 1000}, {1, 0, 1000}, {1, 0, 1000}} {
		if n, failed := read(test.commands, test.bound); n != 6 || failed != test.failed {
			t.Errorf("%+v: %d files, %d failed", test, n, failed)
		}
	}
	r.CommitFile("main", "large.yaml", strings.Repeat("b", 1000), "")
	read(3, 100) // refs, directories, the file
	read(1, 100)
}

// Where nearly all has changed, all comes again.
func TestKeepNothingLeft(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	tree := map[string]string{}
	for i := range 1500 {
		tree[manifest(i)] = fmt.Sprintf("tag: %d\n", i)
	}
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: parts.Tree{Files: tree}})
	dir := t.TempDir()
	for i := range 3 {
		base := fetch(t, openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Keep: dir, Screen: tagged("1")}), main).Base
		if found, _ := all(t, base, ""); cmp.Diff(tree, found) != "" {
			t.Errorf("run %d: %d files", i, len(found))
		}
		for path := range tree {
			tree[path] += "x"
		}
		r.Commit(parts.Commit{Tree: parts.Tree{Files: tree}})
	}
}

// A source reads nothing that another one's credentials fetched: the commit that it
// names is in no ref that it is shown.
func TestKeepIsNotShared(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	r.Git("branch", "embargoed")
	r.CommitFile("embargoed", "secret.yaml", "tag: 1\n", "")
	pinned := fleet.GitRef{Commit: r.Head("embargoed")}
	dir := t.TempDir()
	fetchAs := func(namespace string) error {
		src := &fleet.GitSource{Name: pinsetter.Name{Namespace: namespace, Name: "app"}, URL: r.URL}
		fetched, err := openWith(t, src, gitops.Options{Keep: dir, Screen: tagged("1")}).Fetch(t.Context(), pinned)
		if err == nil {
			fetched.Close()
		}
		return err
	}
	if err := fetchAs("a"); err != nil {
		t.Fatal(err)
	}
	r.Git("branch", "-D", "embargoed") // C git hands out hidden refs' commits all the same
	r.Git("prune", "--expire=now")
	if err := fetchAs("b"); !errors.Is(err, gitops.ErrNoRef) {
		t.Errorf("it was read without the server's leave: %v", err)
	}
}
