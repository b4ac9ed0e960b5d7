package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// explain adds advice to a network error that a user can act on.
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
		return fmt.Errorf("%w; if %s has its certificate from an authority of your own, put that authority's certificate into a Secret as ca.crt and name the Secret in certSecretRef, or its file in SSL_CERT_FILE", err, host)
	case errors.As(err, &mismatch):
		return fmt.Errorf("%w; name the registry by a name that the certificate is for, or certSecretRef's ca.crt belongs to another registry", err)
	case errors.As(err, &invalid):
		return fmt.Errorf("%w; %s needs a new certificate, or ca.crt of certSecretRef a newer authority", err, host)
	case refusedByAlert(err):
		return fmt.Errorf("%w; %s refused the TLS connection: if it asks for a client certificate, give tls.crt and tls.key in the Secret of certSecretRef", err, host)
	case err.Error() == http.StatusText(http.StatusProxyAuthRequired):
		return errProxy // net/http's error for a CONNECT that was answered 407
	case answersPlain(err):
		return fmt.Errorf("%s answers plain HTTP where https is asked for; allow it with insecure: true, or with --plain-http and the host, if that is meant", host)
	case errors.Is(err, login.ErrRefusedAddress), errors.Is(err, errPlain):
		return err
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("look up %s: no such host; is the name spelled right, and does DNS work here?", pinsetter.Display(dns.Name))
	case endedEarly(err):
		return fmt.Errorf("%s ended the connection without an answer: %w; if it asks for a client certificate, give tls.crt and tls.key in the Secret of certSecretRef", host, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; nothing listens there, or a firewall refuses it", err)
	}
	return err
}

// errProxy says that a proxy wants credentials.
var errProxy = errors.New("407 Proxy Authentication Required: the proxy wants credentials, or other ones; give username and password in the Secret of proxySecretRef, or in HTTPS_PROXY")

// refusedByAlert reports whether the other side ended the TLS handshake.
func refusedByAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// endedEarly reports whether the other side hung up. In TLS 1.3 a client
// without the right certificate gets the alert only with its first write or
// read, and the alert may get lost when the connection closes (RFC 8446,
// section 4.4.2.4).
func endedEarly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "client conn could not be established") // golang.org/x/net/http2, which exports no such error
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

// printable returns err with a text that is safe for terminals: Go's errors
// quote certificates unescaped.
func printable(err error) error {
	text := err.Error()
	if !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return err
	}
	return pinsetter.Reword(pinsetter.Display(text), err)
}
