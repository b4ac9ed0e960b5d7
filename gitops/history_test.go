package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

func history(t *testing.T, r *gitops.Remote, s *gitops.Snapshot, n int) []string {
	t.Helper()
	infos, err := r.History(context.Background(), s, n)
	if err != nil {
		t.Fatal(err)
	}
	hashes := []string{}
	for _, info := range infos {
		hashes = append(hashes, info.Hash)
	}
	return hashes
}

// generous is a server that knows filters and hands out commits by their hash,
// as the forges do; strict is one that does neither, as C git by itself.
var (
	generous = map[string]string{"uploadpack.allowFilter": "true", "uploadpack.allowReachableSHA1InWant": "true"}
	strict   = map[string]string{"uploadpack.allowFilter": "false", "uploadpack.allowReachableSHA1InWant": "false"}
)

// past makes a repository whose main is a merge: it returns the hashes that lead
// to it, newest first.
func past(t *testing.T, g *parts.Git, settings map[string]string) (*parts.Repository, []string) {
	t.Helper()
	tree := parts.Tree{Files: map[string]string{"apps/a.yaml": "0\n"}}
	repository := g.NewRepository("org/"+t.Name(), parts.RepositoryOptions{Tree: tree, Config: settings})
	begin := repository.Head("main")
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(branch, content string, minute int) string {
		return repository.Commit(parts.Commit{
			Branch: branch, From: begin, When: start.Add(time.Duration(minute) * time.Minute),
			Tree: parts.Tree{Files: map[string]string{"apps/" + branch: content}}, Message: content + "\n\nPinsetter-Image: " + content + "\n",
		})
	}
	one, two := at("main", "1", 1), at("side", "2", 2)
	three, four := at("main", "3", 3), at("side", "4", 4)
	merge := repository.Git("commit-tree", "-p", three, "-p", four, "-m", "Merge", "main^{tree}")
	repository.Git("update-ref", "refs/heads/main", merge)
	return repository, []string{merge, four, three, two, one, begin}
}

// The last commits come in order from every kind of server, with what they say.
func TestHistory(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	s := parts.NewSSH(t, g, parts.SSHOptions{})
	auth := fleet.GitAuth{Set: true, Identity: secret(string(s.Identity)), KnownHosts: s.KnownHosts}
	for name, settings := range map[string]map[string]string{"generous": generous, "strict": strict} {
		for way, source := range map[string]func(*parts.Repository) *fleet.GitSource{
			"http": func(r *parts.Repository) *fleet.GitSource { return &fleet.GitSource{URL: r.URL} },
			"file": func(r *parts.Repository) *fleet.GitSource { return &fleet.GitSource{URL: "file://" + r.Dir} },
			"ssh":  func(r *parts.Repository) *fleet.GitSource { return &fleet.GitSource{URL: s.URL(r), Auth: auth} },
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				repository, want := past(t, g, settings)
				remote := openWith(t, source(repository), gitops.Options{})
				base := fetch(t, remote, main, "").Base
				for _, n := range []int{-1, 0, 1, 3, 5, 6, 100} {
					if diff := cmp.Diff(want[:max(0, min(n, len(want)))], history(t, remote, base, n)); diff != "" {
						t.Errorf("%d commits: %s", n, diff)
					}
				}
				infos, err := remote.History(context.Background(), base, 2)
				if err != nil || infos[1].Message != "4\n\nPinsetter-Image: 4\n" || infos[1].Author.Name != "A Human" {
					t.Errorf("%+v, %v", infos, err)
				}
			})
		}
	}
}

// No file comes where the server knows filters; elsewhere they count.
func TestHistoryWithoutFiles(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	for name, test := range map[string]struct {
		settings map[string]string
		objects  int64
	}{
		"generous": {generous, 6}, // the commits
		"strict":   {strict, 21},  // all but the merge with a root, a directory and a file of their own
	} {
		t.Run(name, func(t *testing.T) {
			repository, want := past(t, g, test.settings)
			src := &fleet.GitSource{URL: repository.URL}
			base := fetch(t, openWith(t, src, gitops.Options{}), main, "").Base
			bounded := func(objects int64) *gitops.Remote {
				return openWith(t, src, gitops.Options{Bounds: gitops.Bounds{Bounds: git.Bounds{Objects: objects}}})
			}
			if diff := cmp.Diff(want, history(t, bounded(test.objects), base, 100)); diff != "" {
				t.Error(diff)
			}
			_, err := bounded(test.objects-1).History(context.Background(), base, 100)
			if !errors.Is(err, gitops.ErrBound) {
				t.Errorf("error %v, want ErrBound", err)
			}
			wantError(t, err, "read history of main at "+want[0][:7]+" from http://")
		})
	}
}

