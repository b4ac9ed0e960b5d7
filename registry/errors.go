package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/taglist"
)

// Sentinels for callers of Tags, Digest and Content; check them with errors.Is.
var (
	ErrNotFound = errors.New("not found")     // 404: no such image, tag or digest
	ErrEmpty    = taglist.ErrEmpty            // the image exists and has no usable tag
	ErrDenied   = errors.New("access denied") // 401 or 403 with the available credentials
)

// reporter puts failures of a repository into words for people, with what would
// help.
type reporter struct {
	*place
	documents []pinsetter.Secret // the object's, that the credential is looked up in
	advice    string             // how to give a login
	timeout   time.Duration
	ofObject  bool // the timeout is an object's
}

// statusError returns the error for an unexpected response. It reads and closes
// the body.
func (r *reporter) statusError(response *http.Response, with attempt) error {
	from := ""
	if response.Request.Response != nil { // the answer to a redirect
		from = " from " + pinsetter.Display(response.Request.URL.Host) + ", where it redirects"
	}
	if response.StatusCode == http.StatusUnauthorized && r.isElsewhere(response.Request.URL) {
		discard(response)
		return pinsetter.Reword(fmt.Sprintf("%s%s; credentials don't go to another origin: name the image as it is called at %s",
			pinsetter.Display(response.Status), from, pinsetter.Display(origin(response.Request.URL))), ErrDenied)
	}
	return r.refusal(response, from, with)
}

// refusal returns the error for an answer that is no success, from the registry
// or from another server that from names. It says what the server said, what
// was sent, and what would help. It reads and closes the body.
func (r *reporter) refusal(response *http.Response, from string, with attempt) error {
	text, said := pinsetter.Display(response.Status)+from, r.said(response)
	if said != "" {
		text += ": " + said
	}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return pinsetter.Reword(text+unanswered(response)+"; "+r.tried(with), ErrDenied)
	case http.StatusForbidden:
		if said == "" || isDenial(said) || with.credential.cloud != nil {
			return pinsetter.Reword(text+"; "+r.tried(with), ErrDenied)
		}
		return pinsetter.Reword(text+" ("+with.words()+")", ErrDenied)
	case http.StatusNotFound:
		return pinsetter.Reword(text, ErrNotFound)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if asked := response.Header.Get("Retry-After"); asked != "" {
			text += fmt.Sprintf("; it asks to wait (Retry-After: %s), and the timeout is %s", pinsetter.Quote(asked), r.timeout)
		}
	}
	return errors.New(text)
}

// bulkError returns the error for a failed transfer of a blob. The wire doesn't
// retry these, so it marks what another try may mend: a failure of the
// registry, or an upload that it no longer knows.
func (r *reporter) bulkError(response *http.Response, with attempt) error {
	status, sending := response.StatusCode, response.Request.Method == http.MethodPut
	err := r.statusError(response, with)
	if status >= 500 || status == http.StatusTooManyRequests || sending && status == http.StatusNotFound {
		return pinsetter.Reword(err.Error(), io.ErrUnexpectedEOF)
	}
	return err
}

// said returns what a server says to people in an answer, else in its challenge
// (RFC 6750, section 3), without secrets and safe to display.
func (r *reporter) said(response *http.Response) string {
	defer discard(response)
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if said := login.Said(body); err == nil && said != "" && !repeats(said, response) {
		return pinsetter.Display(r.secrets.Text(said))
	}
	for _, c := range challengesOf(response) {
		if said := cmp.Or(c.parameters["error_description"], c.parameters["error"]); said != "" {
			return pinsetter.Display(r.secrets.Text(said))
		}
	}
	return ""
}

// repeats reports whether a text only repeats the answer's status, as the pages
// of proxies do.
func repeats(said string, response *http.Response) bool {
	return strings.EqualFold(said, response.Status) || strings.EqualFold(said, http.StatusText(response.StatusCode))
}

// isDenial reports whether the text of a 403 says only that access is denied,
// by the codes of the distribution specification.
func isDenial(said string) bool {
	return strings.HasPrefix(said, "DENIED") || strings.HasPrefix(said, "UNAUTHORIZED")
}

// words says what a request was sent with. It never shows the credential.
func (a attempt) words() string {
	switch {
	case a.credential.source == "":
		return "it was asked without credentials"
	case !a.sent:
		return "it was not sent the credentials of " + a.credential.source
	}
	return "it was sent the credentials of " + a.credential.source
}

// tried describes for people which credential was refused, and the way out.
func (r *reporter) tried(a attempt) string {
	without := withoutLogin(r.documents, r.name)
	switch c := a.credential; {
	case c.source == "" && without != "":
		return a.words() + ": " + without
	case c.source == "":
		return a.words() + ": if it is private, " + r.advice + ", or log in with docker login " + r.name.RegistryStr()
	case !a.sent:
		return a.words() + ": they are a token to exchange at a token server, and it asks for a user name and a password"
	case c.cloud != nil:
		return fmt.Sprintf("logged in as %s, which was refused: it needs %s", c.source, c.cloud.Needs)
	case without != "":
		return "the credentials of " + c.source + " were refused; " + without
	default:
		return "the credentials of " + c.source + " were refused"
	}
}

// unanswered names the logins that a server asks for, if none of them is known
// here.
func unanswered(response *http.Response) string {
	asked := challengesOf(response)
	if _, ok := answered(asked); ok || len(asked) == 0 {
		return ""
	}
	return fmt.Sprintf("; it asks for a login by %s, and known here are Bearer and Basic", schemes(asked))
}

// told prepares an error for callers: it names the deadline that ended the
// work, and removes secrets that the registry may have repeated.
func (r *reporter) told(err error) error { return r.secrets.Error(r.timeoutError(err)) }

// beginning returns the first 40 bytes of an answer, quoted.
func (r *reporter) beginning(body string) string {
	start := r.secrets.Text(body[:min(len(body), 4<<10)])
	return pinsetter.Quote(start[:min(len(start), 40)])
}

// timeoutError adds to an error whose deadline ended the work, and whether the
// registry had asked for a pause. Err says what was being done.
func (r *reporter) timeoutError(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	until, reason := r.registry.host(r.name.RegistryStr()).pause()
	if left := until.Sub(r.registry.options.Now()); left > 0 {
		err = fmt.Errorf("%w; it answered %s and asked not to be called for another %s", err, reason, round(left))
	}
	from := ""
	if r.ofObject {
		from = " (the object's timeout, else its interval)"
	}
	return fmt.Errorf("no complete answer within %s%s: %w", r.timeout, from, err)
}
