package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pinsetter/pinsetter/login"
)

// The errors that a caller may tell apart. They are in the chain of what Tags
// and Digest return.
var (
	ErrNotFound = errors.New("not found")     // 404: no such image, or no such tag
	ErrEmpty    = errors.New("no tags")       // the image is there and has no tag that can be used
	ErrDenied   = errors.New("access denied") // 401 or 403 with the credentials at hand
)

// failure is an error whose text does not repeat the sentinel it stands for.
type failure struct {
	text string
	kind error
}

func (f failure) Error() string { return f.text }
func (f failure) Unwrap() error { return f.kind }

// statusError describes a response other than what was hoped for. It reads and
// closes the body.
func (p *Repository) statusError(response *http.Response, c credential) error {
	text := shown(response.Status)
	if origin := response.Request.URL; origin.Host != p.name.RegistryStr() {
		text += " from " + shown(origin.Host) + ", where it redirects"
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

// tried says whose credentials were refused, and never what they are.
func (p *Repository) tried(c credential) string {
	if c.source == "" {
		return "it was asked without credentials: for a private image name a Secret of type kubernetes.io/dockerconfigjson in spec.secretRef, or log in with docker login " + p.name.RegistryStr()
	}
	return "the credentials of " + c.source + " were refused"
}

// tokenError describes why the token server gave no token. The server is named:
// it may be on another host than the registry.
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

// noToken describes a failure to get a token that is not a status. An answer is
// not quoted: it may hold a secret.
func noToken(err error, host string) error {
	var network *url.Error
	switch {
	case errors.As(err, &network):
		return explain(host, network.Err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case strings.Contains(err.Error(), "realm"): // go-containerregistry refuses it
		return errors.New(shown(err.Error()))
	}
	return errors.New("its answer holds no token")
}

// diagnosis returns what the body says about the failure, "" for nothing in the
// form of the distribution specification (section "Error codes").
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

// explain adds to an error of the network what a stranger can do about it.
func explain(host string, err error) error {
	var unknown x509.UnknownAuthorityError
	var mismatch x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	if err == nil {
		return nil
	}
	err = printable(err)
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w; if %s has its certificate from an authority of your own, put that authority's certificate into a Secret as ca.crt and name the Secret in spec.certSecretRef", err, host)
	case errors.As(err, &mismatch):
		return fmt.Errorf("%w; spec.image must use a name that the certificate is for, or certSecretRef's ca.crt belongs to another registry", err)
	case errors.As(err, &invalid):
		return fmt.Errorf("%w; %s needs a new certificate, or ca.crt of spec.certSecretRef a newer authority", err, host)
	case refusedByAlert(err):
		return fmt.Errorf("%w; %s refused the TLS connection: if it asks for a client certificate, give tls.crt and tls.key in spec.certSecretRef", err, host)
	case err.Error() == http.StatusText(http.StatusProxyAuthRequired):
		return errProxy // what net/http says of a CONNECT that was answered 407
	case answersPlain(err):
		return fmt.Errorf("%s answers plain HTTP where https is asked for; set spec.insecure: true if that is meant", host)
	case errors.Is(err, login.ErrRefusedAddress), errors.Is(err, errPlain):
		return err
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("look up %s: no such host; is spec.image spelled right, and does DNS work here?", shown(dns.Name))
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s closed the connection without an answer: %w", host, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; nothing listens there, or a firewall refuses it", err)
	}
	return err
}

// errProxy says that a proxy wants to know who asks.
var errProxy = errors.New("407 Proxy Authentication Required: the proxy wants credentials, or other ones; give username and password in the Secret of spec.proxySecretRef")

// refusedByAlert reports whether the other side ended the TLS handshake.
func refusedByAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// answersPlain reports whether TLS failed because the other side doesn't speak
// it.
func answersPlain(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isCertificate reports whether err is about a certificate.
func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification) || refusedByAlert(err)
}

// timeoutError says whose deadline ended the work, and whether the registry had
// asked to be left alone. What was done when it ended is in err.
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

// printable returns err with a text that is safe for terminals: certificates
// are quoted in errors as they are.
func printable(err error) error {
	text := err.Error()
	if !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return err
	}
	return failure{shown(text), err}
}

// longestQuote bounds what an error shows of an answer, in bytes.
const longestQuote = 200

// shown returns s as it is where it is plain printable text, else quoted; in
// both cases cut to what a line has room for.
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
