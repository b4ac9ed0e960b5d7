package parts

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestGitea(t *testing.T) {
	Need(t, "ssh")
	g := NewGitea(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(g.Output())
		}
	})
	r := g.NewRepository("acme/app", map[string]string{"a.yaml": "a: 1\n"})
	hash := r.Commit(Commit{Branch: "bump", From: "main", Tree: Tree{Files: map[string]string{"a.yaml": "a: 2\n"}}})
	if got := r.File("bump", "a.yaml"); got != "a: 2\n" || r.Head("bump") != hash {
		t.Errorf("%q at %s", got, r.Head("bump"))
	}
	var pr struct{ Number int }
	g.Must(http.MethodPost, r.API+"/pulls", map[string]any{"title": "Bump", "head": "bump", "base": "main"}, &pr)
	if pr.Number != 1 {
		t.Errorf("pull request %d", pr.Number)
	}
	var raw json.RawMessage
	if status := g.Do(http.MethodGet, "/repos/acme/none", nil, &raw); status != http.StatusNotFound {
		t.Errorf("%d %s", status, raw)
	}
	if token := g.NewUser("alice"); g.DoAs(token, http.MethodGet, "/user", nil) != http.StatusOK {
		t.Error("alice's token is not hers")
	}
	identity, known := g.NewSSHKey()
	dir := Dir(t)
	key, hosts := put(t, dir, "key", identity), put(t, dir, "known", known)
	command := exec.Command("git", "ls-remote", r.SSHURL())
	command.Env = append(g.git.Env(), "GIT_SSH_COMMAND=ssh -F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="+hosts+" -i "+key)
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), hash) {
		t.Errorf("%v: %s\n%s", err, out, g.Output())
	}
}
