package parts

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// SSHOptions describe an SSH server. The zero value's identity has no
// passphrase.
type SSHOptions struct {
	Passphrase string // encrypts Identity
}

// SSH is OpenSSH's server for the repositories of a Git server. It runs as the
// user who runs the test and lets in who has Identity, for Git alone.
type SSH struct {
	Addr       string // "127.0.0.1:PORT"
	User       string
	Identity   []byte // private key, PEM
	KnownHosts []byte // the host's line of a known_hosts file

	connections atomic.Int64
}

// gitOverSSH is what every login runs: the Git service that was asked for, on a
// repository of the server.
const gitOverSSH = `#!/bin/sh
export %s
export GIT_PROTOCOL="${GIT_PROTOCOL:-}"
set -f
eval "set -- $SSH_ORIGINAL_COMMAND"
case "$1" in
git-upload-pack|git-receive-pack) exec git "${1#git-}" '%s'/"${2#/}" ;;
*) echo "only git" >&2; exit 1 ;;
esac
`

// NewSSH starts an SSH server for g's repositories until t ends. It skips where
// sshd is missing.
func NewSSH(t T, g *Git, o SSHOptions) *SSH {
	t.Helper()
	program := Need(t, "sshd")
	me, err := user.Current()
	if err != nil {
		t.Fatalf("ask who runs the test: %v", err)
	}
	if me.Uid == "0" { // sshd demands its separation directory of root
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatalf("prepare sshd: %v", err)
		}
	}
	dir := Dir(t)
	s := &SSH{User: me.Username}
	host, hostPEM := newSSHKey(t, "")
	client, clientPEM := newSSHKey(t, o.Passphrase)
	s.Identity = clientPEM
	config := put(t, dir, "sshd_config", fmt.Appendf(nil, `HostKey %s
AuthorizedKeysFile %s
ForceCommand /bin/sh %s
AcceptEnv GIT_PROTOCOL
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UsePAM no
MaxStartups 100
LogLevel VERBOSE
`,
		put(t, dir, "host_key", hostPEM),
		put(t, dir, "authorized_keys", ssh.MarshalAuthorizedKey(client)),
		put(t, dir, "git", fmt.Appendf(nil, gitOverSSH, quoted(g.env), g.Root)),
	))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	s.Addr = listener.Addr().String()
	_, port, _ := net.SplitHostPort(s.Addr)
	s.KnownHosts = []byte("[127.0.0.1]:" + port + " " + string(ssh.MarshalAuthorizedKey(host)))
	log := filepath.Join(dir, "log")
	go s.accept(listener, program, "-i", "-f", config, "-E", log)
	t.Cleanup(func() { _ = listener.Close() })
	return s
}

// URL returns the address of a repository of the server: "ssh://…/org/app.git".
func (s *SSH) URL(r *Repository) string {
	return "ssh://" + s.User + "@" + s.Addr + "/" + r.Name + ".git"
}

// Connections returns how many clients have come.
func (s *SSH) Connections() int { return int(s.connections.Load()) }

// accept gives each client an sshd of its own, as inetd does: so no port has to
// be free twice, and there is nothing to wait for.
func (s *SSH) accept(listener net.Listener, program string, args ...string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.connections.Add(1)
		go serve(conn.(*net.TCPConn), program, args)
	}
}

func serve(conn *net.TCPConn, program string, args []string) {
	file, err := conn.File()
	_ = conn.Close()
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	command := exec.Command(program, args...)
	command.Stdin, command.Stdout = file, file
	_ = command.Run()
}

// newSSHKey returns a public key and its private key as OpenSSH writes it.
func newSSHKey(t T, passphrase string) (ssh.PublicKey, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatalf("encode a key: %v", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatalf("encode a key: %v", err)
	}
	return key, pem.EncodeToMemory(block)
}

// quoted returns variables as a shell takes them.
func quoted(env []string) string {
	out := make([]string, len(env))
	for i, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		out[i] = name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}
