package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// CloudLogins returns logins to registries of clouds. It remembers them. The
// error wraps login.ErrNoIdentity if this process has no identity there. It is
// called concurrently.
type CloudLogins func(context.Context, login.CloudRequest) (login.CloudLogin, error)

// cloudCredential returns the credential of the cloud. If the cloud gives this
// process no identity, it returns the environment's, whose source then says so;
// without that either it is an error: an anonymous request could make a private
// image look missing.
func (p *Repository) cloudCredential(ctx context.Context, refused pinsetter.Secret) (credential, error) {
	if p.registry.options.Clouds == nil {
		return credential{}, fmt.Errorf("no way to log in with provider %s was given", p.provider)
	}
	found, err := p.registry.options.Clouds(ctx, login.CloudRequest{
		Provider: p.provider, Host: p.name.RegistryStr(), Token: p.wanted, Proxy: p.proxy, TLS: p.tls, Refused: refused,
	})
	if errors.Is(err, login.ErrNoIdentity) && !p.registry.options.Anonymous {
		return p.insteadOfCloud(ctx, err)
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
	p.secrets.Keep("credential", c.secrets()...)
	p.loggedIn(c)
	return c, nil
}

// insteadOfCloud returns the environment's credential for a registry whose
// cloud gives no identity, as missing says.
func (p *Repository) insteadOfCloud(ctx context.Context, missing error) (credential, error) {
	c, err := p.registry.environmentCredential(ctx, p.name)
	if err != nil {
		return c, err
	}
	if c.source == "" {
		return c, fmt.Errorf("%w; there is no credential helper or entry for %s in the Docker configuration either", missing, p.name.RegistryStr())
	}
	p.secrets.Keep("credential", c.secrets()...)
	p.loggedIn(c)
	c.source += ", since provider " + p.provider + " gives no identity here,"
	return c, nil
}

// loggedIn tells once for each host which credential is used.
func (p *Repository) loggedIn(c credential) {
	r := p.registry
	if r.options.LoggedIn == nil {
		return
	}
	key := "logged in " + p.name.RegistryStr()
	r.mu.Lock()
	said := r.remembered[key].value == c.source
	r.remembered[key] = memory{value: c.source, until: r.options.Now().Add(pingMemory)}
	r.mu.Unlock()
	if !said {
		r.options.LoggedIn(p.name.RegistryStr(), p.provider, c.source)
	}
}

// send sends a request about the repository without a body. It returns a response
// of any status, whose body the caller closes.
func (p *Repository) send(ctx context.Context, method string, u func(origin string) string, accept string) (*http.Response, attempt, error) {
	return p.ask(ctx, call{method: method, url: u, header: http.Header{"Accept": {accept}}})
}

// ask is send for any request. If the registry refuses the login of a cloud, it
// sends once more with a newer one, if there is one.
func (p *Repository) ask(ctx context.Context, what call) (*http.Response, attempt, error) {
	response, with, err := p.sendLoggedIn(ctx, what)
	c := with.credential
	if c.cloud == nil || !p.refused(response, err) {
		return response, with, err
	}
	newer, renewal := p.cloudCredential(ctx, c.cloud.Password)
	if renewal == nil && newer.identity() == c.identity() {
		return response, with, err
	}
	discard(response)
	if renewal != nil {
		return nil, with, fmt.Errorf("the login of %s was refused, and can't be renewed: %w", c.source, renewal)
	}
	return p.sendLoggedIn(ctx, what)
}

// refused reports whether the registry or its token server refused the login.
func (p *Repository) refused(response *http.Response, err error) bool {
	if err != nil {
		return errors.Is(err, ErrDenied)
	}
	denied := response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
	return denied && !p.isElsewhere(response.Request.URL)
}

// checkCloud refuses to send the login of a provider in the clear, but to this
// machine.
func checkCloud(s session, c credential) error {
	if c.cloud == nil || pinsetter.Origin(s.origin).Secure() {
		return nil
	}
	if u, err := url.Parse(s.origin); err == nil && login.Loopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("the login of %s is not sent to %s, where anybody on the way could read it: don't allow plain HTTP by insecure: true or --insecure-registry", c.source, s.origin)
}
