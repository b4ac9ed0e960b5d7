package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// attempt is what a request was sent with.
type attempt struct {
	credential credential
	sent       bool // the credential went along, as it is or exchanged for a token
	basic      bool // by HTTP Basic
}

// sendLoggedIn sends a request about the repository. It returns a response of
// any status, whose body the caller closes. After a 401 it sends once more, if
// the 401 asks for what wasn't sent or for a fresh token, and remembers what
// this repository asks for.
func (p *Repository) sendLoggedIn(ctx context.Context, method string, u func(origin string) string, accept string) (*http.Response, attempt, error) {
	s, err := p.session(ctx)
	if err != nil {
		return nil, attempt{}, err
	}
	c, err := p.resolved(ctx)
	if err != nil {
		return nil, attempt{credential: c}, err
	}
	if err := checkCloud(s, c); err != nil {
		return nil, attempt{credential: c}, err
	}
	if known, ok := p.registry.remembers(p.challengeKey()); ok {
		s.challenges, _ = known.value.([]challenge)
	}
	response, with, err := p.sendOnce(ctx, method, u(s.origin), accept, s, c)
	if err != nil || response.StatusCode != http.StatusUnauthorized || origin(response.Request.URL) != s.origin {
		return response, with, err
	}
	before := s.challenges
	s.challenges = challengesOf(response)
	asked, ok := answered(s.challenges)
	if !ok || c.config.RegistryToken != "" || asked.scheme == schemeBasic && (with.basic || !c.isLogin()) {
		return response, with, nil
	}
	discard(response)
	if refused, ok := answered(before); ok {
		p.registry.forget(p.tokenKey(s, refused, c))
	}
	p.registry.remember(p.challengeKey(), memory{value: s.challenges, until: p.registry.options.Now().Add(pingMemory)})
	return p.sendOnce(ctx, method, u(s.origin), accept, s, c)
}

// challengeKey is the key under which the challenges of this repository are
// remembered: those of a registry's /v2/ may be others.
func (p *Repository) challengeKey() string { return "challenge " + p.Key() }

// authorization returns the Authorization header for requests about the
// repository, "" for none. Nobody is asked for a token unless the registry asks
// for one.
func (p *Repository) authorization(ctx context.Context, s session, c credential) (string, attempt, error) {
	with := attempt{credential: c}
	asked, _ := answered(s.challenges)
	switch {
	case c.config.RegistryToken != "":
		with.sent = true
		return "Bearer " + c.config.RegistryToken, with, nil
	case asked.scheme == schemeBearer:
		token, err := p.token(ctx, s, asked, c)
		if err != nil {
			return "", with, err
		}
		with.sent = c.source != ""
		return "Bearer " + token, with, nil
	case c.isLogin():
		with.sent, with.basic = true, true
		return basic(c.config.Username, c.config.Password), with, nil
	}
	return "", with, nil
}

// sendOnce sends a request with the repository's Authorization.
func (p *Repository) sendOnce(ctx context.Context, method, u, accept string, s session, c credential) (*http.Response, attempt, error) {
	header, with, err := p.authorization(ctx, s, c)
	if err != nil {
		return nil, with, err
	}
	request, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		return nil, with, err
	}
	request.Header.Set("Accept", accept)
	client := http.Client{
		Transport:     login.Bound{Inner: p.wire, Origin: pinsetter.Origin(s.origin), Authorization: header},
		CheckRedirect: login.CheckRedirect,
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, with, explain(p.name.RegistryStr(), plainError(err))
	}
	return response, with, nil
}

// resolved returns the credential to send: the object's, else its cloud's if it
// names one, else the environment's, else the anonymous one.
func (p *Repository) resolved(ctx context.Context) (credential, error) {
	switch {
	case p.credential.source != "":
		return p.credential, nil
	case p.provider != "":
		return p.cloudCredential(ctx, pinsetter.Secret{})
	case p.registry.options.Anonymous:
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
