package registry

import (
	"context"
	"errors"
	"fmt"
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

// session sends requests about a repository, logged in as its registry asks for
// it. Uploader, reader and tagSource work over it.
type session struct {
	*reporter
	logins *logins
	tokens *tokens

	// challenge is the key under which the challenges of this repository are
	// remembered: those of a registry's /v2/ may be others.
	challenge string
}

// wireFor returns the wire for a request.
func (s *session) wireFor(what call) *wire {
	if !what.bulk {
		return s.wire
	}
	bulk := *s.wire
	bulk.bulk, bulk.answer = true, bulkStall*s.wire.answer
	return &bulk
}

// send sends a request about the repository without a body. It returns a response
// of any status, whose body the caller closes.
func (s *session) send(ctx context.Context, method string, u func(origin string) string, accept string) (*http.Response, attempt, error) {
	return s.ask(ctx, call{method: method, url: u, header: http.Header{"Accept": {accept}}})
}

// ask sends any request. If the registry refuses the login of a cloud, it sends
// once more with a newer one, if there is one.
func (s *session) ask(ctx context.Context, what call) (*http.Response, attempt, error) {
	response, with, err := s.sendLoggedIn(ctx, what)
	c := with.credential
	if c.cloud == nil || !s.refused(response, err) {
		return response, with, err
	}
	newer, renewal := s.logins.cloudCredential(ctx, c.cloud.Password)
	if renewal == nil && newer.identity() == c.identity() {
		return response, with, err
	}
	discard(response)
	if renewal != nil {
		return nil, with, fmt.Errorf("the login of %s was refused, and can't be renewed: %w", c.source, renewal)
	}
	return s.sendLoggedIn(ctx, what)
}

// refused reports whether the registry or its token server refused the login.
func (s *session) refused(response *http.Response, err error) bool {
	if err != nil {
		return errors.Is(err, ErrDenied)
	}
	denied := response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
	return denied && !s.isElsewhere(response.Request.URL)
}

// sendLoggedIn sends a request about the repository. It returns a response of
// any status, whose body the caller closes. After a 401 it sends once more, if
// the 401 asks for something that wasn't sent or for a fresh token. It
// remembers what this repository asks for.
func (s *session) sendLoggedIn(ctx context.Context, what call) (*http.Response, attempt, error) {
	at, err := s.ping(ctx)
	if err != nil {
		return nil, attempt{}, err
	}
	c, err := s.logins.resolved(ctx)
	if err != nil {
		return nil, attempt{credential: c}, err
	}
	if err := checkCloud(at, c); err != nil {
		return nil, attempt{credential: c}, err
	}
	if known, ok := s.registry.remembers(s.challenge); ok {
		at.challenges, _ = known.value.([]challenge)
	}
	response, with, err := s.sendOnce(ctx, what, at, c)
	if err != nil || response.StatusCode != http.StatusUnauthorized || origin(response.Request.URL) != at.origin {
		return response, with, err
	}
	before := at.challenges
	at.challenges = challengesOf(response)
	asked, ok := answered(at.challenges)
	if !ok || c.config.RegistryToken != "" || asked.scheme == schemeBasic && (with.basic || !c.isLogin()) {
		return response, with, nil
	}
	discard(response)
	if refused, ok := answered(before); ok {
		s.registry.forget(s.tokens.key(at, refused, c))
	}
	s.registry.remember(s.challenge, memory{value: at.challenges, until: s.registry.options.Now().Add(pingMemory)})
	return s.sendOnce(ctx, what, at, c)
}

// authorization returns the Authorization header for requests about the
// repository, "" for none. Nobody is asked for a token unless the registry asks
// for one.
func (s *session) authorization(ctx context.Context, at endpoint, c credential) (string, attempt, error) {
	with := attempt{credential: c}
	asked, _ := answered(at.challenges)
	switch {
	case c.config.RegistryToken != "":
		with.sent = true
		return "Bearer " + c.config.RegistryToken, with, nil
	case asked.scheme == schemeBearer:
		token, err := s.tokens.token(ctx, at, asked, c)
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
func (s *session) sendOnce(ctx context.Context, what call, at endpoint, c credential) (*http.Response, attempt, error) {
	header, with, err := s.authorization(ctx, at, c)
	if err != nil {
		return nil, with, err
	}
	request, err := what.request(ctx, at.origin)
	if err != nil {
		return nil, with, err
	}
	client := http.Client{
		Transport:     login.Bound{Inner: s.wireFor(what), Origin: pinsetter.Origin(at.origin), Authorization: header},
		CheckRedirect: login.CheckRedirect,
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, with, explain(s.name.RegistryStr(), plainError(err))
	}
	return response, with, nil
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
