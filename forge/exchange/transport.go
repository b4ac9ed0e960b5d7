// Package exchange sends requests to the API of a forge and reads the answers. It
// keeps credentials at their origin, follows redirects there, waits for limits,
// bounds time and bytes, and turns a status into an error of one of a few kinds. It
// knows the address of a repository, and no pull request.
package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

const (
	defaultTimeout = time.Minute      // of a request, without its retries
	maxAnswer      = 16 << 20         // bytes: 100 pull requests with bodies of 64 KiB are 6.4 MB
	maxRedirects   = 5                // a repository that was renamed and transferred takes two
	maxTries       = 3                // of one request
	maxPause       = 30 * time.Second // longer ones are left to the caller
)

// Options are the settings of all exchanges of a program.
type Options struct {
	Environment login.Environment // offers proxies
	Dialer      login.Dialer      // opens all connections

	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Sleep waits between requests that a forge wants apart, and for the end of
	// its pauses; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// RateLimit is told how many requests a host still allows, if the host says
	// so. It is called concurrently; nil: nobody is told.
	RateLimit func(host string, remaining int)
}

// WithDefaults returns the options with a clock and a timer.
func (o Options) WithDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	return o
}

// Transport sends the requests of a forge's SDK. It adds the credentials, only
// for its own origin. It follows redirects there, keeping method and body. It
// waits and retries if the forge asks for that, and bounds time and bytes. It
// returns an error for an answer that isn't a success: a *StatusError, a
// *RateLimitError or ErrNotModified.
//
// Use its Client, and get its errors with errors.As. It is safe for concurrent
// use.
type Transport struct {
	base    http.RoundTripper
	origin  *url.URL // scheme and host
	login   Login
	pace    *Pace // of requests that write; nil: none
	timeout time.Duration
	options Options

	secrets login.Scrubber // knows the secrets that are sent

	mu    sync.Mutex
	limit *RateLimitError // the last one; no request is sent before its end
}

// Login is how requests log in.
type Login struct {
	// Authorize returns the value of the Authorization header.
	Authorize func(context.Context) (string, error)

	// Sent describes the login for people, such as "the token in Secret a/forge,
	// key token".
	Sent string

	// Refused is called after a request whose credentials weren't accepted; it
	// may be nil.
	Refused func(context.Context)
}

// Bearing returns the login that sends a token, behind a word for its kind.
func Bearing(word string, token pinsetter.Secret) Login {
	return Login{
		Authorize: func(context.Context) (string, error) { return word + " " + token.Reveal(), nil },
		Sent:      "the token" + From(token),
	}
}

// From names the place that a secret comes from, with a preposition.
func From(secret pinsetter.Secret) string {
	name := strings.Trim(secret.String(), "[]")
	if strings.HasPrefix(name, "Secret ") {
		return " in " + name
	}
	return " from " + name
}

// NewTransport returns a transport for the API at origin. Transports that share a
// pace write one after the other; nil: nothing is waited for.
func NewTransport(where *fleet.Forge, origin *url.URL, l Login, pace *Pace, o Options) (*Transport, error) {
	if err := o.Dialer.CheckHost(origin.Host); err != nil {
		return nil, err
	}
	base, err := o.Environment.Transport(o.Dialer, where.TLS, where.Proxy)
	if err != nil {
		return nil, err
	}
	timeout := where.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	t := &Transport{base: base, origin: origin, login: l, pace: pace, timeout: timeout, options: o.WithDefaults()}
	t.secrets.Keep("proxies", append(o.Environment.ProxyPasswords(), login.ProxySecrets(where.Proxy)...)...)
	return t, nil
}

// Client returns an http.Client that follows no redirects by itself.
func (t *Transport) Client() *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip sends a request, and again if that may help. Its answers and errors
// don't contain the credentials.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.roundTrip(r)
	return response, t.secrets.Error(err)
}

