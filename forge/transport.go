package forge

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
)

const (
	defaultTimeout = time.Minute      // of a request, without its retries
	maxAnswer      = 16 << 20         // bytes: 100 pull requests with bodies of 64 KiB are 6.4 MB
	maxRedirects   = 5                // a repository that was renamed and transferred takes two
	maxTries       = 3                // of one request
	maxPause       = 30 * time.Second // longer ones are left to the caller
)

// transport sends the requests of a forge's SDK. It adds the credentials, only
// for its own origin. It follows redirects there, keeping method and body. It
// waits and retries if the forge asks for that, and bounds time and bytes. It
// returns an error for an answer that isn't a success: a *statusError, a
// *RateLimitError or errNotModified.
//
// Use it in an http.Client, and get its errors with errors.As.
type transport struct {
	base    http.RoundTripper
	origin  *url.URL // scheme and host
	timeout time.Duration
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error

	// authorize returns the Authorization header; nil: none is sent. Sent says for
	// people what that holds, such as "the token in Secret a/forge, key token".
	authorize func(context.Context) (string, error)
	sent      string

	// refused is called after a request whose credentials weren't accepted; it
	// may be nil.
	refused func(context.Context)

	pace *pace // of requests that write; nil: none

	remaining func(host string, remaining int) // Options.RateLimit

	secrets login.Scrubber // knows the secrets that are sent

	mu    sync.Mutex
	limit *RateLimitError // the last one; no request is sent before its end
}

type onceKey struct{}

// once makes the requests of a context be sent only one time and without a
// pause: the caller has just read the state that they depend on, and checks the
// result. Call ready first.
func once(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

// ready waits until a request may write.
func (t *transport) ready(ctx context.Context) error {
	if t.pace == nil {
		return nil
	}
	return t.pace.wait(ctx, t)
}

// pace keeps a least time between requests that write. Transports with the same
// credentials share one.
type pace struct {
	between time.Duration // the least time between two

	mu   sync.Mutex
	last time.Time
}

// bearing makes a transport send a token, behind a word for its kind.
func (t *transport) bearing(word string, token pinsetter.Secret) {
	t.authorize = func(context.Context) (string, error) { return word + " " + token.Reveal(), nil }
	t.sent = "the token" + from(token)
}

// from names where a secret is from, with a preposition.
func from(secret pinsetter.Secret) string {
	name := strings.Trim(secret.String(), "[]")
	if strings.HasPrefix(name, "Secret ") {
		return " in " + name
	}
	return " from " + name
}

// newTransport returns a transport for the API at origin.
func newTransport(where *fleet.Forge, origin *url.URL, o Options) (*transport, error) {
	base, err := connections(where, origin, o)
	if err != nil {
		return nil, err
	}
	timeout := where.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	t := &transport{base: base, origin: origin, timeout: timeout, now: o.Now, sleep: o.Sleep, remaining: o.RateLimit}
	t.secrets.Keep("proxies", append(o.Environment.ProxyPasswords(), login.ProxySecrets(where.Proxy)...)...)
	return t, nil
}

// client returns an http.Client that follows no redirects by itself.
func (t *transport) client() *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip sends a request, and again if that may help. Its answers and errors
// don't contain the credentials.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.roundTrip(r)
	return response, t.secrets.Error(err)
}

func (t *transport) roundTrip(r *http.Request) (*http.Response, error) {
	if limit := t.limited(); limit != nil {
		return nil, limit
	}
	only := r.Context().Value(onceKey{}) != nil
	if r.Method != http.MethodGet && !only {
		if err := t.ready(r.Context()); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		a, err := t.follow(r)
		if err != nil && try < maxTries && r.Method == http.MethodGet && dropped(err) {
			if err := t.sleep(r.Context(), time.Second<<(try-1)); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.StatusCode == http.StatusUnauthorized && t.refused != nil {
			t.refused(r.Context())
		}
		pause, again := a.pause(t.now(), try)
		again = again && !only
		switch {
		case a.limited() && (!again || pause > maxPause):
			return nil, t.limitedBy(&RateLimitError{Host: t.origin.Host, Until: t.now().Add(pause)})
		case again && pause <= maxPause:
			if err := t.sleep(r.Context(), pause); err != nil {
				return nil, err
			}
			continue
		}
		return a.result()
	}
}

// limitedBy remembers until when the forge wants no requests, since it counts
// every earlier request against the limit.
func (t *transport) limitedBy(limit *RateLimitError) *RateLimitError {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = limit
	return limit
}

// limited returns the limit in force, or nil.
func (t *transport) limited() *RateLimitError {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limit == nil || !t.now().Before(t.limit.Until) {
		return nil
	}
	return t.limit
}

// dropped reports whether a connection was lost midway.
func dropped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// wait waits until the next request may write.
func (p *pace) wait(ctx context.Context, t *transport) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.last.Add(p.between).Sub(t.now()); !p.last.IsZero() && wait > 0 {
		if err := t.sleep(ctx, wait); err != nil {
			return err
		}
	}
	p.last = t.now()
	return nil
}

// follow sends a request and follows redirects to the same origin, which forges
// send for a renamed repository. Unlike net/http it keeps the method, because
// the change has to be made there.
func (t *transport) follow(r *http.Request) (*answer, error) {
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
			return nil, fmt.Errorf("the forge redirects to %s, where the credentials don't belong: change the URL if the repository moved there", clean(next.Scheme+"://"+next.Host))
		}
		to = next
	}
	return nil, fmt.Errorf("%w: more than %d redirects", ErrNotFound, maxRedirects)
}

// send sends a request to an address once and reads the whole answer.
func (t *transport) send(r *http.Request, to *url.URL) (*answer, error) {
	if !pinsetter.SameOrigin(to, t.origin) {
		return nil, fmt.Errorf("ask %s: not the forge at %s", clean(to.Host), t.origin.Host)
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
	a := &answer{response, body, to, &t.secrets, t.sent}
	if left, said := a.allows(); said && t.remaining != nil {
		t.remaining(t.origin.Hostname(), left)
	}
	return a, nil
}

// prepare completes a copy of a request.
func (t *transport) prepare(request *http.Request, to *url.URL) (*http.Request, error) {
	request.URL, request.Host = to, ""
	request.Header.Set("User-Agent", "pinsetter")
	if etag, _ := request.Context().Value(etagKey{}).(string); etag != "" && request.Method == http.MethodGet {
		request.Header.Set("If-None-Match", etag)
	}
	if t.authorize != nil {
		header, err := t.authorize(request.Context())
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", header)
		_, secret, _ := strings.Cut(header, " ")
		t.secrets.Keep("token", pinsetter.NewSecret("token", secret))
	}
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
func (t *transport) explain(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("no answer within %v", t.timeout)
	}
	return err
}
