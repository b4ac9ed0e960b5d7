package gitops

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/login"
)

// httpTransport returns go-git's transport over a client of its own, and the
// credentials for u. go-git drops credentials when a redirect leaves the origin,
// refuses one from https to http, and follows none but that of the first
// request.
func httpTransport(u *url.URL, src *fleet.GitSource, o Options, bounds Bounds, secrets *login.Scrubber) (transport.Transport, loginFunc, error) {
	base, err := httpBase(src.Auth, o)
	if err != nil {
		return nil, nil, err
	}
	login, err := httpLogin(u, src, o, secrets)
	if err != nil {
		return nil, nil, err
	}
	client := &http.Client{Transport: git.Transport(base, bounds.Bounds, capability.DefaultAgent())}
	return githttp.NewClient(client), login, nil
}

// httpLogin returns how to log in to u: as the App where there is one.
func httpLogin(u *url.URL, src *fleet.GitSource, o Options, secrets *login.Scrubber) (loginFunc, error) {
	if src.App != nil {
		return appLogin(u, src, o.Credential, secrets)
	}
	method, err := httpAuth(u, src.Auth, o.Environment, secrets)
	return always(method), err
}

// httpBase returns the connections to one source.
func httpBase(auth fleet.GitAuth, o Options) (*http.Transport, error) {
	base, err := o.Environment.Transport(o.Dialer, auth.TLS, auth.Proxy)
	if err != nil {
		return nil, err
	}
	base.DisableCompression = true // packs are compressed
	return base, nil
}

// httpAuth returns the credentials for u: the secret's; else those in the URL;
// else what the environment offers for its host. Nil: none.
func httpAuth(u *url.URL, auth fleet.GitAuth, e login.Environment, secrets *login.Scrubber) (transport.AuthMethod, error) {
	switch {
	case !auth.Bearer.IsZero():
		secrets.Keep("login", auth.Bearer)
		return &githttp.TokenAuth{Token: auth.Bearer.Reveal()}, nil
	case auth.Username != "" || !auth.Password.IsZero():
		return basic(auth.Username, auth.Password, secrets), nil
	case auth.Set:
		return nil, nil
	}
	if password, ok := u.User.Password(); ok {
		if u.Scheme != "https" && !login.Loopback(u.Hostname()) {
			return nil, errors.New("the URL holds a password, which plain http would show: use https, or a secretRef")
		}
		return basic(u.User.Username(), pinsetter.NewSecret("password in the URL", password), secrets), nil
	}
	offered, found, err := e.Git(u)
	if err != nil || !found {
		return nil, err
	}
	return basic(offered.Username, offered.Password, secrets), nil
}

// basic returns a login by user name and password, which secrets is told of.
func basic(user string, password pinsetter.Secret, secrets *login.Scrubber) *githttp.BasicAuth {
	secrets.KeepLogin("login", user, password)
	return &githttp.BasicAuth{Username: user, Password: password.Reveal()}
}
