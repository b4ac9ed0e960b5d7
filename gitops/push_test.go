package gitops_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// ready returns a remote, what main has, and a commit on top of it.
func ready(t *testing.T, r *parts.Repository) (*gitops.Remote, *gitops.Fetched, *gitops.Snapshot) {
	t.Helper()
	remote := open(t, r.URL)
	fetched := fetch(t, remote, main, "updates")
	return remote, fetched, commit(t, fetched.Base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
}

// What a server's rules say reaches the reader, and is told from a lost race.
func TestPushRefused(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	tests := map[string]struct {
		options parts.RepositoryOptions
		push    gitops.Push
		want    error
		text    string
	}{
		"pre-receive hook": {
			options: parts.RepositoryOptions{Hooks: map[string]string{"pre-receive": "#!/bin/sh\nprintf 'GH006: Protected branch \\033[31mupdate failed\\033[0m\\n' >&2\nexit 1\n"}},
			want:    gitops.ErrProtected, text: "pre-receive hook declined: GH006: Protected branch [31mupdate failed[0m",
		},
		"update hook": {
			options: parts.RepositoryOptions{Hooks: map[string]string{"update": "#!/bin/sh\necho no bots on main >&2\nexit 1\n"}},
			want:    gitops.ErrProtected, text: "hook declined: no bots on main",
		},
		"hook that speaks of another race": {
			options: parts.RepositoryOptions{Hooks: map[string]string{"update": "#!/bin/sh\necho stale info, fetch first >&2\nexit 1\n"}},
			want:    gitops.ErrProtected, text: "stale info, fetch first",
		},
		"push options that the server doesn't take": {
			options: parts.RepositoryOptions{Config: map[string]string{"receive.advertisePushOptions": "false"}},
			push:    gitops.Push{Options: map[string]string{"topic": "x"}},
			text:    "the server takes no push options (topic)",
		},
		"a ref that is a folder of others": {
			push: gitops.Push{Branch: "updates"},
			text: "failed to update ref: error: cannot lock ref 'refs/heads/updates': 'refs/heads/updates/1' exists; cannot create 'refs/heads/updates'; refs/heads/updates/1 exists, and Git",
		},
		"no branch at all": {push: gitops.Push{Branch: "-"}, text: "neither a branch nor a refspec"},
		"bad branch":       {push: gitops.Push{Branch: "a..b"}, text: `"a..b" is no name for a branch`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.Tree = files
			repository := g.NewRepository("refused/"+t.Name(), test.options)
			repository.Git("update-ref", "refs/heads/updates/1", "main")
			remote, fetched, next := ready(t, repository)
			p := test.push
			p.Snapshot = next
			switch p.Branch {
			case "":
				p.Branch, p.Lease = "main", fetched.Base.Hash()
			case "-":
				p.Branch = ""
			}
			_, err := remote.Push(context.Background(), p)
			wantError(t, err, test.text)
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error %v is not %v", err, test.want)
			}
			if strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("error %q is not fit for a terminal", err)
			}
			if repository.Head("main") != fetched.Base.Hash() {
				t.Error("main has moved")
			}
		})
	}
}

// A server that doesn't let branches be replaced says no; the world didn't move.
func TestPushRebuiltWhereForceIsDenied(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: map[string]string{"receive.denyNonFastForwards": "true"}})
	remote, _, next := ready(t, repository)
	push(t, remote, gitops.Push{Snapshot: next, Branch: "updates"})
	repository.CommitFile("main", "README.md", "news\n", "")
	moved := fetch(t, remote, main, "updates")
	rebuilt := commit(t, moved.Base, map[string]string{"apps/a.yaml": "tag: 1.2.0\n"})
	_, err := remote.Push(context.Background(), gitops.Push{Snapshot: rebuilt, Branch: "updates", Lease: moved.Push["updates"].Head.Hash(), Rebuilt: true})
	if !errors.Is(err, gitops.ErrProtected) {
		t.Errorf("error %v, want ErrProtected", err)
	}
}

