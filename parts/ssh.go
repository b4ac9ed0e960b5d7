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

// SSHOptions configure an SSH server. With the zero value the identity has no
// passphrase.
type SSHOptions struct {
	Passphrase string // encrypts Identity
}

// SSH is OpenSSH's server for the repositories of a Git server. It runs as the
// test's user and accepts Identity, for Git only.
type SSH struct {
	Addr       string // "127.0.0.1:PORT"
	User       string
	Identity   []byte // private key, PEM
	KnownHosts []byte // the host's line for a known_hosts file

	connections atomic.Int64
}

// gitOverSSH is the command of every login: it runs the requested Git service
// on a repository of the server.
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

// sshLevel is SHLVL of every login: from 2 on, bash reads nobody's .bashrc for a command
// over ssh.
const sshLevel = 2

// NewSSH starts an SSH server for g's repositories that ends with t. It skips
// the test if sshd is missing.
func NewSSH(t T, g *Git, o SSHOptions) *SSH {
	t.Helper()
	program := Need(t, "sshd")
	me, err := user.Current()
	if err != nil {
		t.Fatalf("ask who runs the test: %v", err)
	}
	if me.Uid == "0" { // run by root, sshd needs its separation directory
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
SetEnv SHLVL=%d
LogLevel VERBOSE
`,
		put(t, dir, "host_key", hostPEM),
		put(t, dir, "authorized_keys", ssh.MarshalAuthorizedKey(client)),
		put(t, dir, "git", fmt.Appendf(nil, gitOverSSH, quoted(g.env), g.Root)),
		sshLevel,
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

// URL returns the SSH address of a repository: "ssh://…/org/app.git".
func (s *SSH) URL(r *Repository) string {
	return "ssh://" + s.User + "@" + s.Addr + "/" + r.Name + ".git"
}

// Connections returns the number of clients so far.
func (s *SSH) Connections() int { return int(s.connections.Load()) }

// accept starts an sshd for each client, like inetd. So no port has to be free
// twice, and nothing has to be awaited.
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

// newSSHKey returns a public key, and its private key in OpenSSH's format.
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

// quoted returns variables quoted for a shell.
func quoted(env []string) string {
	out := make([]string, len(env))
	for i, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		out[i] = name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}
