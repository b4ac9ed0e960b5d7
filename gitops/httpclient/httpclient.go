// Package httpclient connects to Git servers over HTTP: it logs in, repeats
// requests after passing failures, and makes plain text of errors. It knows
// nothing of Git's protocol.
package httpclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/login"
)

// Options configure access to servers. Sleep and Random must be set.
type Options struct {
	// Environment offers credentials to a source without a secret, and proxies
	// to one without a proxy.
	Environment login.Environment

	Credential Credential   // of a source with an App; nil: such a source is an error
	Clouds     CloudLogins  // of a source with a Provider; nil: such a source is an error
	Dialer     login.Dialer // opens all connections

	// Sleep waits before a request is sent again, and Random returns a number from 0
	// to 1 by which such pauses differ.
	Sleep  func(context.Context, time.Duration) error
	Random func() float64
}

// Credential returns the login of a GitHub App for the repository of src, whose
// App is set. It is called concurrently.
type Credential func(ctx context.Context, src *fleet.GitSource) (user string, password pinsetter.Secret, err error)

// CloudLogins returns logins to Git services of clouds, and caches them. It is
// called concurrently.
type CloudLogins func(ctx context.Context, r login.CloudRequest, u *url.URL) (login.CloudLogin, error)

// Client is the way to one repository.
type Client struct {
	// Connections sends requests. An error's body is its text for people.
	Connections http.RoundTripper

	// Login returns the login of one conversation; nil: none.
	Login func(context.Context) (*Login, error)

	// Sent describes the login for people.
	Sent refusal.Sent
}

// Login is a token, else a user name and a password.
type Login struct {
	Token    pinsetter.Secret
	Username string
	Password pinsetter.Secret
}

// New returns the way to the repository of src at u. Speak puts Git's protocol
// on top of connections. Secrets is told of all credentials that are sent.
//
// The login of a cloud is added to each request. Other logins are for the
// caller to send.
func New(u *url.URL, src *fleet.GitSource, speak func(http.RoundTripper) http.RoundTripper, secrets *login.Scrubber, o Options) (*Client, error) {
	base, err := o.Environment.Transport(o.Dialer, src.Auth.TLS, src.Auth.Proxy)
	if err != nil {
		return nil, err
	}
	base.DisableCompression = true // packs are compressed
	c := &Client{Connections: speak(&patient{base, o.Sleep, o.Random}), Login: always(nil)}
	switch {
	case src.Provider != "":
		c.Connections, c.Sent, err = byCloud(u, src, o.Clouds, secrets, c.Connections)
	case src.App != nil:
		c.Sent = refusal.SentBySecret(src)
		c.Login, err = appLogin(u, src, o.Credential, secrets)
	default:
		var l *Login
		l, c.Sent, err = lasting(u, src, o.Environment, secrets)
		c.Login = always(l)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// always is for credentials that last.
func always(l *Login) func(context.Context) (*Login, error) {
	return func(context.Context) (*Login, error) { return l, nil }
}

// lasting returns the credentials for u: the secret's, else those in the URL,
// else those that the environment offers for its host. Nil: there are none.
func lasting(u *url.URL, src *fleet.GitSource, e login.Environment, secrets *login.Scrubber) (*Login, refusal.Sent, error) {
	auth := src.Auth
	switch {
	case !auth.Bearer.IsZero():
		secrets.Keep("login", auth.Bearer)
		return &Login{Token: auth.Bearer}, refusal.SentBySecret(src), nil
	case auth.Username != "" || !auth.Password.IsZero():
		return basic(auth.Username, auth.Password, secrets), refusal.SentBySecret(src), nil
	case auth.Set:
		return nil, refusal.Sent{Secret: refusal.SecretOf(auth)}, nil
	}
	if password, ok := u.User.Password(); ok {
		if u.Scheme != "https" && !login.Loopback(u.Hostname()) {
			return nil, refusal.Sent{}, errors.New("the URL holds a password, which plain http would show: use https, or a secretRef")
		}
		l := basic(u.User.Username(), pinsetter.NewSecret("password in the URL", password), secrets)
		return l, refusal.Sent{What: "the credentials in the URL"}, nil
	}
	offered, found, err := e.Git(u)
	if err != nil || !found {
		return nil, refusal.Sent{}, err
	}
	return basic(offered.Username, offered.Password, secrets), refusal.SentFromEnvironment(offered.Password), nil
}

// basic returns a login by user name and password, and tells secrets of them.
func basic(user string, password pinsetter.Secret, secrets *login.Scrubber) *Login {
	secrets.KeepLogin("login", user, password)
	return &Login{Username: user, Password: password}
}

// appLogin asks for the credentials of a GitHub App anew each time, since its
// tokens end after an hour.
func appLogin(u *url.URL, src *fleet.GitSource, ask Credential, secrets *login.Scrubber) (func(context.Context) (*Login, error), error) {
	switch {
	case ask == nil:
		return nil, errors.New("no way to log in as a GitHub App was given")
	case u.Scheme != "https" && !login.Loopback(u.Hostname()):
		return nil, errors.New("a GitHub App's token would be shown by plain http: use https")
	}
	return func(ctx context.Context) (*Login, error) {
		user, password, err := ask(ctx, src)
		if err != nil {
			return nil, fmt.Errorf("log in as GitHub App %d: %w", src.App.ID, err)
		}
		return basic(user, password, secrets), nil
	}, nil
}
