// Package gitops reads a branch, builds commits and pushes them: without a
// worktree, one commit deep, straight from the objects. It is the only door to
// go-git.
//
//	remote, err := gitops.Open(source, gitops.Options{})
//	fetched, err := remote.Fetch(ctx, base, "image-updates")
//	for file, err := range fetched.Base.Files(ctx, "apps", want) { … }
//	next, err := fetched.Base.Commit(gitops.Commit{Files: changed, …})
//	pushed, err := remote.Push(ctx, gitops.Push{Snapshot: next, Branch: "main", Lease: fetched.Base.Hash()})
//
// A repository is hostile: all that is read of it is bounded, and neither symlinks
// nor submodules are followed.
package gitops

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

// defaultTimeout is GitRepository.spec.timeout's default
// (https://fluxcd.io/flux/components/source/gitrepositories/#timeout).
const defaultTimeout = 60 * time.Second

// Options configure access to repositories. The zero value takes nothing from
// the environment and uses the default bounds.
type Options struct {
	Bounds Bounds

	// Environment offers credentials to a source without a secret, and proxies
	// to one without a proxy.
	Environment login.Environment

	// Credential is asked for a user name and password at each conversation with
	// the repository of a source that has an App. Nil: such a source is an error.
	Credential Credential

	// Clouds is asked for the login of a source that has a Provider. Nil: such a
	// source is an error.
	Clouds CloudLogins

	// Dialer opens all connections.
	Dialer login.Dialer

	// Sleep waits before a request is sent again, and Random returns a number from 0
	// to 1 by which such pauses differ. Nil: time and chance.
	Sleep  func(context.Context, time.Duration) error
	Random func() float64

	// LatestTags picks the tags with the highest version in the range of a semver
	// ref: several if their versions are equal, none if none is in the range. It
	// returns an error if the text is no range. Nil: semver refs are an error.
	LatestTags func(constraint string, tags []string) ([]string, error)

	// Keep is the directory of the cache, by which the next run fetches only the
	// news. "" caches nothing. It is created when it is needed. Several processes
	// may share it, and deleting it only costs time.
	//
	// It has a file of at most 128 MiB for each screen and each combination of
	// base and push branches, and a small one for the abilities of each server.
	// Beyond 1 GiB the least recently used files go.
	Keep string

	// Screen chooses files by their bytes. Snapshot.Files yields only those that
	// it wants; the others are neither held nor, with Keep, fetched again.
	Screen Screen
}

// Bounds limit the cost of a repository. Zero fields have the defaults. An
// error over a bound names it.
type Bounds struct {
	git.Bounds
	Commits  int // listed of a push branch or of a history; default 1000
	Branches int // below one prefix of push branches; default 1000
}

func (b Bounds) withDefaults() Bounds {
	const many = 1000
	b.Bounds = b.Bounds.WithDefaults()
	if b.Commits <= 0 {
		b.Commits = many
	}
	if b.Branches <= 0 {
		b.Branches = many
	}
	return b
}

// Remote is a repository on a server. It is safe for concurrent use.
type Remote struct {
	url        *url.URL // without user information, for messages
	endpoint   transport.Endpoint
	transport  transport.Transport
	login      func(context.Context) (transport.AuthMethod, error) // of one conversation
	timeout    time.Duration
	bounds     Bounds
	latestTags func(string, []string) ([]string, error)
	cache      git.Cache
	owner      string          // of the cache: the source's name
	secrets    *login.Scrubber // knows the secrets that are sent to log in
	sent       refusal.Sent    // describes the login
}

