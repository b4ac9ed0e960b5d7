package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// everyServer runs a test against each kind of server: those that leave files
// out and hand out any object, those that do neither, those that do one.
func everyServer(t *testing.T, test func(t *testing.T, r *parts.Repository, g *parts.Git, src *fleet.GitSource)) {
	t.Helper()
	anyObject := map[string]string{"uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true"}
	commits := map[string]string{"uploadpack.allowFilter": "true", "uploadpack.allowTipSHA1InWant": "true", "uploadpack.allowReachableSHA1InWant": "true"}
	for name, server := range map[string]struct {
		over     string
		settings map[string]string
	}{
		"v2":                       {"v2", anyObject},
		"v2, no filters":           {"v2", strict},
		"v0":                       {"v0", anyObject},
		"v0, no filters":           {"v0", strict},
		"v0, looks like any":       {"v0", commits},
		"file":                     {"file", anyObject},
		"file, no filters":         {"file", strict},
		"file, looks like any":     {"file", commits},
		"ssh":                      {"ssh", anyObject},
		"ssh, no filters":          {"ssh", strict},
		"azure":                    {"azure", anyObject},
		"azure, no filters":        {"azure plain", strict},
		"azure ssh":                {"azure ssh", anyObject},
		"v2, filters, nothing any": {"v2", map[string]string{"uploadpack.allowFilter": "true", "uploadpack.allowReachableSHA1InWant": "false"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // one over ssh mostly waits
			g := parts.NewGit(t, parts.GitOptions{})
			if server.over == "v0" {
				g = oldGit(t)
			}
			r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Config: server.settings})
			src := &fleet.GitSource{URL: r.URL}
			switch server.over {
			case "azure", "azure plain":
				src.URL = parts.NewAzure(t, g, parts.AzureOptions{MultiAck: server.over == "azure plain"}).URL(r)
			case "azure ssh":
				a := parts.NewAzure(t, g, parts.AzureOptions{})
				src.URL = a.SSHURL(r)
				src.Auth = fleet.GitAuth{Set: true, Identity: secret(string(a.SSH.Identity)), KnownHosts: a.SSH.KnownHosts}
			case "file":
				src.URL = "file://" + r.Dir
			case "ssh":
				s := parts.NewSSH(t, g, parts.SSHOptions{})
				src.URL = s.URL(r)
				src.Auth = fleet.GitAuth{Set: true, Identity: secret(string(s.Identity)), KnownHosts: s.KnownHosts}
			}
			test(t, r, g, src)
		})
	}
}

// Files come when they are read, from any server, and a snapshot without them
// can be changed and pushed.
func TestPartial(t *testing.T) {
	everyServer(t, func(t *testing.T, r *parts.Repository, g *parts.Git, src *fleet.GitSource) {
		remote := openWith(t, src, gitops.Options{Keep: t.TempDir()})
		for i := range 2 {
			base := fetch(t, remote, main, "").Base
			data, ok, err := base.Read(t.Context(), "other/c.yaml")
			if string(data) != "y: 1\n" || !ok || err != nil {
				t.Errorf("Read: %q, %v, %v", data, ok, err)
			}
			found, _ := all(t, base, "apps/b")
			if diff := cmp.Diff(map[string]string{"apps/b/deploy.yaml": "tag: 2.0.0\n", "apps/b/run.yaml": "#!/bin/sh\n"}, found); diff != "" {
				t.Error(diff)
			}
			next := commit(t, base, map[string]string{"apps/a.yaml": fmt.Sprintf("tag: 3.0.%d\n", i)})
			push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
			if found, _ = all(t, next, ""); len(found) != 5 {
				t.Errorf("%d files after the commit", len(found))
			}
		}
		if got := r.File("main", "apps/a.yaml"); got != "tag: 3.0.1\n" {
			t.Errorf("pushed %q", got)
		}
		fsck(t, g, r)
	})
}

// Of what changed only what is read comes, in one request, and once.
func TestPartialAsksForWhatIsRead(t *testing.T) {
	g, sent := counted(t)
	large := make([]byte, 100_000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range large {
		large[i] = byte('a' + random.IntN(26))
	}
	tree := map[string]string{"other/large.yaml": string(large), "apps/large.bin": string(large[1:])}
	for i := range 20 {
		tree[fmt.Sprintf("apps/%d.yaml", i)] = fmt.Sprintf("tag: %d\n", i)
	}
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{Keep: t.TempDir()})
	all(t, fetch(t, remote, main).Base, "")
	r.Commit(parts.Commit{Tree: parts.Tree{Files: tree, Delete: []string{"apps"}}})
	base := fetch(t, remote, main).Base
	g.Log.Reset()
	sent.Store(0)
	for range 2 {
		if found, _ := all(t, base, "apps"); len(found) != 20 {
			t.Errorf("%d files", len(found))
		}
	}
	if n := g.Log.Count("", ""); n != 1 || sent.Load() > 10_000 {
		t.Errorf("%d requests, %d bytes", n, sent.Load())
	}
}

// A bound on what comes later is the error of reading it.
func TestPartialBounds(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	src, dir, tree := &fleet.GitSource{URL: r.URL}, t.TempDir(), map[string]string{}
	all(t, fetch(t, openWith(t, src, gitops.Options{Keep: dir}), main).Base, "")
	for i := range 20 {
		tree[fmt.Sprintf("apps/%d.yaml", i)] = fmt.Sprintf("tag: 1.0.%d\n", i)
	}
	r.Commit(parts.Commit{Tree: parts.Tree{Files: tree}})
	bounded := openWith(t, src, gitops.Options{Keep: dir, Bounds: gitops.Bounds{Bounds: git.Bounds{Objects: 15}}})
	for _, err := range fetch(t, bounded, main).Base.Files(context.Background(), "", func(string) bool { return true }) {
		if !errors.Is(err, gitops.ErrBound) {
			t.Errorf("error %v, want ErrBound", err)
		}
	}
	small := openWith(t, src, gitops.Options{Keep: dir, Bounds: gitops.Bounds{Bounds: git.Bounds{FileBytes: 10}}})
	if _, _, err := fetch(t, small, main).Base.Read(t.Context(), "apps/1.yaml"); !errors.Is(err, gitops.ErrBound) {
		t.Errorf("error %v, want ErrBound", err)
	}
}
