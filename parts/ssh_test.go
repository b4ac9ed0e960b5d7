package parts

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSSHServesGit(t *testing.T) {
	g := NewGit(t, GitOptions{})
	repo := g.NewRepository("org/app", RepositoryOptions{Tree: Tree{Files: map[string]string{"a": "1"}}})
	s := NewSSH(t, g, SSHOptions{})
	dir := t.TempDir()
	identity, known := filepath.Join(dir, "identity"), filepath.Join(dir, "known_hosts")
	for path, data := range map[string][]byte{identity: s.Identity, known: s.KnownHosts} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Need(t, "ssh")
	client := "core.sshCommand=ssh -F none -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=" + known + " -i " + identity
	work := clone(t, g, s.URL(repo), "-c", client)
	if _, err := work("commit", "-q", "--allow-empty", "-m", "More"); err != nil {
		t.Fatal(err)
	}
	if _, err := work("-c", client, "push", "-q", "origin", "main"); err != nil {
		t.Fatal(err)
	}
	if len(repo.Pushes()) != 1 || s.Connections() != 2 {
		t.Errorf("%d pushes over %d connections", len(repo.Pushes()), s.Connections())
	}
}
