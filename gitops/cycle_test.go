package gitops_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// Read, change, push and read again, by every way to a server.
func TestCycle(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	plain := parts.NewGit(t, parts.GitOptions{})
	ca := parts.NewCA(t)
	secure := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca}, User: "bot", Password: "pass"}})

	tests := map[string]struct {
		server *parts.Git
		config map[string]string
		source func(*testing.T, *parts.Repository) *fleet.GitSource
	}{
		"http": {g, nil, func(_ *testing.T, r *parts.Repository) *fleet.GitSource { return &fleet.GitSource{URL: r.URL} }},
		"http without filters and hashes": {plain,
			map[string]string{"uploadpack.allowFilter": "false", "uploadpack.allowReachableSHA1InWant": "false"},
			func(_ *testing.T, r *parts.Repository) *fleet.GitSource { return &fleet.GitSource{URL: r.URL} }},
		"https": {secure, nil, func(_ *testing.T, r *parts.Repository) *fleet.GitSource {
			return &fleet.GitSource{URL: r.URL, Auth: fleet.GitAuth{
				Set: true, Username: "bot", Password: secret("pass"), TLS: pinsetter.TLS{CA: ca.PEM},
			}}
		}},
		"ssh": {g, nil, func(t *testing.T, r *parts.Repository) *fleet.GitSource {
			s := parts.NewSSH(t, g, parts.SSHOptions{})
			return &fleet.GitSource{URL: s.URL(r), Auth: fleet.GitAuth{Set: true, Identity: secret(string(s.Identity)), KnownHosts: s.KnownHosts}}
		}},
		"ssh with a password": {g, nil, func(t *testing.T, r *parts.Repository) *fleet.GitSource {
			s := parts.NewSSH(t, g, parts.SSHOptions{Passphrase: "open"})
			return &fleet.GitSource{URL: s.URL(r), Auth: fleet.GitAuth{
				Set: true, Identity: secret(string(s.Identity)), IdentityPassword: secret("open"), KnownHosts: s.KnownHosts,
			}}
		}},
		"file": {g, nil, func(_ *testing.T, r *parts.Repository) *fleet.GitSource {
			return &fleet.GitSource{URL: "file://" + r.Dir}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			repository := test.server.NewRepository("org/"+t.Name(), parts.RepositoryOptions{Tree: files, Config: test.config})
			remote := openWith(t, test.source(t, repository), gitops.Options{})
			cycle(t, test.server, repository, remote)
		})
	}
}

func cycle(t *testing.T, g *parts.Git, repository *parts.Repository, remote *gitops.Remote) {
	fetched := fetch(t, remote, main, "updates")
	if len(fetched.Push) > 0 {
		t.Errorf("Push = %+v before the branch exists", fetched.Push)
	}
	got, order := all(t, fetched.Base, "apps")
	want := map[string]string{
		"apps/a.yaml": "tag: 1.0.0\n", "apps/b-2.yaml": "x: 1\n",
		"apps/b/deploy.yaml": "tag: 2.0.0\n", "apps/b/run.yaml": "#!/bin/sh\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("files:", diff)
	}
	if diff := cmp.Diff([]string{"apps/a.yaml", "apps/b-2.yaml", "apps/b/deploy.yaml", "apps/b/run.yaml"}, order); diff != "" {
		t.Error("order:", diff)
	}

	first := commit(t, fetched.Base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n", "apps/b/run.yaml": "#!/bin/bash\n"})
	second := commit(t, first, map[string]string{"apps/b/deploy.yaml": "tag: 2.1.0\n"})
	pushed := push(t, remote, gitops.Push{Snapshot: second, Branch: "updates"})
	if diff := cmp.Diff(gitops.Pushed{Commit: second.Hash(), Branch: "updates"}, pushed); diff != "" {
		t.Error(diff)
	}
	if head := repository.Head("updates"); head != second.Hash() {
		t.Errorf("updates is at %s, want %s", head, second.Hash())
	}
	fsck(t, g, repository)
	if names := repository.Git("diff", "--name-status", "main", "updates"); names != "M\tapps/a.yaml\nM\tapps/b/deploy.yaml\nM\tapps/b/run.yaml" {
		t.Errorf("changed: %s", names)
	}
	if mode := repository.Git("ls-tree", "updates", "apps/b/run.yaml"); mode[:6] != "100755" {
		t.Errorf("run.yaml: %s", mode)
	}

	updates := fetch(t, remote, main, "updates").Push["updates"]
	if updates == nil || updates.Head.Hash() != second.Hash() || updates.Truncated {
		t.Fatalf("Push = %+v", updates)
	}
	wantCommits := []gitops.CommitInfo{
		{Hash: second.Hash(), Parents: []string{first.Hash()}, Author: bot, Committer: bot, When: when, Message: "Update images\n"},
		{Hash: first.Hash(), Parents: []string{fetched.Base.Hash()}, Author: bot, Committer: bot, When: when, Message: "Update images\n"},
	}
	if diff := cmp.Diff(wantCommits, updates.Commits); diff != "" {
		t.Error("commits:", diff)
	}
	if data, ok, err := updates.Head.Read(t.Context(), "apps/b/deploy.yaml"); err != nil || !ok || string(data) != "tag: 2.1.0\n" {
		t.Errorf("Read = %q, %v, %v", data, ok, err)
	}

	// The base moves on; the branch is rebuilt from it.
	repository.CommitFile("main", "README.md", "news\n", "")
	moved := fetch(t, remote, main, "updates")
	rebuilt := commit(t, moved.Base, map[string]string{"apps/a.yaml": "tag: 1.2.0\n"})
	push(t, remote, gitops.Push{Snapshot: rebuilt, Branch: "updates", Lease: moved.Push["updates"].Head.Hash(), Rebuilt: true})
	if parent := repository.Git("rev-parse", "updates^"); parent != repository.Head("main") {
		t.Error("the branch was not rebuilt from main")
	}

	// On top of the base itself, once.
	next := commit(t, moved.Base, map[string]string{"apps/a.yaml": "tag: 1.2.0\n"})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: moved.Base.Hash()})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: moved.Base.Hash()}) // it is there: nothing to do
	late := commit(t, moved.Base, map[string]string{"apps/a.yaml": "tag: 1.3.0\n"})
	_, err := remote.Push(context.Background(), gitops.Push{Snapshot: late, Branch: "main", Lease: moved.Base.Hash()})
	if !errors.Is(err, gitops.ErrStale) {
		t.Errorf("late push: %v, want ErrStale", err)
	}
	fsck(t, g, repository)
}

// A fetch is one question and one pack, a push branch one pack more, all over
// one connection.
func TestRequests(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	remote := open(t, repository.URL)
	count := func(what string, want int) {
		t.Helper()
		if got := g.Log.Count("", ""); got != want {
			t.Errorf("%s: %d requests, want %d", what, got, want)
		}
		g.Log.Reset()
	}
	base := fetch(t, remote, main, "updates").Base
	count("fetch", 3) // the first asks what the server speaks
	push(t, remote, gitops.Push{Snapshot: commit(t, base, map[string]string{"apps/a.yaml": "x"}), Branch: "updates"})
	count("push", 2)
	fetch(t, remote, main, "updates")
	if connections := g.Log.Connections(); connections > 1 {
		t.Errorf("%d connections", connections)
	}
	count("fetch with a push branch", 2)
}
