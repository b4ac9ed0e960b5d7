package gitops_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// A branch goes if it is where it was, from any server.
func TestDelete(t *testing.T) {
	everyServer(t, func(t *testing.T, r *parts.Repository, g *parts.Git, src *fleet.GitSource) {
		remote, ctx := openWith(t, src, gitops.Options{}), context.Background()
		r.Git("branch", "updates", "main")
		lease := r.Head("updates")
		r.CommitFile("updates", "apps/a.yaml", "tag: 1.1.0\n", "")
		for _, stale := range []string{lease, ""} {
			if err := remote.Delete(ctx, "updates", stale); !errors.Is(err, gitops.ErrStale) {
				t.Errorf("at %q: error %v, want ErrStale", stale, err)
			}
		}
		for range 2 { // the second time it is gone
			if err := remote.Delete(ctx, "updates", "4711"); r.Head("updates") != "" && !errors.Is(err, gitops.ErrStale) {
				t.Errorf("error %v, want ErrStale", err)
			}
			if err := remote.Delete(ctx, "updates", r.Head("updates")); err != nil || r.Head("updates") != "" {
				t.Errorf("error %v, the branch is at %q", err, r.Head("updates"))
			}
		}
		err := remote.Delete(ctx, "main", r.Head("main"))
		if !errors.Is(err, gitops.ErrProtected) || r.Head("main") == "" {
			t.Errorf("error %v, want ErrProtected", err)
		}
		wantError(t, err, `delete branch "main" of `, "it is the default branch")
		fsck(t, g, r)
	})
}

func TestDeleteNames(t *testing.T) {
	for name, text := range map[string]string{"": "no name is given", "a..b": "is no name for a branch", "a b": "is no name for a branch"} {
		wantError(t, open(t, "https://git.example.test/a").Delete(context.Background(), name, ""), text)
	}
}

func TestDeleteOfNothing(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	empty := g.NewRepository("org/empty", parts.RepositoryOptions{})
	if err := open(t, empty.URL).Delete(context.Background(), "updates", ""); err != nil {
		t.Error(err)
	}
	err := open(t, g.URL+"/org/none.git").Delete(context.Background(), "updates", "")
	if !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

// A server's no is told in its words.
func TestDeleteRefused(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	for name, test := range map[string]struct {
		o    parts.RepositoryOptions
		text string
	}{
		"by settings": {parts.RepositoryOptions{Tree: files, Config: map[string]string{"receive.denyDeletes": "true"}}, "deletion prohibited"},
		"by a hook": {parts.RepositoryOptions{Tree: files, Hooks: map[string]string{
			"pre-receive": "#!/bin/sh\necho 'GH006: protected branch' >&2\nexit 1\n",
		}}, "GH006: protected branch"},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.NewRepository("org/"+strings.ReplaceAll(name, " ", "-"), test.o)
			r.Git("branch", "updates", "main")
			err := open(t, r.URL).Delete(context.Background(), "updates", r.Head("updates"))
			if !errors.Is(err, gitops.ErrProtected) || r.Head("updates") == "" {
				t.Errorf("error %v, want ErrProtected", err)
			}
			wantError(t, err, test.text)
		})
	}
}

// A race that only the server sees, and an answer that never comes.
func TestDeleteRace(t *testing.T) {
	var r *parts.Repository
	for name, test := range map[string]struct {
		around func(w http.ResponseWriter, req *http.Request, next http.Handler)
		err    error
	}{
		"moved meanwhile": {func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			r.CommitFile("updates", "README.md", "mine\n", "")
			next.ServeHTTP(w, req)
		}, gitops.ErrStale},
		"gone meanwhile": {func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			r.Git("update-ref", "-d", "refs/heads/updates")
			next.ServeHTTP(w, req)
		}, nil},
		"answer lost": {func(_ http.ResponseWriter, req *http.Request, next http.Handler) {
			next.ServeHTTP(new(discarded), req)
			panic(http.ErrAbortHandler)
		}, nil},
		"never arrived": {func(http.ResponseWriter, *http.Request, http.Handler) {
			panic(http.ErrAbortHandler)
		}, gitops.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/git-receive-pack") {
						test.around(w, req, next)
						return
					}
					next.ServeHTTP(w, req)
				})
			}}})
			r = g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
			r.Git("branch", "updates", "main")
			err := open(t, r.URL).Delete(context.Background(), "updates", r.Head("updates"))
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
		})
	}
}

// discarded is an answer that nobody gets.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}
func (*discarded) Write(p []byte) (int, error) { return len(p), nil }
func (*discarded) WriteHeader(int)             {}
