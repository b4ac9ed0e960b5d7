package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Sentinels for callers of Tags, Digest and Content; check them with errors.Is.
var (
	ErrNotFound = errors.New("not found")     // 404: no such image, tag or digest
	ErrEmpty    = errors.New("no tags")       // the image exists and has no usable tag
	ErrDenied   = errors.New("access denied") // 401 or 403 with the available credentials
)

// failure is an error that wraps a sentinel without repeating its text.
type failure struct {
	text string
	kind error
}

func (f failure) Error() string { return f.text }
func (f failure) Unwrap() error { return f.kind }

// statusError returns the error for an unexpected response. It reads and closes
// the body.
func (p *Repository) statusError(response *http.Response, c credential) error {
	text := shown(response.Status)
	if response.Request.Response != nil { // the answer to a redirect
		text += " from " + shown(response.Request.URL.Host) + ", where it redirects"
	}
	if away := origin(response.Request.URL); response.StatusCode == http.StatusUnauthorized && p.isElsewhere(response.Request.URL) {
		return failure{fmt.Sprintf("%s; credentials don't go to another origin: write spec.image with what it has at %s", text, shown(away)), ErrDenied}
	}
	if said := diagnosis(response); said != "" {
		text += ": " + said
	}
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return failure{text + "; " + p.tried(c), ErrDenied}
	case http.StatusNotFound:
		return failure{text, ErrNotFound}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if asked := response.Header.Get("Retry-After"); asked != "" {
			text += fmt.Sprintf("; it asks to wait (Retry-After: %s), and the timeout is %s", quoted(asked), p.timeout)
		}
	}
	return errors.New(text)
}

// isElsewhere reports whether a URL leads to another origin than the registry's.
func (p *Repository) isElsewhere(u *url.URL) bool {
	return origin(u) != origin(&url.URL{Scheme: u.Scheme, Host: p.name.RegistryStr()})
}

// tried says in words for people which credential was refused. It never shows
// the credential.
func (p *Repository) tried(c credential) string {
	if c.source == "" {
		return "it was asked without credentials: for a private image name a Secret of type kubernetes.io/dockerconfigjson in spec.secretRef, or log in with docker login " + p.name.RegistryStr()
	}
	return "the credentials of " + c.source + " were refused"
}

// tokenError returns the error for a token server that gave no token. It names
// the server, which may be on another host than the registry.
func (p *Repository) tokenError(err error, s session, c credential) error {
	server := fmt.Sprintf("token server %s of %s", quoted(s.challenge.Parameters["realm"]), p.name.RegistryStr())
	var status *transport.Error
	if !errors.As(err, &status) {
		return fmt.Errorf("%s: %w", server, noToken(err, p.name.RegistryStr()))
	}
	text := fmt.Sprintf("%d %s from the %s", status.StatusCode, http.StatusText(status.StatusCode), server)
	if said := diagnoses(status.Errors); said != "" {
		text += ": " + said
	}
	switch status.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return failure{text + "; " + p.tried(c), ErrDenied}
	}
	return errors.New(text)
}

// noToken returns the error for a token request that failed without a status.
// It doesn't quote the answer, which may hold a secret.
func noToken(err error, host string) error {
	var network *url.Error
	switch {
	case errors.As(err, &network):
		return explain(host, network.Err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, errSlow):
		return err
	case strings.Contains(err.Error(), "realm"): // go-containerregistry refuses it
		return errors.New(shown(err.Error()))
	}
	return errors.New("its answer holds no token")
}

// diagnosis returns the body's error message, "" if it isn't in the form of the
// distribution specification (section "Error codes").
func diagnosis(response *http.Response) string {
	defer discard(response)
	data, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return ""
	}
	var said transport.Error
	if json.Unmarshal(data, &said) != nil {
		return ""
	}
	return diagnoses(said.Errors)
}

func diagnoses(said []transport.Diagnostic) string {
	var shownOnes []string
	for _, d := range said[:min(len(said), 3)] {
		text := string(d.Code)
		if d.Message != "" {
			text += ": " + d.Message
		}
		shownOnes = append(shownOnes, shown(text))
	}
	return strings.Join(shownOnes, "; ")
}

// told prepares an error for callers: it names the deadline that ended the
// work, and removes secrets that the registry may have repeated.
func (p *Repository) told(err error) error { return p.secrets.Error(p.timeoutError(err)) }

// beginning returns the first 40 bytes of an answer, quoted.
func (p *Repository) beginning(body string) string {
	start := p.secrets.Text(body[:min(len(body), 4<<10)])
	return quoted(start[:min(len(start), 40)])
}

// timeoutError adds to an error whose deadline ended the work, and whether the
// registry had asked for a pause. Err says what was being done.
func (p *Repository) timeoutError(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	until, reason := p.registry.host(p.name.RegistryStr()).pause()
	if left := until.Sub(p.registry.options.Now()); left > 0 {
		err = fmt.Errorf("%w; it answered %s and asked not to be called for another %s", err, reason, round(left))
	}
	return fmt.Errorf("no complete answer within %s (spec.timeout, else spec.interval): %w", p.timeout, err)
}

// longestQuote bounds the quote of an answer in an error, in bytes.
const longestQuote = 200

// shown returns s for use in an error line: as it is if it is plain printable
// text, else quoted, and always cut to a bounded length.
func shown(s string) string {
	for _, c := range s {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return quoted(s)
		}
	}
	if len(s) > longestQuote {
		return s[:longestQuote] + "…"
	}
	return s
}

// quoted returns s in quotes, escaped for terminals and cut.
func quoted(s string) string {
	if len(s) > longestQuote {
		return strconv.Quote(s[:longestQuote]) + "…"
	}
	return strconv.Quote(s)
}
