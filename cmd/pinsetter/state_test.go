package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// Two processes share a state in PostgreSQL and run at once: one commit is made,
// history has it once, what was fetched is in the user's cache, and the password
// shows nowhere.
func TestSharedState(t *testing.T) {
	postgres := parts.NewPostgres(t)
	f := newRig(t, "main")
	state, cache := postgres.URL("postgres"), t.TempDir()
	var outputs [2]strings.Builder
	var group sync.WaitGroup
	for i := range outputs {
		group.Go(func() {
			cmd := exec.Command("pinsetter", "run", "-f", f.objects, "--state", state, "--log-level", "debug")
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
			cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
			if err := cmd.Run(); err != nil {
				t.Errorf("run: %v\n%s", err, &outputs[i])
			}
		})
	}
	group.Wait()
	if got := f.repo.Git("log", "--format=%an", "main"); got != "Bot\nA Human" {
		t.Errorf("commits by\n%s", got)
	}
	if kept, _ := filepath.Glob(filepath.Join(cache, "pinsetter", "git", "*")); len(kept) == 0 {
		t.Errorf("%s caches nothing of what was fetched", cache)
	}
	out, err := exec.Command("pinsetter", "history", "--state", state).CombinedOutput()
	if err != nil {
		t.Fatalf("history: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "pushed"); n != 1 {
		t.Errorf("history has %d pushes:\n%s", n, out)
	}
	f.repo.CommitFile("main", "a.yaml", f.with("1.0.0"), "")
	out, err = exec.Command("pinsetter", "run", "-f", f.objects, "--state", state).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "somebody changed it") {
		t.Errorf("a revert is not known from the shared state: %v\n%s", err, out)
	}
	if all := outputs[0].String() + outputs[1].String() + string(out); postgres.Password != "" && strings.Contains(all, postgres.Password) {
		t.Errorf("the password shows in\n%s", all)
	}
}
