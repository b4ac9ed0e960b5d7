package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// tokenLife is the validity of a token if its server doesn't say
// (https://distribution.github.io/distribution/spec/auth/token/).
const tokenLife = time.Minute

// authorization returns the Authorization header for requests about the
// repository, "" for none.
func (p *Repository) authorization(ctx context.Context, s session, c credential) (string, error) {
	switch {
	case c.config.RegistryToken != "":
		return "Bearer " + c.config.RegistryToken, nil
	case strings.EqualFold(s.challenge.Scheme, "bearer"):
		token, err := p.token(ctx, s, c)
		if err != nil {
			return "", err
		}
		return "Bearer " + token, nil
	case c.config.Username != "" && c.config.Password != "":
		pair := c.config.Username + ":" + c.config.Password
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)), nil
	}
	return "", nil
}

// token exchanges the credential for a token to read the repository. It asks
// once for each scope and credential while the token is valid.
func (p *Repository) token(ctx context.Context, s session, c credential) (string, error) {
	r := p.registry
	token, err := once(ctx, r, p.tokenKey(s, c), "a token from "+quoted(s.challenge.Parameters["realm"]), func(ctx context.Context) (string, time.Time, error) {
		scopes := []string{p.name.Scope(transport.PullScope)}
		if asked := s.challenge.Parameters["scope"]; asked != "" && asked != scopes[0] {
			scopes = []string{asked, scopes[0]}
		}
		asked := r.options.Now()
		token, err := transport.Exchange(ctx, p.realmRegistry(s), c.authenticator(), p.toRealm(s), scopes, &s.challenge)
		if err != nil {
			return "", time.Time{}, p.tokenError(err, s, c)
		}
		life := tokenLife
		if token.ExpiresIn > 0 {
			life = time.Duration(token.ExpiresIn) * time.Second
		}
		// Keep a tenth for clock differences and the way there.
		return cmp.Or(token.AccessToken, token.Token), asked.Add(life - life/10), nil
	})
	p.secrets.Keep("token", pinsetter.NewSecret("token for "+p.name.RegistryStr(), token))
	return token, err
}

// toRealm returns the transport for token requests. The credential goes only to
// the token server that the registry names, wherever that redirects to.
func (p *Repository) toRealm(s session) http.RoundTripper {
	realm, err := url.Parse(s.challenge.Parameters["realm"])
	if err != nil {
		return p.wire // go-containerregistry refuses it
	}
	return login.Bound{Inner: p.wire, Origin: pinsetter.OriginOf(realm)}
}

func (p *Repository) tokenKey(s session, c credential) string {
	asked := s.challenge.Parameters
	return fmt.Sprintf("token %s %q %q %q %s %s %s", s.origin, asked["realm"], asked["service"], asked["scope"],
		p.name.RepositoryStr(), p.connection, c.identity())
}

// realmRegistry returns the registry that go-containerregistry should take as
// the token server's. It refuses token servers on private addresses unless they
// are the registry itself, because a public registry could point at them. A
// registry on a private address may have its token server on another one.
func (p *Repository) realmRegistry(s session) name.Registry {
	if !isPrivate(p.name.RegistryStr()) {
		return p.name.Registry
	}
	realm, err := url.Parse(s.challenge.Parameters["realm"])
	if err != nil {
		return p.name.Registry
	}
	registry, err := name.NewRegistry(realm.Host)
	if err != nil {
		return p.name.Registry
	}
	return registry
}

// isPrivate reports whether host, with or without port, is a literal private
// address.
func isPrivate(host string) bool {
	u := url.URL{Host: host}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return u.Hostname() == "localhost"
	}
	return addr.IsPrivate() || addr.IsLoopback()
}

// send sends a request about the repository. It returns a response of any
// status, whose body the caller closes. After a 401 to a token it sends once
// more with a fresh token for the scope that the 401 names.
func (p *Repository) send(ctx context.Context, method string, u func(origin string) string, accept string) (*http.Response, credential, error) {
	c := p.credential
	s, err := p.session(ctx)
	if err != nil {
		return nil, c, err
	}
	if c, err = p.resolved(ctx); err != nil {
		return nil, c, err
	}
	response, err := p.sendOnce(ctx, method, u(s.origin), accept, s, c)
	if err != nil || response.StatusCode != http.StatusUnauthorized || c.config.RegistryToken != "" {
		return response, c, err
	}
	challenge, ok := challengeOf(ctx, response)
	if !ok || origin(response.Request.URL) != s.origin {
		return response, c, nil
	}
	discard(response)
	p.registry.forget(p.tokenKey(s, c))
	s.challenge = challenge
	response, err = p.sendOnce(ctx, method, u(s.origin), accept, s, c)
	return response, c, err
}

// sendOnce sends a request with the repository's Authorization.
func (p *Repository) sendOnce(ctx context.Context, method, u, accept string, s session, c credential) (*http.Response, error) {
	header, err := p.authorization(ctx, s, c)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	client := http.Client{
		Transport:     login.Bound{Inner: p.wire, Origin: pinsetter.Origin(s.origin), Authorization: header},
		CheckRedirect: login.CheckRedirect,
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, explain(p.name.RegistryStr(), plainError(err))
	}
	return response, nil
}

// resolved returns the credential to send: the object's, else the
// environment's, else the anonymous one.
func (p *Repository) resolved(ctx context.Context) (credential, error) {
	if p.credential.source != "" || p.registry.options.Anonymous {
		return p.credential, nil
	}
	c, err := p.registry.environmentCredential(ctx, p.name)
	p.secrets.Keep("credential", c.secrets()...)
	return c, err
}

// plainError strips net/http's prefix, the method and the URL; callers name the
// object in better words.
func plainError(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
