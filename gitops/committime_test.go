package gitops_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

func TestCommitTime(t *testing.T) {
	git := parts.Need(t, "git")
	dir := t.TempDir()
	run := func(date string, args ...string) string {
		t.Helper()
		c := exec.Command(git, append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.test"}, args...)...)
		c.Env = append(os.Environ(), "GIT_COMMITTER_DATE="+date, "GIT_AUTHOR_DATE=2001-01-01T00:00:00Z")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("", "init", "-q", "-b", "main")
	run("2024-01-02T03:04:05+02:00", "commit", "-q", "--allow-empty", "-m", "first")
	first := run("", "rev-parse", "HEAD")
	run("2025-01-02T03:04:05Z", "commit", "-q", "--allow-empty", "-m", "second")
	run("", "worktree", "add", "-q", "--detach", filepath.Join(dir, "linked"), first)
	run("", "gc", "-q")
	main := filepath.Join(dir, ".git")
	linked := filepath.Join(main, "worktrees/linked")
	old, recent := time.Date(2024, 1, 2, 1, 4, 5, 0, time.UTC), time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, test := range map[string]struct {
		dir, text string
		want      time.Time
	}{
		"checked out":          {main, "", recent},
		"named":                {main, "main@sha1:" + first, old},
		"an unknown one named": {main, "main@sha1:" + strings.Repeat("1", 40), recent},
		"linked work tree":     {linked, "main", old},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := gitops.CommitTime(test.dir, main, test.text); err != nil || !got.Equal(test.want) {
				t.Errorf("%v, %v; want %v", got, err, test.want)
			}
		})
	}
	if got, err := gitops.CommitTime(t.TempDir(), t.TempDir(), ""); err == nil {
		t.Errorf("an empty folder has a commit of %v", got)
	}
}
