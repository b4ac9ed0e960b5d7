package gitops_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// bot is who commits in these tests, and when.
var (
	bot  = gitops.Signature{Name: "Pinsetter", Email: "bot@example.test"}
	when = time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("", 2*60*60))
	main = fleet.GitRef{Branch: "main"}
)

// files is what most repositories of these tests hold.
var files = parts.Tree{
	Files: map[string]string{
		"README.md":          "hello\n",
		"apps/a.yaml":        "tag: 1.0.0\n",
		"apps/b/deploy.yaml": "tag: 2.0.0\n",
		"apps/b/run.yaml":    "#!/bin/sh\n",
		"apps/b-2.yaml":      "x: 1\n",
		"other/c.yaml":       "y: 1\n",
	},
	Executable: []string{"apps/b/run.yaml"},
	Symlinks:   map[string]string{"apps/link.yaml": "a.yaml", "apps/dir": "../other"},
}

// secret is how most credentials of these tests get in.
func secret(value string) pinsetter.Secret { return pinsetter.NewSecret("a secret", value) }

// open returns a remote for a URL without credentials.
func open(t *testing.T, url string) *gitops.Remote {
	t.Helper()
	return openWith(t, &fleet.GitSource{URL: url}, gitops.Options{})
}

// openWith returns a remote that waits for no server, unless o says how.
func openWith(t *testing.T, src *fleet.GitSource, o gitops.Options) *gitops.Remote {
	t.Helper()
	if o.Sleep == nil {
		o.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	remote, err := gitops.Open(src, o)
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

func fetch(t *testing.T, r *gitops.Remote, base fleet.GitRef, push ...string) *gitops.Fetched {
	t.Helper()
	fetched, err := r.Fetch(context.Background(), base, push...)
	if err != nil {
		t.Fatal(err)
	}
	return fetched
}

// commit returns what changing files on top of s makes.
func commit(t *testing.T, s *gitops.Snapshot, changes map[string]string) *gitops.Snapshot {
	t.Helper()
	c := gitops.Commit{Files: map[string][]byte{}, Message: "Update images\n", Author: bot, When: when}
	for name, content := range changes {
		c.Files[name] = []byte(content)
	}
	next, err := s.Commit(c)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func push(t *testing.T, r *gitops.Remote, p gitops.Push) gitops.Pushed {
	t.Helper()
	pushed, err := r.Push(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

// all returns the files below dir whose names end in .yaml, by path.
func all(t *testing.T, s *gitops.Snapshot, dir string) (map[string]string, []string) {
	t.Helper()
	found, order := map[string]string{}, []string(nil)
	for file, err := range s.Files(context.Background(), dir, isYAML) {
		if err != nil {
			t.Fatal(err)
		}
		found[file.Path] = string(file.Data)
		order = append(order, file.Path)
	}
	s.Store().Close()
	return found, order
}

func isYAML(path string) bool { return strings.HasSuffix(path, ".yaml") }

// wantError fails if err has not all of the texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not contain %q", err, text)
		}
	}
}

// runGit runs C git in a directory and returns what it printed, on both outputs.
func runGit(t *testing.T, g *parts.Git, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(parts.Need(t, "git"), args...)
	cmd.Dir, cmd.Env = dir, append(g.Env(), "GNUPGHOME="+os.Getenv("GNUPGHOME"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fsck fails if C git finds anything to say about a repository.
func fsck(t *testing.T, g *parts.Git, r *parts.Repository) {
	t.Helper()
	out, err := runGit(t, g, r.Dir, "fsck", "--strict", "--no-dangling", "--no-progress")
	if err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("git fsck --strict: %v: %s", err, out)
	}
}

// write writes a file below the test's directory and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
