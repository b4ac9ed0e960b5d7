package registry

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// CloudLogins returns logins to registries of clouds. It remembers them. The
// error wraps login.ErrNoIdentity if this process has no identity there. It is
// called concurrently.
type CloudLogins func(context.Context, login.CloudRequest) (login.CloudLogin, error)

// logins finds the credential of a repository.
type logins struct {
	*place
	credential credential // the object's; zero: use the environment's
	provider   string     // that logs in; "": none
	wanted     pinsetter.TokenWanted
	proxy      *pinsetter.Proxy
	tls        pinsetter.TLS
}

// resolved returns the credential to send: the object's, else its cloud's if it
// names one, else the environment's, else the anonymous one.
func (l *logins) resolved(ctx context.Context) (credential, error) {
	switch {
	case l.credential.source != "":
		return l.credential, nil
	case l.provider != "":
		return l.cloudCredential(ctx, pinsetter.Secret{})
	case l.registry.options.Anonymous:
		return l.credential, nil
	}
	c, err := l.registry.environmentCredential(ctx, l.name)
	l.secrets.Keep("credential", c.secrets()...)
	return c, err
}

// cloudCredential returns the credential of the cloud. If the cloud gives this
// process no identity, it returns the environment's, and its source says so. If
// there is none either, that is an error: an anonymous request could make a
// private image look missing.
func (l *logins) cloudCredential(ctx context.Context, refused pinsetter.Secret) (credential, error) {
	if l.registry.options.Clouds == nil {
		return credential{}, fmt.Errorf("no way to log in with provider %s was given", l.provider)
	}
	found, err := l.registry.options.Clouds(ctx, login.CloudRequest{
		Provider: l.provider, Host: l.name.RegistryStr(), Token: l.wanted, Proxy: l.proxy, TLS: l.tls, Refused: refused,
	})
	if errors.Is(err, login.ErrNoIdentity) && !l.registry.options.Anonymous {
		return l.insteadOfCloud(ctx, err)
	}
	if err != nil {
		return credential{}, err
	}
	c := credential{source: found.Identity, cloud: &found}
	if found.Username == "" {
		c.config.RegistryToken = found.Password.Reveal()
	} else {
		c.config = authn.AuthConfig{Username: found.Username, Password: found.Password.Reveal()}
	}
	l.secrets.Keep("credential", c.secrets()...)
	l.loggedIn(c)
	return c, nil
}

// insteadOfCloud returns the environment's credential for a registry whose
// cloud gives no identity, as missing says.
func (l *logins) insteadOfCloud(ctx context.Context, missing error) (credential, error) {
	c, err := l.registry.environmentCredential(ctx, l.name)
	if err != nil {
		return c, err
	}
	if c.source == "" {
		return c, fmt.Errorf("%w; there is no credential helper or entry for %s in the Docker configuration either", missing, l.name.RegistryStr())
	}
	l.secrets.Keep("credential", c.secrets()...)
	l.loggedIn(c)
	c.source += ", since provider " + l.provider + " gives no identity here,"
	return c, nil
}

// loggedIn tells once for each host which credential is used.
func (l *logins) loggedIn(c credential) {
	r := l.registry
	if r.options.LoggedIn == nil {
		return
	}
	key := "logged in " + l.name.RegistryStr()
	r.mu.Lock()
	said := r.remembered[key].value == c.source
	r.remembered[key] = memory{value: c.source, until: r.options.Now().Add(pingMemory)}
	r.mu.Unlock()
	if !said {
		r.options.LoggedIn(l.name.RegistryStr(), l.provider, c.source)
	}
}

// checkCloud refuses to send a provider's login over plain HTTP, except to this
// machine.
func checkCloud(at endpoint, c credential) error {
	if c.cloud == nil || pinsetter.Origin(at.origin).Secure() {
		return nil
	}
	if u, err := url.Parse(at.origin); err == nil && login.Loopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("the login of %s is not sent to %s, where anybody on the way could read it: don't allow plain HTTP by insecure: true or --insecure-registry", c.source, at.origin)
}