func (t *Transport) roundTrip(r *http.Request) (*http.Response, error) {
	if limit := t.limited(); limit != nil {
		return nil, limit
	}
	only := r.Context().Value(onceKey{}) != nil
	if r.Method != http.MethodGet && !only {
		if err := t.Ready(r.Context()); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		a, err := t.follow(r)
		if err != nil && try < maxTries && r.Method == http.MethodGet && dropped(err) {
			if err := t.options.Sleep(r.Context(), time.Second<<(try-1)); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.StatusCode == http.StatusUnauthorized && t.login.Refused != nil {
			t.login.Refused(r.Context())
		}
		pause, again := a.pause(t.options.Now(), try)
		again = again && !only
		switch {
		case a.limited() && (!again || pause > maxPause):
			return nil, t.limitedBy(&RateLimitError{Host: t.origin.Host, Until: t.options.Now().Add(pause)})
		case again && pause <= maxPause:
			if err := t.options.Sleep(r.Context(), pause); err != nil {
				return nil, err
			}
			continue
		}
		return a.result()
	}
}

// limitedBy remembers until when the forge wants no requests, since it counts
// every earlier request against the limit.
func (t *Transport) limitedBy(limit *RateLimitError) *RateLimitError {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = limit
	return limit
}

// limited returns the limit in force, or nil.
func (t *Transport) limited() *RateLimitError {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limit == nil || !t.options.Now().Before(t.limit.Until) {
		return nil
	}
	return t.limit
}

// dropped reports whether a connection was lost midway.
func dropped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// follow sends a request and follows redirects to the same origin, which forges
// send for a renamed repository. Unlike net/http it keeps the method, because
// the change has to be made there.
func (t *Transport) follow(r *http.Request) (*answer, error) {
	to := r.URL
	for range maxRedirects {
		a, err := t.send(r, to)
		if err != nil {
			return nil, err
		}
		next := a.redirect()
		if next == nil {
			return a, nil
		}
		if !pinsetter.SameOrigin(next, t.origin) {
			return nil, fmt.Errorf("the forge redirects to %s, where the credentials don't belong: change the URL if the repository moved there", Clean(next.Scheme+"://"+next.Host))
		}
		to = next
	}
	return nil, fmt.Errorf("%w: more than %d redirects", ErrNotFound, maxRedirects)
}

// send sends a request to an address once and reads the whole answer.
func (t *Transport) send(r *http.Request, to *url.URL) (*answer, error) {
	if !pinsetter.SameOrigin(to, t.origin) {
		return nil, fmt.Errorf("ask %s: not the forge at %s", Clean(to.Host), t.origin.Host)
	}
	ctx, cancel := context.WithTimeout(r.Context(), t.timeout)
	defer cancel()
	request, err := t.prepare(r.Clone(ctx), to)
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(request)
	if err != nil {
		return nil, t.explain(r.Context(), err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, t.explain(r.Context(), err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	body = t.secrets.Data(body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.Request = &http.Request{Method: r.Method, URL: to}
	a := &answer{response, body, to, &t.secrets, t.login.Sent}
	if left, said := a.allows(); said && t.options.RateLimit != nil {
		t.options.RateLimit(t.origin.Hostname(), left)
	}
	return a, nil
}

// prepare completes a copy of a request.
func (t *Transport) prepare(request *http.Request, to *url.URL) (*http.Request, error) {
	request.URL, request.Host = to, ""
	request.Header.Set("User-Agent", "pinsetter")
	if etag, _ := request.Context().Value(etagKey{}).(string); etag != "" && request.Method == http.MethodGet {
		request.Header.Set("If-None-Match", etag)
	}
	header, err := t.login.Authorize(request.Context())
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", header)
	_, secret, _ := strings.Cut(header, " ")
	t.secrets.Keep("token", pinsetter.NewSecret("token", secret))
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		request.Body = body
	}
	return request, nil
}

// explain names the deadline if it was ours.
func (t *Transport) explain(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("no answer within %v", t.timeout)
	}
	return err
}
