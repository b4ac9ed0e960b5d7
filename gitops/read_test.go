package gitops_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// A path stays as the URL has it, in each request.
func TestPathWithBlanks(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/my project 100%/_git/app", parts.RepositoryOptions{Tree: files})
	const path = "/org/my%20project%20100%25/_git/app.git"
	for _, front := range []string{g.URL, parts.NewAzure(t, g, parts.AzureOptions{}).Front.URL} {
		remote := open(t, front+path)
		base := fetch(t, remote, main, "").Base
		next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0 # " + front + "\n"})
		push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
		if r.Head("main") != next.Hash() {
			t.Error("the push did not arrive")
		}
	}
}

// A slash at the end of a URL, and a home behind a tilde, are read as git reads
// them.
func TestSpellingsOfPaths(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "//") {
				http.NotFound(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	if fetch(t, open(t, r.URL+"/"), main).Base.Hash() != r.Head("main") {
		t.Error("another commit")
	}
	commands := make(chan string, 1)
	login := parts.ServeSSH(t, func(command string, _ io.ReadWriter, _ io.Writer) error {
		commands <- command
		return nil
	})
	src := withSecret("ssh://git@" + login.Addr + "/~/app.git")
	src.Auth.Identity, src.Auth.KnownHosts = secret(string(login.Identity)), login.KnownHosts
	_, err := openWith(t, src, gitops.Options{}).Fetch(t.Context(), main)
	wantError(t, err, "ended the connection early")
	if got := <-commands; got != "git-upload-pack '~/app.git'" {
		t.Errorf("the server is told to run %s", got)
	}
}

// Each form of a ref finds its commit; the first that is set counts.
func TestFetchRefs(t *testing.T) {
	t.Run("v2", func(t *testing.T) { testFetchRefs(t, parts.NewGit(t, parts.GitOptions{})) })
	t.Run("v0", func(t *testing.T) { testFetchRefs(t, oldGit(t)) })
}

func testFetchRefs(t *testing.T, g *parts.Git) {
	strict := map[string]string{"uploadpack.allowReachableSHA1InWant": "false", "uploadpack.allowFilter": "false"}
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: strict})
	first := repository.Head("main")
	repository.Git("tag", "-a", "-m", "one", "v1.0.0", "main")
	repository.Git("tag", "-a", "-m", "nested", "nested", "v1.0.0")
	second := repository.CommitFile("main", "apps/a.yaml", "tag: 1.1.0\n", "")
	repository.Git("tag", "v1.1.0", "main")
	third := repository.CommitFile("main", "apps/a.yaml", "tag: 1.2.0\n", "")
	repository.Git("update-ref", "refs/pull/1/head", second)
	open1 := g.NewRepository("org/generous", parts.RepositoryOptions{Tree: files})
	inner := open1.CommitFile("main", "apps/a.yaml", "tag: 1.1.0\n", "")
	open1.CommitFile("main", "apps/a.yaml", "tag: 1.2.0\n", "")

	latest := func(constraint string, tags []string) ([]string, error) {
		if constraint == "nonsense" {
			return nil, errors.New("no range")
		}
		if constraint != "1.x" || !slices.Equal(tags, []string{"nested", "v1.0.0", "v1.1.0"}) {
			return nil, nil
		}
		return []string{"v1.0.0"}, nil
	}
	tests := map[string]struct {
		ref  fleet.GitRef
		repo *parts.Repository
		want string
		name string // of the ref that was read
		text string // of the error
	}{
		"branch":                 {ref: fleet.GitRef{Branch: "main"}, want: third, name: "refs/heads/main"},
		"nothing is master":      {ref: fleet.GitRef{}, text: `no such ref: branch "master": there is "main"`},
		"unknown branch":         {ref: fleet.GitRef{Branch: "mian"}, text: `branch "mian": there is "main"`},
		"tag":                    {ref: fleet.GitRef{Tag: "v1.1.0", Branch: "x"}, want: second, name: "refs/tags/v1.1.0"},
		"annotated tag":          {ref: fleet.GitRef{Tag: "v1.0.0"}, want: first, name: "refs/tags/v1.0.0"},
		"tag of a tag":           {ref: fleet.GitRef{Tag: "nested"}, want: first, name: "refs/tags/nested"},
		"unknown tag":            {ref: fleet.GitRef{Tag: "1.1.0"}, text: `tag "1.1.0": there is "v1.1.0", "nested", "v1.0.0"`},
		"semver":                 {ref: fleet.GitRef{SemVer: "1.x", Tag: "x"}, want: first, name: "refs/tags/v1.0.0"},
		"semver without a match": {ref: fleet.GitRef{SemVer: "2.x"}, text: `none of 3 tags is in the semver range "2.x"`},
		"semver that is none":    {ref: fleet.GitRef{SemVer: "nonsense"}, text: "semver: no range"},
		"name":                   {ref: fleet.GitRef{Name: "refs/pull/1/head", SemVer: "x"}, want: second, name: "refs/pull/1/head"},
		"name of a tag's commit": {ref: fleet.GitRef{Name: "refs/tags/v1.0.0^{}"}, want: first, name: "refs/tags/v1.0.0"},
		"peeled tag, no object":  {ref: fleet.GitRef{Name: "refs/tags/v1.1.0^{}"}, want: second, name: "refs/tags/v1.1.0"},
		"peeled branch":          {ref: fleet.GitRef{Name: "refs/heads/main^{}"}, text: `name "refs/heads/main^{}"`},
		"name of the branch":     {ref: fleet.GitRef{Name: "refs/heads/main"}, want: third, name: "refs/heads/main"},
		"HEAD is its branch":     {ref: fleet.GitRef{Name: "HEAD"}, want: third, name: "refs/heads/main"},
		"short name":             {ref: fleet.GitRef{Name: "main"}, text: `give the full name, such as "refs/heads/main"`},
		"short name of a tag":    {ref: fleet.GitRef{Name: "tags/v1.0.0"}, text: `give the full name, such as "refs/tags/v1.0.0"`},
		"name below refs":        {ref: fleet.GitRef{Name: "heads/main"}, text: `give the full name, such as "refs/heads/main"`},
		"commit at a tip":        {ref: fleet.GitRef{Commit: third, Name: "x"}, want: third},
		"commit in the history":  {ref: fleet.GitRef{Commit: second, Branch: "main"}, want: second},
		"commit of any branch":   {ref: fleet.GitRef{Commit: first}, want: first},
		"commit by its hash":     {ref: fleet.GitRef{Commit: inner}, repo: open1, want: inner},
		"unknown commit":         {ref: fleet.GitRef{Commit: strings.Repeat("ab", 20)}, text: "is in the history of no ref"},
		"commit, unknown branch": {ref: fleet.GitRef{Commit: first, Branch: "x"}, text: `branch "x"`},
		"short commit":           {ref: fleet.GitRef{Commit: first[:7]}, text: "give all 40 hex digits"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.repo == nil {
				test.repo = repository
			}
			remote := openWith(t, &fleet.GitSource{URL: test.repo.URL}, gitops.Options{LatestTags: latest})
			fetched, err := remote.Fetch(context.Background(), test.ref, "")
			if test.text != "" {
				wantError(t, err, test.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if fetched.Base.Hash() != test.want || fetched.Base.Ref() != test.name {
				t.Errorf("read %s (%q), want %s (%q)", fetched.Base.Hash(), fetched.Base.Ref(), test.want, test.name)
			}
			if _, ok, err := fetched.Base.Read(t.Context(), "apps/b/deploy.yaml"); !ok || err != nil {
				t.Errorf("Read: %v, %v", ok, err)
			}
		})
	}
}

