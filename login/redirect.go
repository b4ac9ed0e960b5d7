package login

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/pinsetter/pinsetter"
)

// ErrRedirect is in the chain of every error for a redirect that is not
// followed. Asking again does not help.
var ErrRedirect = errors.New("redirect not followed")

// maxRedirects bounds how often one request is sent on, as net/http does.
const maxRedirects = 10

// CheckRedirect is for an http.Client: it follows ten redirects.
func CheckRedirect(_ *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", len(via))
	}
	return nil
}

// Bound is the http.RoundTripper under a client whose requests are for one
// origin. What a request carries for it stays there, whatever the client does
// about redirects:
//
//   - a request that a redirect sends to another origin loses all headers but
//     the few that say what is asked for;
//   - one with a body, or of another method than GET and HEAD, is not sent there;
//   - none goes from https to http.
//
// What isn't sent is an error that wraps ErrRedirect.
type Bound struct {
	Inner  http.RoundTripper
	Origin pinsetter.Origin

	// Authorization is set as that header on the requests to the origin; "":
	// they are sent as they are.
	Authorization string
}

// harmless are the headers that say what is asked for, and nothing of who asks.
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

// refusal returns why the request is not sent to another origin, nil where it
// may be.
func (b Bound) refusal(request *http.Request, to pinsetter.Origin) error {
	switch {
	case b.Origin.Secure() && !to.Secure():
		return fmt.Errorf("%w: %s leads to %q, from https to plain http", ErrRedirect, b.Origin, to)
	case request.Method != http.MethodGet && request.Method != http.MethodHead, request.Body != nil && request.Body != http.NoBody:
		return fmt.Errorf("%w: %s leads to %q, and what a %s carries is for no other origin", ErrRedirect, b.Origin, to, request.Method)
	}
	return nil
}
