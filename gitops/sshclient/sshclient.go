// Package sshclient runs a command on an SSH server that known_hosts name, and signs
// as ssh-keygen does. It knows no command, and reads no configuration of ssh.
package sshclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/net/proxy"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

// Server is how one server is reached. It is safe for concurrent use.
type Server struct {
	address string // host:port
	user    string
	signer  ssh.Signer // nil: password or agent
	secret  string     // password of the user; "": signer or agent
	agent   string     // socket of the ssh-agent
	hosts   *knownhosts.HostKeyDB
	from    string // where hosts are from, for messages
	offered string // what is logged in with, for messages
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns the server of u, to be reached with the secret's identity or password
// and known_hosts; without a secret, with those of the folder in PINSETTER_GIT_SSH, or
// with the ssh-agent and the known_hosts of user and system. Offered says which they
// are. The error is for credentials that can't be read, or are missing.
func New(u *url.URL, auth fleet.GitAuth, offered string, e login.Environment, dialer login.Dialer) (*Server, error) {
	if !auth.Set {
		mounted, err := e.SSHSecret(u)
		if err != nil {
			return nil, err
		}
		if mounted != nil {
			auth.Set, auth.Identity, auth.IdentityPassword, auth.KnownHosts = true, mounted.Identity, mounted.Password, mounted.KnownHosts
		}
	}
	port := u.Port()
	if port == "" {
		port = "22"
	}
	s := &Server{address: net.JoinHostPort(u.Hostname(), port), user: u.User.Username(), agent: e.AgentSocket(), offered: offered}
	if s.user == "" {
		s.user = auth.Username
	}
	if s.user == "" {
		s.user = "git" // as all forges have it
	}
	var err error
	if s.dial, err = connector(auth.Proxy, dialer); err != nil {
		return nil, err
	}
	if err := s.credentials(auth); err != nil {
		return nil, err
	}
	if s.hosts, s.from, err = hostKeys(auth, e); err != nil {
		return nil, err
	}
	return s, nil
}

// credentials takes what the secret gives.
func (s *Server) credentials(auth fleet.GitAuth) error {
	switch {
	case !auth.Identity.IsZero():
		signer, err := parsePrivateKey(auth.Identity.Reveal(), auth.IdentityPassword.Reveal())
		if err != nil {
			return fmt.Errorf("read identity: %w", err)
		}
		s.signer = signer
	case !auth.Password.IsZero():
		s.secret = auth.Password.Reveal()
	case auth.Set:
		return errors.New("the secret has no identity, which ssh needs")
	case s.agent == "":
		return errors.New("nothing to log in with: give a secretRef with identity and known_hosts, name a folder with these two in PINSETTER_GIT_SSH and the host in PINSETTER_GIT_HOST, or run an ssh-agent (SSH_AUTH_SOCK)")
	}
	return nil
}

// connector returns the function that connects: straight, or through SOCKS 5.
func connector(p *pinsetter.Proxy, dialer login.Dialer) (func(context.Context, string, string) (net.Conn, error), error) {
	if p == nil {
		return dialer.DialContext, nil
	}
	address, err := login.ProxyURL(*p)
	if err != nil {
		return nil, err
	}
	if address.Scheme != "socks5" && address.Scheme != "socks5h" {
		return nil, fmt.Errorf("a proxy for ssh must be socks5, not %q", address.Scheme)
	}
	through, err := proxy.FromURL(address, contextDialer{dialer})
	if err != nil {
		return nil, fmt.Errorf("read proxy: %w", err)
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := dialer.CheckHost(address); err != nil {
			return nil, err
		}
		return through.(proxy.ContextDialer).DialContext(ctx, network, address) // SOCKS 5 has it
	}, nil
}

// contextDialer gives our dialer the method that package proxy asks for, and
// doesn't call: it prefers DialContext.
type contextDialer struct{ login.Dialer }

func (contextDialer) Dial(string, string) (net.Conn, error) {
	return nil, errors.New("no server is dialed without a context")
}

// Session is a command that runs.
type Session struct {
	In   io.WriteCloser
	Out  io.Reader
	Wait func() error // for its end; safe to call once
	End  func()       // at once
}

// Start connects, logs in and runs a command until ctx is done. What it says on
// standard error goes to said.
func (s *Server) Start(ctx context.Context, command string, said io.Writer) (*Session, error) {
	conn, err := s.dial(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	client, err := s.login(ctx, conn)
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, err
	}
	session, err := client.NewSession()
	if err != nil {
		stop()
		_ = client.Close()
		return nil, fmt.Errorf("start ssh session: %w", err)
	}
	running := &Session{Wait: session.Wait, End: func() { stop(); _ = client.Close() }}
	session.Stderr = said
	running.In, err = session.StdinPipe()
	if err == nil {
		running.Out, err = session.StdoutPipe()
	}
	if err == nil {
		err = session.Start(command)
	}
	if err != nil {
		running.End()
		return nil, fmt.Errorf("start %s: %w", command, err)
	}
	return running, nil
}

// Quoted quotes a path for the shell on the other side: one that git-shell
// reads too (sq_quote_buf in git's quote.c).
func Quoted(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// login makes a connection one of ssh.
func (s *Server) login(ctx context.Context, conn net.Conn) (*ssh.Client, error) {
	method, done, err := s.method(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	met := false
	settings := &ssh.ClientConfig{
		User: s.user,
		Auth: []ssh.AuthMethod{method},
		HostKeyCallback: func(name string, remote net.Addr, key ssh.PublicKey) error {
			met = true
			return s.checkHost(name, remote, key)
		},
		HostKeyAlgorithms: s.hosts.HostKeyAlgorithms(s.address),
	}
	c, channels, requests, err := ssh.NewClientConn(conn, s.address, settings)
	if err == nil {
		return ssh.NewClient(c, channels, requests), nil
	}
	if strings.Contains(err.Error(), "unable to authenticate") { // ssh has no type for it
		return nil, fmt.Errorf("%w: the server accepts none of the keys for user %q: it was offered %s", refusal.ErrAuth, s.user, s.offered)
	}
	if met && pause.Passing(err) { // it would have the same answer for the same key
		return nil, errors.New("the server ended the connection during the login")
	}
	return nil, err
}

// method returns what to log in with, and how to let go of it.
func (s *Server) method(ctx context.Context) (ssh.AuthMethod, func(), error) {
	switch {
	case s.signer != nil:
		return ssh.PublicKeys(s.signer), func() {}, nil
	case s.secret != "":
		return ssh.Password(s.secret), func() {}, nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.agent) // a file, not an address
	if err != nil {
		return nil, nil, fmt.Errorf("ask ssh-agent: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return ssh.PublicKeysCallback(agent.NewClient(conn).Signers), func() { stop(); _ = conn.Close() }, nil
}
