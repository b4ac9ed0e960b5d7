package gitops_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// What is signed with a key of ssh-keygen is what git verify-commit accepts.
func TestSignSSH(t *testing.T) {
	keygen := parts.Need(t, "ssh-keygen")
	g := parts.NewGit(t, parts.GitOptions{})
	for name, args := range map[string][]string{
		"ed25519": {"-t", "ed25519"},
		"ecdsa":   {"-t", "ecdsa", "-b", "256"},
		"rsa":     {"-t", "rsa", "-b", "2048"},
	} {
		for _, passphrase := range []string{"", "open sesame"} {
			t.Run(name+passphrase, func(t *testing.T) {
				file := t.TempDir() + "/key"
				if out, err := exec.Command(keygen, append(args, "-q", "-N", passphrase, "-C", "", "-f", file)...).CombinedOutput(); err != nil {
					t.Fatalf("ssh-keygen: %s", out)
				}
				key := &fleet.SigningKey{Type: fleet.SigningSSH, Key: secret(read(t, file)), Passphrase: secret(passphrase)}
				signers := write(t, "signers", bot.Email+" "+read(t, file+".pub"))
				verify(t, g, key, "-c", "gpg.ssh.allowedSignersFile="+signers)
			})
		}
	}
}

// What is signed with a key of gpg is what git verify-commit accepts.
func TestSignGPG(t *testing.T) {
	gpg := parts.Need(t, "gpg")
	g := parts.NewGit(t, parts.GitOptions{})
	for name, passphrase := range map[string]string{"open": "", "locked": "open sesame"} {
		t.Run(name, func(t *testing.T) {
			home := parts.Dir(t) // a socket's path must be short
			t.Setenv("GNUPGHOME", home)
			run := func(args ...string) string {
				t.Helper()
				cmd := exec.Command(gpg, append([]string{"--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase}, args...)...)
				var errs strings.Builder
				cmd.Stderr = &errs
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("gpg: %v: %s", err, errs.String())
				}
				return string(out)
			}
			t.Cleanup(func() { _ = exec.Command("gpgconf", "--kill", "all").Run() })
			run("--faked-system-time", "20260101T000000!", "--quick-generate-key", "Pinsetter <"+bot.Email+">", "ed25519", "sign", "never")
			key := &fleet.SigningKey{Type: fleet.SigningGPG, Key: secret(run("--armor", "--export-secret-keys")), Passphrase: secret(passphrase)}
			verify(t, g, key)
		})
	}
}

// verify makes a signed commit, pushes it and lets C git judge it.
func verify(t *testing.T, g *parts.Git, key *fleet.SigningKey, settings ...string) {
	t.Helper()
	repository := g.NewRepository("signed/"+t.Name(), parts.RepositoryOptions{Tree: files})
	remote := open(t, repository.URL)
	base := fetch(t, remote, main, "").Base
	next, err := base.Commit(gitops.Commit{
		Files: map[string][]byte{"apps/a.yaml": []byte("tag: 2\n")}, Author: bot, When: when, SigningKey: key,
		Message: "Update images\n\nPinsetter-Image: a\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
	out, err := runGit(t, g, repository.Dir, append(settings, "verify-commit", "-v", "main")...)
	if err != nil || !strings.Contains(out, "Good ") {
		t.Errorf("git verify-commit: %v: %s", err, out)
	}
	if got := repository.Git("log", "-1", "--format=%an %ae %cn %ce %aI%n%B%(trailers:key=Pinsetter-Image)", "main"); got !=
		"Pinsetter bot@example.test Pinsetter bot@example.test 2026-07-01T12:00:00+02:00\nUpdate images\n\nPinsetter-Image: a\nPinsetter-Image: a\n" {
		t.Errorf("commit: %q", got)
	}
	fsck(t, g, repository)
}

// A key that can't sign is an error that names the secret and not its content.
func TestSignWithoutAKey(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	base := fetch(t, open(t, repository.URL), main, "").Base
	locked := parts.NewSSH(t, g, parts.SSHOptions{Passphrase: "open"})
	for name, test := range map[string]struct {
		key  fleet.SigningKey
		text string
	}{
		"no gpg key":       {fleet.SigningKey{Type: "gpg", Key: secret("nonsense")}, "sign with [a secret]: read OpenPGP key"},
		"no ssh key":       {fleet.SigningKey{Type: "ssh", Key: secret("nonsense")}, "sign with [a secret]: read private key"},
		"no passphrase":    {fleet.SigningKey{Type: "ssh", Key: secret(string(locked.Identity))}, "give its password"},
		"wrong passphrase": {fleet.SigningKey{Type: "ssh", Key: secret(string(locked.Identity)), Passphrase: secret("shut")}, "read private key"},
		"another type":     {fleet.SigningKey{Type: "x509", Key: secret("nonsense")}, `unknown type "x509"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := base.Commit(gitops.Commit{Files: map[string][]byte{"apps/a.yaml": nil}, Author: bot, When: when, SigningKey: &test.key})
			wantError(t, err, test.text)
		})
	}
}

// What a name or a message may hold can't break a commit's header.
func TestCommitHeaderIsSafe(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	remote := open(t, repository.URL)
	base := fetch(t, remote, main, "").Base
	for i, test := range []struct {
		author  gitops.Signature
		message string
		want    string // author and message as C git reads them
	}{
		{gitops.Signature{Name: "A <b>\nparent 1", Email: "<a@b>\n"}, "a\x00b\xff\n", "A bparent 1|a@b|ab\ufffd\n"},
		{gitops.Signature{Email: "a@b"}, "", "|a@b|"},
		{gitops.Signature{Name: "Zoë 🎳", Email: "z@b"}, "no newline", "Zoë 🎳|z@b|no newline"},
	} {
		next, err := base.Commit(gitops.Commit{Files: map[string][]byte{"apps/a.yaml": []byte("x")}, Author: test.author, Message: test.message, When: when})
		if err != nil {
			t.Fatal(err)
		}
		push(t, remote, gitops.Push{Snapshot: next, Refspec: "HEAD:refs/heads/" + string(rune('a'+i))})
		raw := repository.Git("cat-file", "commit", next.Hash())
		header, message, _ := strings.Cut(raw, "\n\n")
		_, author, _ := strings.Cut(header, "\nauthor ")
		name, rest, _ := strings.Cut(author, " <")
		email, _, _ := strings.Cut(rest, ">")
		if got := name + "|" + email + "|" + message; got != strings.TrimSuffix(test.want, "\n") {
			t.Errorf("commit %d: %q, want %q", i, got, test.want)
		}
	}
	fsck(t, g, repository)
	_, err := base.Commit(gitops.Commit{Files: map[string][]byte{"apps/a.yaml": nil}, Author: gitops.Signature{Name: "x"}, When: when})
	wantError(t, err, "no email address")
	_, err = base.Commit(gitops.Commit{Files: map[string][]byte{"apps/a.yaml": []byte("tag: 1.0.0\n")}, Author: bot, When: when})
	wantError(t, err, gitops.ErrNoChange.Error())
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
