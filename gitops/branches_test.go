package gitops_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// Push branches come by name and by prefix, with their own files and commits,
// kept or not, while they come and go.
func TestBranches(t *testing.T) {
	everyServer(t, func(t *testing.T, r *parts.Repository, _ *parts.Git, src *fleet.GitSource) {
		kept := t.TempDir()
		want := map[string]string{} // the content of apps/a.yaml, by branch
		read := func() {
			t.Helper()
			for _, dir := range []string{"", kept} {
				remote := openWith(t, src, gitops.Options{Keep: dir, Screen: tagged("1")})
				fetched := fetch(t, remote, main, "updates", "pins/", "", "main", "pins/b", "none")
				got := map[string]string{}
				for name, state := range fetched.Push {
					data, _, err := state.Head.Read(t.Context(), "apps/a.yaml")
					if err != nil || state.Head.Ref() != "refs/heads/"+name || state.Head.Hash() != r.Head(name) {
						t.Errorf("%s: %v, %v", name, state.Head, err)
					}
					if n := strings.Count(r.Git("rev-list", "main.."+name), "\n") + 1; name != "merged" && len(state.Commits) != n {
						t.Errorf("%s: %d commits, want %d", name, len(state.Commits), n)
					}
					got[name] = string(data)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
		}
		branch := func(name, content string) {
			if r.Head(name) == "" {
				r.Git("branch", name, "main")
			}
			r.CommitFile(name, "apps/a.yaml", content, "")
			want[name] = content
		}
		read()
		branch("updates", "tag: 1.1.0\n")
		branch("pins/a", "tag: 1.2.0\n")
		r.Git("branch", "pinsonly", "main") // not below pins/
		read()
		branch("pins/b", "tag: 1.3.0\n")
		branch("pins/b", "tag: 1.3.1\n")
		branch("pins/deep/c", "tag: 1.4.0\n")
		read()
		r.Git("branch", "-D", "pins/a")
		delete(want, "pins/a")
		read()
		r.CommitFile("main", "README.md", "news\n", "")
		read()
	})
}

// However many branches there are, a fetch is as many requests as for one. Where
// each is one commit on the base, there are none left to ask for.
func TestBranchesRequests(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	for _, name := range []string{"pins/a", "pins/b", "pins/c"} {
		r.Git("branch", name, "main")
		r.CommitFile(name, "apps/a.yaml", name, "")
	}
	r.Git("branch", "pins/merged", "main")
	for _, test := range []struct {
		names []string
		moves bool
		want  int
	}{{[]string{"pins/a"}, false, 2}, {[]string{"pins/"}, false, 2}, {[]string{"pins/a"}, true, 3}, {[]string{"pins/"}, true, 3}} {
		if test.moves {
			r.CommitFile("main", "README.md", strings.Join(test.names, ""), "")
		}
		remote := open(t, r.URL)
		fetch(t, remote, main) // what the server speaks is known then
		g.Log.Reset()
		fetched := fetch(t, remote, main, test.names...)
		if n := g.Log.Count("", ""); n != test.want {
			t.Errorf("%+v: %d requests: refs, files, commits", test, n)
		}
		if state := fetched.Push["pins/a"]; len(state.Commits) != 1 || state.Commits[0].Hash != r.Head("pins/a") {
			t.Errorf("%+v: %+v", test, state)
		}
		if state := fetched.Push["pins/merged"]; state != nil && len(state.Commits) > 0 {
			t.Errorf("merged: %+v", state)
		}
	}
}

// The bound is on the branches below one prefix, not on those that are named.
func TestBranchesBound(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	names := []string{"pins/a", "pins/b", "pins/c"}
	for _, name := range names {
		r.Git("branch", name, "main")
	}
	remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Bounds: gitops.Bounds{Branches: 2}})
	_, err := remote.Fetch(context.Background(), main, "pins/")
	if !errors.Is(err, gitops.ErrBound) {
		t.Errorf("error %v, want ErrBound", err)
	}
	wantError(t, err, `branches below "pins/": over the bound of 2 branches`)
	if found := slices.Sorted(maps.Keys(fetch(t, remote, main, names...).Push)); !slices.Equal(found, names) {
		t.Errorf("found %q", found)
	}
}

// Commits of one branch that another is built on are those of both; the bound on
// commits is for each.
func TestBranchesStacked(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	from := "main"
	for _, name := range []string{"pins/1", "pins/2", "pins/3"} {
		r.Git("branch", name, from)
		r.CommitFile(name, "apps/a.yaml", name, "")
		from = name
	}
	remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Bounds: gitops.Bounds{Commits: 2}})
	fetched := fetch(t, remote, main, "pins/")
	for name, want := range map[string]struct {
		commits   int
		truncated bool
	}{"pins/1": {1, false}, "pins/2": {2, false}, "pins/3": {2, true}} {
		state := fetched.Push[name]
		if len(state.Commits) != want.commits || state.Truncated != want.truncated || state.Commits[0].Hash != r.Head(name) {
			t.Errorf("%s: %+v", name, state)
		}
	}
}