// A base that is the push branch by another name is not read twice, and can't be
// replaced.
func TestFetchBaseThatIsThePushBranch(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	for _, ref := range []fleet.GitRef{{Branch: "main"}, {Name: "refs/heads/main"}, {Name: "HEAD"}} {
		fetched := fetch(t, open(t, repository.URL), ref, "main")
		if len(fetched.Push) > 0 {
			t.Errorf("%+v: Push = %+v, want none", ref, fetched.Push)
		}
	}
}

// The commits of a push branch are those that the base doesn't have, whatever
// happened on either side.
func TestFetchPushBranch(t *testing.T) {
	for name, settings := range map[string]map[string]string{"filters": nil, "no filters": {"uploadpack.allowFilter": "false"}} {
		t.Run(name, func(t *testing.T) {
			g := parts.NewGit(t, parts.GitOptions{})
			repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: settings})
			start := repository.Head("main")
			remote := openWith(t, &fleet.GitSource{URL: repository.URL}, gitops.Options{Bounds: gitops.Bounds{Commits: 3}})
			hashes := func() []string {
				state := fetch(t, remote, main, "updates").Push["updates"]
				found := []string{}
				for _, c := range state.Commits {
					found = append(found, c.Hash)
				}
				if got, _ := all(t, state.Head, ""); len(got) != 5 {
					t.Errorf("the push branch has %d files, want 5", len(got))
				}
				if state.Truncated {
					found = append(found, "more")
				}
				return found
			}
			check := func(what string, want ...string) {
				t.Helper()
				if diff := cmp.Diff(append([]string{}, want...), hashes()); diff != "" {
					t.Errorf("%s: %s", what, diff)
				}
			}
			repository.Git("update-ref", "refs/heads/updates", "main")
			check("equal to the base")
			repository.CommitFile("main", "README.md", "1\n", "")
			check("behind the base")
			a := repository.Commit(parts.Commit{Branch: "updates", Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": "1"}}, Message: "one"})
			check("diverged", a)
			b := repository.Commit(parts.Commit{Branch: "updates", Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": "2"}}, Message: "two"})
			check("two", b, a)
			repository.Git("update-ref", "refs/heads/main", b)
			check("merged")
			repository.Git("update-ref", "refs/heads/main", start)
			c := repository.Commit(parts.Commit{Branch: "updates", Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": "3"}}, Message: "three"})
			d := repository.Commit(parts.Commit{Branch: "updates", Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": "4"}}, Message: "four"})
			repository.CommitFile("main", "README.md", "2\n", "")
			check("over the bound", d, c, b, "more")
		})
	}
}

// What is no regular file is not read, and stays as it is.
func TestFilesThatAreNone(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	repository.Git("read-tree", "main")
	repository.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",apps/module.yaml")
	tree := repository.Git("write-tree")
	repository.Git("update-ref", "refs/heads/main", repository.Git("commit-tree", "-m", "Add a submodule", tree))
	remote := open(t, repository.URL)
	base := fetch(t, remote, main, "").Base

	_, order := all(t, base, "/apps/../apps/")
	if diff := cmp.Diff([]string{"apps/a.yaml", "apps/b-2.yaml", "apps/b/deploy.yaml", "apps/b/run.yaml"}, order); diff != "" {
		t.Error(diff)
	}
	if one, _ := all(t, base, "apps/a.yaml"); len(one) != 1 {
		t.Errorf("one file: %v", one)
	}
	if outside, _ := all(t, base, "../../.."); len(outside) != 5 {
		t.Errorf("above the root: %v, want the root's files", outside)
	}
	for dir, text := range map[string]string{
		"nothing/here":     `read "nothing/here" of main at`,
		"apps/dir":         "it is a symlink, which is not followed",
		"apps/dir/c.yaml":  "not in the commit",
		"apps/module.yaml": "it is a submodule",
		"apps/a.yaml/x":    "not in the commit",
	} {
		for _, err := range base.Files(context.Background(), dir, isYAML) {
			wantError(t, err, text)
		}
	}
	for _, name := range []string{"apps/link.yaml", "apps/dir/c.yaml", "apps", "apps/module.yaml", "none"} {
		if _, ok, err := base.Read(t.Context(), name); ok || err != nil {
			t.Errorf("Read(%q) = %v, %v; want nothing", name, ok, err)
		}
		_, err := base.Commit(gitops.Commit{Files: map[string][]byte{name: nil}, Author: bot, When: when})
		if !errors.Is(err, gitops.ErrNoPath) {
			t.Errorf("Commit of %q: %v, want ErrNoPath", name, err)
		}
	}

	next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 9\n"})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "updates"})
	if changed := repository.Git("diff", "--raw", "--abbrev=1", "main", "updates"); strings.Count(changed, "\n") != 0 || !strings.HasSuffix(changed, "M\tapps/a.yaml") {
		t.Errorf("changed: %s", changed)
	}
	fsck(t, g, repository)
}

// A walk that is given up stops, and so does one whose context is done.
func TestFilesStop(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	base := fetch(t, open(t, repository.URL), main, "").Base
	for file, err := range base.Files(context.Background(), "", isYAML) {
		if err != nil || file.Path != "apps/a.yaml" {
			t.Errorf("first: %v, %v", file.Path, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range base.Files(ctx, "", isYAML) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want Canceled", err)
		}
	}
}

func TestFetchEmptyRepository(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/empty", parts.RepositoryOptions{})
	s := parts.NewSSH(t, g, parts.SSHOptions{})
	auth := fleet.GitAuth{Set: true, Identity: secret(string(s.Identity)), KnownHosts: s.KnownHosts}
	for _, src := range []*fleet.GitSource{{URL: repository.URL}, {URL: "file://" + repository.Dir}, {URL: s.URL(repository), Auth: auth}} {
		_, err := openWith(t, src, gitops.Options{}).Fetch(context.Background(), main, "")
		if !errors.Is(err, gitops.ErrEmptyRepository) {
			t.Errorf("%s: %v, want ErrEmptyRepository", src.URL, err)
		}
	}
}

func TestFetchNotFound(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	missing := &parts.Repository{Name: "org/none"}
	s := parts.NewSSH(t, g, parts.SSHOptions{})
	auth := fleet.GitAuth{Set: true, Identity: secret(string(s.Identity)), KnownHosts: s.KnownHosts}
	for _, src := range []*fleet.GitSource{{URL: g.URL + "/org/none.git"}, {URL: "file://" + g.Root + "/none.git"}, {URL: s.URL(missing), Auth: auth}} {
		_, err := openWith(t, src, gitops.Options{}).Fetch(context.Background(), main, "")
		if !errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", src.URL, err)
		}
	}
}

// A repository whose hashes are SHA-256 is refused in so many words.
func TestFetchSHA256(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	dir := parts.Dir(t)
	if out, err := runGit(t, g, dir, "init", "-q", "--object-format=sha256", "."); err != nil {
		t.Fatal(out)
	}
	if out, err := runGit(t, g, dir, "commit", "-q", "--allow-empty", "-m", "x"); err != nil {
		t.Fatal(out)
	}
	_, err := open(t, "file://"+dir).Fetch(context.Background(), main, "")
	wantError(t, err, "only sha1 is supported")
}
