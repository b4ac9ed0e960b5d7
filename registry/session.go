package registry

import (
	"context"
	"errors"
	"io"
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

// call is a request about a repository.
type call struct {
	method string
	url    func(origin string) string
	header http.Header

	// bulk says that a blob goes along or comes back, which may take long.
	bulk bool

	// body opens what goes along, once for each time that it is sent; nil: nothing.
	body func() (io.ReadCloser, error)
	size int64 // of body
}

// request returns the request to a registry with an origin.
func (c call) request(ctx context.Context, origin string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, c.url(origin), nil)
	if err != nil {
		return nil, err
	}
	request.Header = c.header.Clone()
	if c.body == nil {
		return request, nil
	}
	request.ContentLength, request.GetBody = c.size, c.body
	request.Body, err = c.body()
	return request, err
}

// wireFor returns the wire that a request goes over.
func (p *Repository) wireFor(what call) *wire {
	if !what.bulk {
		return p.wire
	}
	bulk := *p.wire
	bulk.bulk, bulk.answer = true, bulkStall*p.wire.answer
	return &bulk
}

// sendLoggedIn sends a request about the repository. It returns a response of
// any status, whose body the caller closes. After a 401 it sends once more, if
// the 401 asks for what wasn't sent or for a fresh token, and remembers what
// this repository asks for.
func (p *Repository) sendLoggedIn(ctx context.Context, what call) (*http.Response, attempt, error) {
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
	response, with, err := p.sendOnce(ctx, what, s, c)
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
	return p.sendOnce(ctx, what, s, c)
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
func (p *Repository) sendOnce(ctx context.Context, what call, s session, c credential) (*http.Response, attempt, error) {
	header, with, err := p.authorization(ctx, s, c)
	if err != nil {
		return nil, with, err
	}
	request, err := what.request(ctx, s.origin)
	if err != nil {
		return nil, with, err
	}
	client := http.Client{
		Transport:     login.Bound{Inner: p.wireFor(what), Origin: pinsetter.Origin(s.origin), Authorization: header},
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
