package gitops

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/net/proxy"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

// sshServer is how one server is reached by ssh.
type sshServer struct {
	address string // host:port
	user    string
	signer  ssh.Signer // nil: password or agent
	secret  string     // password of the user; "": signer or agent
	agent   string     // socket of the ssh-agent
	hosts   *knownhosts.HostKeyDB
	from    string // where hosts are from, for messages
	sent    sent
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// sshTransport returns a transport for u with the secret's identity or password
// and known_hosts; without a secret, with those of the folder in PINSETTER_GIT_SSH, or
// with the ssh-agent and the known_hosts of user and system. No configuration file of ssh is read.
func sshTransport(u *url.URL, auth fleet.GitAuth, o Options, bounds Bounds) (transport.Transport, error) {
	if !auth.Set {
		mounted, err := o.Environment.SSHSecret(u)
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
	s := &sshServer{address: net.JoinHostPort(u.Hostname(), port), user: u.User.Username(), agent: o.Environment.AgentSocket(), sent: sentKey(auth)}
	if s.user == "" {
		s.user = auth.Username
	}
	if s.user == "" {
		s.user = "git" // as all forges have it
	}
	var err error
	if s.dial, err = sshDialer(auth.Proxy, o.Dialer); err != nil {
		return nil, err
	}
	if err := s.credentials(auth); err != nil {
		return nil, err
	}
	if s.hosts, s.from, err = hostKeys(auth, o.Environment); err != nil {
		return nil, err
	}
	start := func(ctx context.Context, command string, e *transport.Endpoint) (running *stream, err error) {
		err = o.persist(ctx, func() error {
			running, err = s.start(ctx, command, e)
			return err
		})
		return running, err
	}
	return streamTransport{start, bounds}, nil
}

// credentials takes what the secret gives.
func (s *sshServer) credentials(auth fleet.GitAuth) error {
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

// sshDialer returns the function that connects: straight, or through SOCKS 5.
func sshDialer(p *pinsetter.Proxy, dialer login.Dialer) (func(context.Context, string, string) (net.Conn, error), error) {
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

func (contextDialer) Dial(string, string) (net.Conn, error) { return nil, errNoContext }

// start connects, logs in and runs a command of Git.
func (s *sshServer) start(ctx context.Context, command string, e *transport.Endpoint) (*stream, error) {
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
	running := &stream{said: new(tail), wait: session.Wait, cancel: func() { stop(); _ = client.Close() }}
	session.Stderr = running.said
	running.in, err = session.StdinPipe()
	if err == nil {
		running.out, err = session.StdoutPipe()
	}
	if err == nil {
		err = session.Start(command + " " + shellQuoted(e.Path))
	}
	if err != nil {
		running.cancel()
		return nil, fmt.Errorf("start %s: %w", command, err)
	}
	return running, nil
}

// shellQuoted quotes a path for the shell on the other side: one that git-shell
// reads too (sq_quote_buf in git's quote.c).
func shellQuoted(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// login makes a connection one of ssh.
func (s *sshServer) login(ctx context.Context, conn net.Conn) (*ssh.Client, error) {
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
		return nil, fmt.Errorf("%w: the server accepts none of the keys for user %q: it was offered %s", ErrAuth, s.user, s.sent.what)
	}
	if met && pause.Passing(err) { // it would have the same answer for the same key
		return nil, errors.New("the server ended the connection during the login")
	}
	return nil, err
}

// method returns what to log in with, and how to let go of it.
func (s *sshServer) method(ctx context.Context) (ssh.AuthMethod, func(), error) {
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