// Nothing but what the lease names is ever replaced, and the base never is.
func TestPushDropsNothing(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	remote, _, next := ready(t, repository)
	push(t, remote, gitops.Push{Snapshot: next, Branch: "updates"})
	old := fetch(t, remote, main, "updates")
	human := repository.CommitFile("updates", "README.md", "mine\n", "")
	aside := repository.CommitFile("main", "README.md", "other\n", "")

	rebuilt := commit(t, old.Base, map[string]string{"apps/a.yaml": "tag: 1.2.0\n"})
	for name, test := range map[string]struct {
		push  gitops.Push
		stale bool
		text  string
	}{
		"a commit came to the push branch": {gitops.Push{Branch: "updates", Lease: old.Push["updates"].Head.Hash(), Rebuilt: true}, true, "it is at " + human[:7]},
		"a branch that should be new":      {gitops.Push{Branch: "updates", Rebuilt: true}, true, "not at no commit"},
		"a branch that is gone":            {gitops.Push{Branch: "gone", Lease: human, Rebuilt: true}, true, "it is at no commit"},
		"not rebuilt and not on top":       {gitops.Push{Branch: "updates", Lease: human}, false, "would drop"},
		"the base, rebuilt":                {gitops.Push{Branch: "main", Lease: aside, Rebuilt: true}, false, "would drop"},
		"the base, by a refspec":           {gitops.Push{Refspec: "+HEAD:refs/heads/main"}, false, "would drop"},
		"a refspec without +":              {gitops.Push{Refspec: "HEAD:updates"}, false, "another destination"},
	} {
		t.Run(name, func(t *testing.T) {
			test.push.Snapshot = rebuilt
			_, err := remote.Push(context.Background(), test.push)
			wantError(t, err, test.text)
			if errors.Is(err, gitops.ErrStale) != test.stale {
				t.Errorf("error %v: ErrStale should be %v", err, test.stale)
			}
		})
	}
	if repository.Head("updates") != human || repository.Head("main") != aside {
		t.Error("a branch has moved")
	}
}

// Of two writers exactly one wins; the other is told to read again.
func TestPushRace(t *testing.T) {
	barrier := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(2)
	// Both have read the advertisement when the first push goes on.
	around := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
				waiting.Done()
				<-barrier
			}
			next.ServeHTTP(w, r)
		})
	}
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: around}})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	go func() { waiting.Wait(); close(barrier) }()

	errs := make([]error, 2)
	var writers sync.WaitGroup
	for i, tag := range []string{"tag: 1.1.0\n", "tag: 1.2.0\n"} {
		remote := open(t, repository.URL)
		base := fetch(t, remote, main, "").Base
		next := commit(t, base, map[string]string{"apps/a.yaml": tag})
		writers.Go(func() {
			_, errs[i] = remote.Push(context.Background(), gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
		})
	}
	writers.Wait()
	won, stale := 0, 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if errors.Is(err, gitops.ErrStale) {
			stale++
		}
	}
	if won != 1 || stale != 1 {
		t.Errorf("errors %v: want one winner and one ErrStale", errs)
	}
	if count := repository.Git("rev-list", "--count", "main"); count != "2" {
		t.Errorf("main has %s commits, want 2", count)
	}
	fsck(t, g, repository)
}