// Open returns the repository of src. It connects to nothing. It returns an
// error for a bad URL, secret or environment.
func Open(src *fleet.GitSource, o Options) (*Remote, error) {
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if !strings.Contains(src.URL, "://") {
		return nil, fmt.Errorf("open Git repository: not a URL: give scheme://host/path, such as ssh://git@host/path")
	}
	u, err := address.Parse(src.URL)
	if err != nil {
		return nil, fmt.Errorf("open Git repository: %w", err)
	}
	if src.Provider != "" && u.Scheme != "https" {
		return nil, fmt.Errorf("open Git repository %s: provider %s logs in over https", address.Redacted(u), src.Provider)
	}
	if src.App != nil && u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("open Git repository %s: a GitHub App logs in over https", address.Redacted(u))
	}
	r := &Remote{
		url:        address.Redacted(u),
		endpoint:   endpoint(u),
		timeout:    orDefaultTimeout(src.Timeout),
		bounds:     o.Bounds.withDefaults(),
		login:      noLogin,
		latestTags: o.LatestTags,
		cache:      git.Cache{Dir: o.Keep, Screen: o.Screen},
		owner:      src.Name.String(),
		secrets:    new(login.Scrubber),
	}
	r.secrets.Keep("proxies", proxyPasswords(src.Auth, o)...)
	switch u.Scheme {
	case "http", "https":
		err = r.overHTTP(u, src, o)
	case "ssh":
		r.secrets.KeepLogin("login", src.Auth.Username, src.Auth.Password)
		r.secrets.Keep("key", src.Auth.IdentityPassword, src.Auth.Identity)
		r.sent = refusal.SentKey(src.Auth)
		r.transport, err = sshTransport(u, src.Auth, r.sent, o, r.bounds)
	case "file":
		r.transport, err = fileTransport(u, r.bounds)
	default:
		err = fmt.Errorf("unknown scheme %q: use https, http, ssh or file", u.Scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open Git repository %s: %w", r, err)
	}
	return r, nil
}

// endpoint returns u as go-git has it, without user and password: those are
// handed over apart.
func endpoint(u *url.URL) transport.Endpoint {
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port, _ := strconv.Atoi(u.Port()) // address.Parse has checked it
	if u.Scheme == "http" || u.Scheme == "https" {
		host = strings.ReplaceAll(host, "%", "%25") // go-git pastes host and path into a URL
	}
	return transport.Endpoint{Protocol: u.Scheme, Host: host, Port: port, Path: address.Path(u)}
}

// noLogin is for servers that learn who asks in another way, or don't.
func noLogin(context.Context) (transport.AuthMethod, error) { return nil, nil }

// proxyPasswords returns the passwords of the proxies that may be used.
func proxyPasswords(auth fleet.GitAuth, o Options) []pinsetter.Secret {
	if auth.Proxy == nil {
		return o.Environment.ProxyPasswords()
	}
	return login.ProxySecrets(auth.Proxy)
}

// told returns an error fit for callers: with a way out, and without secrets
// that a server may have quoted.
func (r *Remote) told(err error) error {
	if no := (*refusal.Error)(nil); errors.As(err, &no) {
		r.sent.Explain(no)
	}
	return r.secrets.Error(err)
}

func orDefaultTimeout(d time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return defaultTimeout
}

// String returns the URL without user and password.
func (r *Remote) String() string { return r.url.String() }

// Host returns the name of the server, "" for a local path.
func (r *Remote) Host() string { return r.url.Hostname() }

// uploadPack starts a session that reads.
func (r *Remote) uploadPack(ctx context.Context) (transport.UploadPackSession, error) {
	auth, err := r.login(ctx)
	if err != nil {
		return nil, err
	}
	endpoint := r.endpoint // a session may rewrite its endpoint after a redirect
	return r.transport.NewUploadPackSession(&endpoint, auth)
}

// receivePack starts a session that writes.
func (r *Remote) receivePack(ctx context.Context) (transport.ReceivePackSession, error) {
	auth, err := r.login(ctx)
	if err != nil {
		return nil, err
	}
	endpoint := r.endpoint
	return r.transport.NewReceivePackSession(&endpoint, auth)
}

// deadline bounds one operation on the network.
func (r *Remote) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("%w after %s (spec.timeout of the GitRepository)", ErrTimeout, r.timeout))
}