// Bounds.Commits is the most that there is.
func TestHistoryBound(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository, want := past(t, g, generous)
	remote := openWith(t, &fleet.GitSource{URL: repository.URL}, gitops.Options{Bounds: gitops.Bounds{Commits: 3}})
	base := fetch(t, remote, main, "").Base
	if diff := cmp.Diff(want[:3], history(t, remote, base, 100)); diff != "" {
		t.Error(diff)
	}
}

// What is there already is not asked for: one commit, the first of all, a
// commit that came with all its history.
func TestHistoryWithoutRequest(t *testing.T) {
	g := oldGit(t) // v2 hands out a commit without its history
	repository, want := past(t, g, strict)
	remote := open(t, repository.URL)
	repository.Git("tag", "begin", want[5])
	for _, test := range []struct {
		ref  fleet.GitRef
		n    int
		want []string
	}{
		{main, 1, want[:1]},
		{fleet.GitRef{Tag: "begin"}, 100, want[5:]},
		{fleet.GitRef{Commit: want[2], Branch: "main"}, 100, []string{want[2], want[4], want[5]}},
	} {
		base := fetch(t, remote, test.ref, "").Base
		g.Log.Reset()
		if diff := cmp.Diff(test.want, history(t, remote, base, test.n)); diff != "" {
			t.Error(diff)
		}
		if n := g.Log.Count("", ""); n != 0 {
			t.Errorf("%+v: %d requests, want none", test.ref, n)
		}
	}
	g.Log.Reset()
	history(t, remote, fetch(t, remote, main, "").Base, 100)
	if n := g.Log.Count("", ""); n != 4 {
		t.Errorf("fetch and history: %d requests, want 4", n)
	}
}

// An annotated tag leads to its commit on a server that hands out tips alone.
func TestHistoryOfTag(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository, want := past(t, g, strict)
	repository.Git("tag", "-a", "-m", "inner", "inner", want[2])
	repository.Git("tag", "-a", "-m", "outer", "outer", "inner")
	for _, url := range []string{repository.URL, "file://" + repository.Dir} {
		remote := open(t, url)
		base := fetch(t, remote, fleet.GitRef{Tag: "outer"}, "").Base
		if diff := cmp.Diff([]string{want[2], want[4], want[5]}, history(t, remote, base, 100)); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
	}
}

// A branch that moves in between changes nothing where the server hands out
// hashes, and is stale elsewhere.
func TestHistoryOfMovedBranch(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	for name, settings := range map[string]map[string]string{"generous": generous, "strict": strict} {
		t.Run(name, func(t *testing.T) {
			repository, want := past(t, g, settings)
			remote := open(t, "file://"+repository.Dir)
			base := fetch(t, remote, main, "").Base
			repository.CommitFile("main", "README.md", "news\n", "")
			if name == "generous" {
				if diff := cmp.Diff(want, history(t, remote, base, 100)); diff != "" {
					t.Error(diff)
				}
				return
			}
			if _, err := remote.History(context.Background(), base, 100); !errors.Is(err, gitops.ErrStale) {
				t.Errorf("error %v, want ErrStale", err)
			}
		})
	}
}

// A repository that is shallow on the server ends where it does there.
func TestHistoryOfShallowRepository(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	want := []string{}
	for i := range 5 {
		want = append([]string{repository.CommitFile("main", "README.md", fmt.Sprint(i), "")}, want...)
	}
	dir := parts.Dir(t)
	if out, err := runGit(t, g, dir, "clone", "-q", "--bare", "--depth=3", "file://"+repository.Dir, "."); err != nil {
		t.Fatal(out)
	}
	remote := open(t, "file://"+dir)
	if diff := cmp.Diff(want[:3], history(t, remote, fetch(t, remote, main, "").Base, 100)); diff != "" {
		t.Error(diff)
	}
}

// A commit that was made here and pushed leads to what was there before.
func TestHistoryAfterPush(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository, want := past(t, g, strict)
	remote := open(t, "file://"+repository.Dir)
	base := fetch(t, remote, main, "").Base
	next := commit(t, base, map[string]string{"apps/a.yaml": "1\n"})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
	if diff := cmp.Diff(append([]string{next.Hash()}, want...), history(t, remote, next, 100)); diff != "" {
		t.Error(diff)
	}
}
