package gitops_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// What a commit made of its parent is found out at every kind of server, also
// where the base has moved on since, and with what was kept.
func TestSteps(t *testing.T) {
	everyServer(t, func(t *testing.T, r *parts.Repository, _ *parts.Git, src *fleet.GitSource) {
		for name, change := range map[string]struct {
			tree parts.Tree
			want []string // nil: it does more than change contents
		}{
			"one file":         {parts.Tree{Files: map[string]string{"apps/a.yaml": "tag: 1.1.0\n"}}, []string{"apps/a.yaml"}},
			"two files":        {parts.Tree{Files: map[string]string{"apps/a.yaml": "tag: 1\n", "apps/b/deploy.yaml": "tag: 2\n"}}, []string{"apps/a.yaml", "apps/b/deploy.yaml"}},
			"another name":     {parts.Tree{Files: map[string]string{"apps/b/run.sh": "x", "README.md": "# x\n"}}, nil},
			"a new file":       {parts.Tree{Files: map[string]string{"apps/a.yaml": "tag: 1.1.0\n", "apps/new.yaml": "x: 1\n"}}, nil},
			"a file less":      {parts.Tree{Delete: []string{"apps/a.yaml"}}, nil},
			"another mode":     {parts.Tree{Files: map[string]string{"apps/a.yaml": "tag: 1.1.0\n"}, Executable: []string{"apps/a.yaml"}}, nil},
			"a symlink for it": {parts.Tree{Symlinks: map[string]string{"apps/a.yaml": "b/deploy.yaml"}}, nil},
			"nothing":          {parts.Tree{}, []string{}},
		} {
			t.Run(name, func(t *testing.T) {
				branch := "updates-" + strings.ReplaceAll(name, " ", "-")
				r.Commit(parts.Commit{Branch: branch, From: "main", Tree: change.tree})
				r.CommitFile("main", "apps/b/deploy.yaml", "tag: "+branch+"\n", "")
				remote := openWith(t, src, gitops.Options{Keep: t.TempDir()})
				for range 2 {
					fetched := fetch(t, remote, main, branch)
					steps := fetched.Base.Steps(t.Context(), fetched.Push[branch].Commits, 2, isYAML)
					fetched.Close()
					if len(steps) != 1 {
						t.Fatalf("%d steps", len(steps))
					}
					wantStep(t, steps[0], change.want, r, branch)
				}
			})
		}
	})
}

func wantStep(t *testing.T, step gitops.Step, want []string, r *parts.Repository, branch string) {
	t.Helper()
	if want == nil {
		if !errors.Is(step.Err, gitops.ErrNotEdits) {
			t.Errorf("%q, %v", step.Paths, step.Err)
		}
		return
	}
	if diff := cmp.Diff(want, append([]string{}, step.Paths...)); diff != "" || step.Err != nil {
		t.Fatalf("%s%v", diff, step.Err)
	}
	for _, path := range step.Paths {
		before, _, errBefore := step.Before.Read(t.Context(), path)
		after, _, errAfter := step.After.Read(t.Context(), path)
		if errBefore != nil || errAfter != nil || string(before) == string(after) || string(after) != r.File(branch, path) {
			t.Errorf("%s: %q, %q, %v, %v", path, before, after, errBefore, errAfter)
		}
	}
}

// A merge is a step from what it merged. One of three and a commit without a parent are
// no edits.
func TestStepsOfMerges(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	side := r.Commit(parts.Commit{Branch: "side", From: "main", Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": "tag: 2\n"}}})
	merge := r.Git("commit-tree", "-p", "main", "-p", side, "-m", "merge", "main^{tree}")
	root := r.Git("commit-tree", "-m", "root", "main^{tree}")
	three := r.Git("commit-tree", "-p", "main", "-p", side, "-p", root, "-m", "merge", "main^{tree}")
	for branch, commit := range map[string]string{"merge": merge, "root": root, "three": three} {
		r.Git("branch", branch, commit)
	}
	fetched := fetch(t, open(t, r.URL), main, "merge", "root", "three")
	for branch, state := range fetched.Push {
		step := fetched.Base.Steps(t.Context(), state.Commits[:1], 2, isYAML)[0]
		switch {
		case branch != "merge" && !errors.Is(step.Err, gitops.ErrNotEdits):
			t.Errorf("%s: %v", branch, step.Err)
		case branch == "merge" && (step.Err != nil || !slices.Equal(step.Paths, []string{"apps/a.yaml"}) || step.Before.Hash() != side):
			t.Errorf("%s: %+v", branch, step)
		}
	}
}

// What came with the fetch, or was kept, costs no request.
func TestStepsAskForNothingTwice(t *testing.T) {
	requests := new(atomic.Int64)
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			next.ServeHTTP(w, r)
		})
	}}})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	r.Commit(parts.Commit{Branch: "updates", From: "main", Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": "tag: 1.1.0\n"}}})
	remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Keep: t.TempDir()})
	ask := func() int64 {
		t.Helper()
		fetched := fetch(t, remote, main, "updates")
		requests.Store(0)
		step := fetched.Base.Steps(t.Context(), fetched.Push["updates"].Commits, 2, isYAML)[0]
		asked := requests.Load()
		fetched.Close()
		wantStep(t, step, []string{"apps/a.yaml"}, r, "updates")
		return asked
	}
	if got := ask(); got != 0 {
		t.Errorf("%d requests where all came with the fetch", got)
	}
	r.CommitFile("main", "apps/b/deploy.yaml", "tag: 9\n", "")
	if got := ask(); got != 0 {
		t.Errorf("%d requests where the parent was kept", got)
	}
	remote = openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{})
	if got := ask(); got > 2 {
		t.Errorf("%d requests where the base has moved", got)
	}
}
