package sshclient

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzKnownHosts: whatever a Secret has as known_hosts, it accepts a key only if it
// names it, its errors don't name the file that it is read from, and none is left.
func FuzzKnownHosts(f *testing.F) {
	public, _, err := ed25519.GenerateKey(zeros{})
	if err != nil {
		f.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		f.Fatal(err)
	}
	line := string(ssh.MarshalAuthorizedKey(key))
	encoded := strings.Fields(line)[1]
	for _, text := range []string{
		"git.example.test " + line, "@revoked * " + line, "@cert-authority *.example.test " + line, "|1|AAAA|BBBB " + line, "|1||" + line, "|1|a " + line,
		"!git.example.test,* " + line, "[git.example.test]:22 " + line, "* ssh-ed25519 AAAA", "* ssh-rsa " + encoded, "@x", "\x00", "#\n\n", "git.example.test",
		strings.Repeat("*,", 5000) + " " + line, "[:" + line, "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n",
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Setenv("TMPDIR", dir)
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			hosts, from, err := hostKeys(fleet.GitAuth{Set: true, KnownHosts: data}, login.Environment{})
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%d files are left", len(left))
			}
			if err != nil {
				if strings.Contains(err.Error(), dir) {
					t.Errorf("%v", err)
				}
				return
			}
			s := &Server{address: "git.example.test:22", hosts: hosts, from: from}
			_ = hosts.HostKeyAlgorithms(s.address)
			err = s.checkHost(s.address, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}, key)
			if err == nil && !bytes.Contains(data, []byte(encoded)) {
				t.Errorf("accepted by %q", data)
			}
			if err != nil && strings.Contains(err.Error(), dir) {
				t.Errorf("%v", err)
			}
		})
	})
}

// zeros are bytes for a key that is the same in each run.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestQuoted(t *testing.T) {
	if got := Quoted(`/it's!/$(x)`); got != `'/it'\''s'\!'/$(x)'` {
		t.Errorf("Quoted = %s", got)
	}
}
