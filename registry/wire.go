package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/pause"
)

// mostPauses bounds how often one request obeys a Retry-After before it fails,
// so that a host that asks for one second again and again ends too.
const mostPauses = 20

// errPlain is the error for a request that would be sent without TLS.
var errPlain = errors.New("the request would go over plain HTTP; allow it with insecure: true, or with --plain-http and the host, if that is meant")

// wire is the http.RoundTripper under every request: pings, tokens, lists and
// their redirects. It keeps to the limits of each host, obeys Retry-After,
// retries passing failures, cancels slow answers, and refuses plain HTTP unless
// it is allowed, and addresses that the dialer refuses.
type wire struct {
	base    http.RoundTripper
	options *Options
	host    func(string) *host
	plain   bool          // http:// is allowed
	answer  time.Duration // bound on one answer
	bulk    bool          // answer bounds the time without a byte, and the caller tries again
}

// RoundTrip sends the request, again if that may help. It holds the host's slot
// until the response's body is closed.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" && !w.plain {
		return nil, errPlain
	}
	if err := w.options.Dialer.CheckHost(request.URL.Host); err != nil {
		return nil, err
	}
	ctx, h := request.Context(), w.host(request.URL.Host)
	retries, pauses := 0, 0
	for {
		response, err := w.once(h, request)
		wait, asked := w.wait(response, err, retries)
		switch {
		case wait < 0:
			return response, err
		case asked && pauses == mostPauses:
			return response, err
		case asked:
			pauses++
		case retries == w.options.Retries:
			return response, err
		default:
			retries++
		}
		now := w.options.Now()
		if busy(response) {
			h.hold(now.Add(min(wait, longestPause)), plainStatus(response))
		}
		if left, ok := remaining(ctx, now); ok && wait >= left {
			return response, err // its status or error says more than a timeout would
		}
		discard(response)
		if err := w.options.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// once sends the request one time, within the limits of its host, and adapts
// the limits to the answer. It cancels an answer that is too slow.
func (w *wire) once(h *host, request *http.Request) (*http.Response, error) {
	taken, err := h.enter(request.Context(), *w.options)
	if err != nil {
		return nil, err
	}
	ctx, pace := watch(request.Context(), h.name, w.answer, w.bulk)
	end := sync.OnceFunc(func() {
		pace.stop()
		taken.leave()
	})
	copied := request.Clone(ctx)
	copied.Header.Set("User-Agent", w.options.UserAgent)
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			end()
			return nil, err
		}
		_ = request.Body.Close() // that of the copy is read, each time anew
		copied.Body = body
	}
	if w.bulk && copied.Body != nil {
		copied.Body = &pacedBody{copied.Body, ctx, pace, func() {}}
	}
	response, err := w.base.RoundTrip(copied)
	if err != nil {
		err = pace.explain(ctx, err)
		end()
		return nil, err
	}
	w.tellRateLimit(response)
	if response.StatusCode == http.StatusTooManyRequests {
		taken.refused()
	} else {
		taken.answered()
	}
	response.Body = &pacedBody{response.Body, ctx, pace, end}
	return response, nil
}

// wait returns the pause before the next try, and whether the host asked for
// it. A negative pause means that the outcome is final.
func (w *wire) wait(response *http.Response, err error, retries int) (wait time.Duration, asked bool) {
	if w.bulk {
		return -1, false // an upload that broke off begins anew
	}
	if err != nil {
		if !pause.Passing(err) {
			return -1, false
		}
		return w.options.backoff(retries), false
	}
	if busy(response) {
		if d, ok := pause.RetryAfter(response.Header, w.options.Now()); ok {
			return max(d, w.options.backoff(0)), true
		}
		return w.options.backoff(retries), false
	}
	switch response.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return w.options.backoff(retries), false
	}
	return -1, false
}

// busy reports whether the host says that it is overloaded. All requests to it
// wait then.
func busy(response *http.Response) bool {
	return response != nil &&
		(response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable)
}

// plainStatus returns the status in the words of RFC 9110. All requests that
// wait for the host report it, and the host's own words may hold a secret of
// one of them.
func plainStatus(response *http.Response) string {
	return strings.TrimSpace(strconv.Itoa(response.StatusCode) + " " + http.StatusText(response.StatusCode))
}

// backoff returns the pause before a retry.
func (o Options) backoff(retries int) time.Duration { return pause.Backoff(retries, o.Random()) }

// unbroken calls ask again, with the pauses of a retry, if its answer breaks
// off while being read: by then the wire has finished with it.
func unbroken[T any](ctx context.Context, o Options, ask func() (T, error)) (T, error) {
	for retries := 0; ; retries++ {
		found, err := ask()
		if err == nil || retries == o.Retries || !errors.Is(err, io.ErrUnexpectedEOF) {
			return found, err
		}
		if err := o.Sleep(ctx, o.backoff(retries)); err != nil {
			return found, err
		}
	}
}

// discard closes a response that nobody reads. It first reads a little, so that
// the connection can be reused.
func discard(response *http.Response) {
	if response == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
}