// Refspecs and push options arrive as they were given.
func TestPushRefspec(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	base := strings.Repeat("0", 40)
	for name, test := range map[string]struct {
		push gitops.Push
		refs []string
		text string
	}{
		"beside the branch":            {gitops.Push{Branch: "updates", Refspec: "HEAD:refs/for/main"}, []string{"refs/heads/updates", "refs/for/main"}, ""},
		"alone":                        {gitops.Push{Refspec: "HEAD:refs/heads/x"}, []string{"refs/heads/x"}, ""},
		"by the branch's name":         {gitops.Push{Branch: "updates", Refspec: "refs/heads/updates:refs/heads/y"}, []string{"refs/heads/updates", "refs/heads/y"}, ""},
		"by the branch's short name":   {gitops.Push{Branch: "updates", Refspec: "updates:y"}, []string{"refs/heads/updates", "refs/heads/y"}, ""},
		"equal to the branch":          {gitops.Push{Branch: "updates", Refspec: "refs/heads/updates:refs/heads/updates"}, []string{"refs/heads/updates"}, ""},
		"equal to the branch, short":   {gitops.Push{Branch: "updates", Refspec: "updates"}, []string{"refs/heads/updates"}, ""},
		"something else":               {gitops.Push{Branch: "updates", Refspec: "refs/heads/main:refs/heads/z"}, nil, "is not what was committed"},
		"deletes":                      {gitops.Push{Branch: "updates", Refspec: ":refs/heads/main"}, nil, "would delete"},
		"wildcard":                     {gitops.Push{Branch: "updates", Refspec: "refs/heads/*:refs/heads/*"}, nil, "names many refs"},
		"nonsense":                     {gitops.Push{Branch: "updates", Refspec: "a:b:c"}, nil, "give source:destination"},
		"to the place of the checkout": {gitops.Push{Branch: "updates", Refspec: "HEAD:HEAD"}, nil, "no destination"},
	} {
		t.Run(name, func(t *testing.T) {
			repository := g.NewRepository("refspec/"+t.Name(), parts.RepositoryOptions{Tree: files})
			remote, _, next := ready(t, repository)
			p := test.push
			p.Snapshot = next
			p.Options = map[string]string{"merge_request.create": "", "topic": "images = new"}
			pushed, err := remote.Push(context.Background(), p)
			if test.text != "" {
				wantError(t, err, test.text)
				if len(repository.Pushes()) > 0 {
					t.Error("something was pushed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(gitops.Pushed{Commit: next.Hash(), Branch: p.Branch, Refspec: p.Refspec}, pushed); diff != "" {
				t.Error(diff)
			}
			var want []parts.Push
			for _, ref := range test.refs {
				want = append(want, parts.Push{Ref: ref, Old: base, New: next.Hash(), Options: []string{"merge_request.create=", "topic=images = new"}})
			}
			if diff := cmp.Diff(want, repository.Pushes()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A refspec whose ref is behind needs no +: the server says that nothing is lost.
func TestPushRefspecThatFollows(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	repository.Git("update-ref", "refs/heads/copy", "main")
	repository.CommitFile("main", "README.md", "news\n", "")
	remote, _, next := ready(t, repository)
	push(t, remote, gitops.Push{Snapshot: next, Refspec: "HEAD:refs/heads/copy"})
	if repository.Head("copy") != next.Hash() {
		t.Error("copy did not follow")
	}
}

// The answer to a push gets lost: what became of it is found out.
func TestPushAnswerLost(t *testing.T) {
	tests := map[string]struct {
		arrives bool // the push is done before the connection breaks
		silent  bool // the server is not to be reached afterwards
		want    error
	}{
		"after it was done":      {arrives: true},
		"before it was done":     {want: gitops.ErrUnknown},
		"and the server is gone": {arrives: true, silent: true, want: gitops.ErrUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			broken := false
			around := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if broken && test.silent {
						panic(http.ErrAbortHandler)
					}
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
						broken = true
						if test.arrives {
							next.ServeHTTP(discard{}, r)
						}
						panic(http.ErrAbortHandler)
					}
					next.ServeHTTP(w, r)
				})
			}
			g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: around}})
			repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
			remote, fetched, next := ready(t, repository)
			_, err := remote.Push(context.Background(), gitops.Push{Snapshot: next, Branch: "main", Lease: fetched.Base.Hash()})
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

// discard is a ResponseWriter that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// Hooks that run after the report are not cut off.
func TestPushLetsHooksFinish(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{
		Tree:  files,
		Hooks: map[string]string{"post-receive": "#!/bin/sh\necho begin\nsleep 0.2\necho end\ntouch finished\n"},
	})
	for name, url := range map[string]string{"http": repository.URL, "file": "file://" + repository.Dir} {
		t.Run(name, func(t *testing.T) {
			remote := open(t, url)
			base := fetch(t, remote, main, "").Base
			next := commit(t, base, map[string]string{"apps/a.yaml": "tag: " + name + "\n"})
			push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
			repository.Git("cat-file", "-e", next.Hash())
			if out, err := runGit(t, g, repository.Dir, "hash-object", "finished"); err != nil {
				t.Errorf("the hook did not finish: %s", out)
			}
			_, _ = runGit(t, g, repository.Dir, "-c", "alias.rm=!rm", "rm", "-f", "finished")
		})
	}
}

// A push that nobody answers ends with the source's timeout.
func TestTimeout(t *testing.T) {
	stuck := make(chan struct{})
	around := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			for {
				select {
				case <-stuck:
					return
				case <-r.Context().Done():
					return
				case <-time.After(20 * time.Millisecond): // a slow drip
					_, _ = w.Write([]byte("0"))
					_ = http.NewResponseController(w).Flush()
				}
			}
		})
	}
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: around}})
	defer close(stuck)
	remote := openWith(t, &fleet.GitSource{URL: g.URL + "/a.git", Timeout: 200 * time.Millisecond}, gitops.Options{})
	_, err := remote.Fetch(context.Background(), main, "")
	if !errors.Is(err, gitops.ErrTimeout) {
		t.Errorf("error %v, want ErrTimeout", err)
	}
	wantError(t, err, "timed out after 200ms")
}
