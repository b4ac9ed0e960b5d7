package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// pingMemory is how long a registry's answer to a ping is reused. If its
// authentication changes earlier, a 401 shows it.
const pingMemory = time.Hour

// endpoint is how to talk to a registry, by its answer to GET /v2/.
type endpoint struct {
	origin     string      // "https://host:port"
	challenges []challenge // nil: it asked for no login
}

// ping returns the endpoint of the registry. It asks once for all repositories
// that reach the registry in the same way.
func (p *place) ping(ctx context.Context) (endpoint, error) {
	r, host := p.registry, p.name.RegistryStr()
	key := fmt.Sprint("ping ", host, " ", p.wire.plain, " ", p.connection)
	return once(ctx, r, key, "the first answer of "+host, func(ctx context.Context) (endpoint, time.Time, error) {
		seen := &outcomes{inner: p.wire, host: host, failed: map[string]error{}, asked: map[string][]challenge{}}
		answer, err := transport.Ping(ctx, p.name.Registry, seen)
		if err != nil {
			return endpoint{}, time.Time{}, seen.explain(host, err)
		}
		scheme := "https"
		if answer.Insecure {
			scheme = "http"
		}
		at := endpoint{origin: origin(&url.URL{Scheme: scheme, Host: host}), challenges: seen.challenges(scheme)}
		return at, r.options.Now().Add(pingMemory), nil
	})
}

// origin returns the scheme, host and port of a URL, always with a port.
func origin(u *url.URL) string { return string(pinsetter.OriginOf(u)) }

// outcomes records how the requests of a ping failed and which logins were
// asked for, by scheme. If both https and http are possible, Ping's error joins
// both and doesn't say which one matters; of several challenges it returns one.
// Outcomes also drops challenges that aren't the host's own.
type outcomes struct {
	inner  http.RoundTripper
	host   string
	mu     sync.Mutex
	failed map[string]error
	asked  map[string][]challenge
}

func (o *outcomes) challenges(scheme string) []challenge {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[scheme]
}

func (o *outcomes) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := o.inner.RoundTrip(request)
	failure := err
	if err == nil {
		failure = pingFailure(request.URL, response)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed[request.URL.Scheme] = failure
	if failure == nil && origin(request.URL) != origin(&url.URL{Scheme: request.URL.Scheme, Host: o.host}) {
		return unchallenged(response), nil
	}
	if failure == nil && response.StatusCode == http.StatusUnauthorized {
		o.asked[request.URL.Scheme] = challengesOf(response)
	}
	return response, err
}

// unchallenged strips the challenge from an answer of another origin that the
// registry redirected to. Only the registry itself may say who gets its
// credential; it does so with a 401 to a request that needs one.
func unchallenged(response *http.Response) *http.Response {
	first := response.Request
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	discard(response)
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: response.Proto, ProtoMajor: response.ProtoMajor, ProtoMinor: response.ProtoMinor,
		Header: http.Header{}, Body: http.NoBody, Request: first,
	}
}

// pingFailure returns an error for an unusable answer to a ping, else nil.
func pingFailure(u *url.URL, response *http.Response) error {
	switch status := response.StatusCode; {
	case status == http.StatusOK, status == http.StatusUnauthorized:
		return nil
	case status == http.StatusProxyAuthRequired:
		return errProxy
	}
	text := fmt.Sprintf("%s://%s/v2/ answers %s", u.Scheme, pinsetter.Display(u.Host), pinsetter.Display(response.Status))
	said := peek(response)
	if said != "" {
		text += ": " + pinsetter.Display(said)
	}
	asked := response.Header.Get("Retry-After")
	switch status := response.StatusCode; {
	case busy(response) && asked != "":
		return fmt.Errorf("%s; it asks to wait (Retry-After: %s)", text, pinsetter.Quote(asked))
	case status < 500 && (said == "" || status == http.StatusNotFound || status < 400):
		text += "; is it a registry?"
	}
	return errors.New(text)
}

// peek returns what an answer says to people. The body can still be read.
func peek(response *http.Response) string {
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	response.Body = unread{io.MultiReader(bytes.NewReader(body), response.Body), response.Body}
	if said := login.Said(body); err == nil && !repeats(said, response) {
		return said
	}
	return ""
}

// unread is a body of which a part was read and put back.
type unread struct {
	io.Reader
	io.Closer
}

// explain returns the error that best explains why the ping failed.
func (o *outcomes) explain(host string, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	secure, plain := o.failed["https"], o.failed["http"]
	switch {
	case secure == nil && plain == nil:
		return explain(host, plainError(err))
	case plain == nil, errors.Is(plain, errPlain):
		return explain(host, secure)
	case secure == nil, answersPlain(secure):
		return explain(host, plain)
	case isCertificate(secure), errors.Is(plain, context.Canceled):
		return explain(host, secure)
	}
	secure, plain = explain(host, secure), explain(host, plain)
	if secure.Error() == plain.Error() {
		return secure
	}
	return fmt.Errorf("%w; and over plain HTTP: %w", secure, plain)
}
