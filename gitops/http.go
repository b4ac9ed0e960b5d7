package gitops

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git/wire"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/login"
)

// overHTTP gives r go-git's transport over a client of its own, and the
// credentials for u. go-git drops credentials when a redirect leaves the origin,
// refuses one from https to http, and follows none but that of the first
// request.
func (r *Remote) overHTTP(u *url.URL, src *fleet.GitSource, o Options) error {
	base, err := httpBase(src.Auth, o)
	if err != nil {
		return err
	}
	connections := wire.Transport(&patient{base, o.Sleep, o.Random}, r.bounds.Bounds, capability.DefaultAgent(),
		r.cache.Abilities(fmt.Sprintf("%q %q", r.owner, r)))
	if src.Provider != "" {
		if connections, r.sent, err = byCloud(u, src, o, r.secrets, connections); err != nil {
			return err
		}
	}
	r.transport = githttp.NewClient(&http.Client{Transport: connections})
	if src.Provider != "" {
		return nil
	}
	if src.App != nil {
		r.sent = refusal.SentBySecret(src)
		r.login, err = appLogin(u, src, o.Credential, r.secrets)
		return err
	}
	method, sent, err := httpAuth(u, src, o.Environment, r.secrets)
	r.login, r.sent = always(method), sent
	return err
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
func httpAuth(u *url.URL, src *fleet.GitSource, e login.Environment, secrets *login.Scrubber) (transport.AuthMethod, refusal.Sent, error) {
	auth := src.Auth
	switch {
	case !auth.Bearer.IsZero():
		secrets.Keep("login", auth.Bearer)
		return &githttp.TokenAuth{Token: auth.Bearer.Reveal()}, refusal.SentBySecret(src), nil
	case auth.Username != "" || !auth.Password.IsZero():
		return basic(auth.Username, auth.Password, secrets), refusal.SentBySecret(src), nil
	case auth.Set:
		return nil, refusal.Sent{Secret: refusal.SecretOf(auth)}, nil
	}
	if password, ok := u.User.Password(); ok {
		if u.Scheme != "https" && !login.Loopback(u.Hostname()) {
			return nil, refusal.Sent{}, errors.New("the URL holds a password, which plain http would show: use https, or a secretRef")
		}
		method := basic(u.User.Username(), pinsetter.NewSecret("password in the URL", password), secrets)
		return method, refusal.Sent{What: "the credentials in the URL"}, nil
	}
	offered, found, err := e.Git(u)
	if err != nil || !found {
		return nil, refusal.Sent{}, err
	}
	return basic(offered.Username, offered.Password, secrets), refusal.SentFromEnvironment(offered.Password), nil
}

// basic returns a login by user name and password, which secrets is told of.
func basic(user string, password pinsetter.Secret, secrets *login.Scrubber) *githttp.BasicAuth {
	secrets.KeepLogin("login", user, password)
	return &githttp.BasicAuth{Username: user, Password: password.Reveal()}
}
