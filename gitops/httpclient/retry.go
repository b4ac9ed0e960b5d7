package httpclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/pause"
)

const (
	// mostRetries bounds how often a request is repeated after a passing failure,
	// and mostPauses how often it obeys a Retry-After, as at registries.
	mostRetries = 4
	mostPauses  = 20

	// errorBytes bounds the bytes that are read of an error.
	errorBytes = 64 << 10
)

// patient is an http.RoundTripper that repeats a request if that may help:
// after a passing failure, and if the server asks to wait. It ends with the
// request's deadline. The body of an error is its text for people.
type patient struct {
	base   http.RoundTripper
	sleep  func(context.Context, time.Duration) error
	random func() float64
}

func (p *patient) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	for retries, pauses := 0, 0; ; {
		sent, err := again(request)
		if err != nil {
			return nil, err
		}
		response, err := p.base.RoundTrip(sent)
		wait, asked := p.wait(request, response, err, retries)
		if deadline, bound := ctx.Deadline(); wait < 0 || bound && wait >= time.Until(deadline) ||
			asked && pauses == mostPauses || !asked && retries == mostRetries {
			return worded(response), err
		}
		if asked {
			pauses++
		} else {
			retries++
		}
		drop(response)
		if err := p.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// again returns a copy of a request that can be sent, even if the request was
// sent before.
func again(request *http.Request) (*http.Request, error) {
	if request.GetBody == nil {
		return request, nil
	}
	sent := request.Clone(request.Context())
	body, err := request.GetBody()
	sent.Body = body
	return sent, err
}

// wait returns the pause before the next try, and whether the server asked for
// it. A negative pause means that the outcome is final. A push without an
// answer isn't repeated: it may have succeeded.
func (p *patient) wait(request *http.Request, response *http.Response, err error, retries int) (wait time.Duration, asked bool) {
	pushes := strings.HasSuffix(request.URL.Path, "/git-receive-pack")
	again := request.Body == nil || request.GetBody != nil
	switch {
	case !again:
		return -1, false
	case err != nil && pause.Passing(err) && (!pushes || undialed(err)):
		return pause.Backoff(retries, p.random()), false
	case err != nil:
		return -1, false
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if d, said := pause.RetryAfter(response.Header, time.Now()); said {
			return max(d, pause.Backoff(0, p.random())), true
		}
		return pause.Backoff(retries, p.random()), false
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		if !pushes {
			return pause.Backoff(retries, p.random()), false
		}
	}
	return -1, false
}

// undialed reports whether an error came before anything was sent.
func undialed(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// worded returns a response. If it is an error, its body is the text for
// people.
func worded(response *http.Response) *http.Response {
	if response == nil || response.StatusCode < http.StatusBadRequest {
		return response
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, errorBytes))
	drop(response)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader([]byte(login.Said(text)))), -1
	return response
}

// drop closes a response that nobody reads. It first reads a little, so that the
// connection can be used again.
func drop(response *http.Response) {
	if response != nil {
		_, _ = io.CopyN(io.Discard, response.Body, errorBytes)
		_ = response.Body.Close()
	}
}
