package login

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/pinsetter/pinsetter"
)

// ErrRedirect is in the chain of every error for a redirect that is not
// followed. Retrying doesn't help.
var ErrRedirect = errors.New("redirect not followed")

// maxRedirects bounds the redirects of one request; it is net/http's bound.
const maxRedirects = 10

// CheckRedirect is for an http.Client. It allows ten redirects.
func CheckRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", len(via))
	}
	return nil
}

// Bound is an http.RoundTripper for requests to one origin. It keeps their
// secrets there, however the client follows redirects:
//
//   - a request that is redirected to another origin loses all headers except
//     the few that describe what is asked for;
//   - a request with a body, or with a method other than GET and HEAD, is not
//     sent to another origin;
//   - no request goes from https to http.
//
// A request that isn't sent is an error that wraps ErrRedirect.
type Bound struct {
	Inner  http.RoundTripper
	Origin pinsetter.Origin

	// Authorization is the value of that header for requests to the origin; "":
	// they are sent unchanged.
	Authorization string
}

// harmless are the headers that describe the request and don't identify the
// client.
var harmless = []string{"Accept", "Accept-Encoding", "Range", "User-Agent"}

// RoundTrip sends the request, or refuses to.
func (b Bound) RoundTrip(request *http.Request) (*http.Response, error) {
	to := pinsetter.OriginOf(request.URL)
	home := b.Origin.Lends(to)
	if err := b.refusal(request, to); !home && err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	if home && b.Authorization == "" {
		return b.Inner.RoundTrip(request)
	}
	copied := request.Clone(request.Context())
	if home {
		copied.Header.Set("Authorization", b.Authorization)
		return b.Inner.RoundTrip(copied)
	}
	copied.Header = http.Header{}
	for _, name := range harmless {
		if values := request.Header.Values(name); len(values) > 0 {
			copied.Header[name] = values
		}
	}
	return b.Inner.RoundTrip(copied)
}

// refusal returns why the request may not go to another origin, or nil.
func (b Bound) refusal(request *http.Request, to pinsetter.Origin) error {
	switch {
	case b.Origin.Secure() && !to.Secure():
		return fmt.Errorf("%w: %s leads to %q, from https to plain http", ErrRedirect, b.Origin, to)
	case request.Method != http.MethodGet && request.Method != http.MethodHead, request.Body != nil && request.Body != http.NoBody:
		return fmt.Errorf("%w: %s leads to %q, and what a %s carries is for no other origin", ErrRedirect, b.Origin, to, request.Method)
	}
	return nil
}
