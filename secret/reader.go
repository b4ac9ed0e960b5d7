package secret

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Reader reads what an object needs of a Secret. What the Secret lacks, or has
// wrong, is reported.
type Reader struct {
	Content *Content
	Report  func(text string) // of the object's field that names the Secret
}

// fail reports what the Secret has or lacks.
func (r *Reader) fail(format string, args ...any) {
	r.Report(fmt.Sprintf("Secret %s (%s) %s", r.Content.Name, r.Content.Where, fmt.Sprintf(format, args...)))
}

// value returns what a key holds; "" where there is none, or after reporting that
// it can't be decoded.
func (r *Reader) value(key string) string {
	value, err := r.Content.value(key)
	if err != nil {
		r.fail("%v", err)
	}
	return value
}

// has reports whether the key holds something.
func (r *Reader) has(key string) bool { return r.value(key) != "" }

// Need is has that reports an empty key, and why it is needed.
func (r *Reader) Need(key, why string) bool {
	if !r.has(key) {
		r.fail("has no key %s: %s", key, why)
		return false
	}
	return true
}

// bytes returns what a key holds, nil for nothing.
func (r *Reader) bytes(key string) []byte {
	if value := r.value(key); value != "" {
		return []byte(value)
	}
	return nil
}

// Secret returns what a key holds, to be shown as its name alone.
func (r *Reader) Secret(key string) pinsetter.Secret { return r.named(key, r.value(key)) }

// Line is Secret without the line break that files and echo leave at the end.
func (r *Reader) Line(key string) pinsetter.Secret { return r.named(key, r.PlainLine(key)) }

// PlainLine is Line for what may be shown.
func (r *Reader) PlainLine(key string) string { return strings.TrimRight(r.value(key), "\r\n") }

// named returns a value that is shown as the key's name alone.
func (r *Reader) named(key, value string) pinsetter.Secret {
	if value == "" {
		return pinsetter.Secret{}
	}
	return pinsetter.NewSecret(fmt.Sprintf("Secret %s, key %s", r.Content.Name, key), value)
}

// TLS returns the certificates that the Secret holds. The standard keys win over
// the legacy ones.
func (r *Reader) TLS() pinsetter.TLS {
	caKey, certKey, keyKey := r.first("ca.crt", "caFile"), r.first("tls.crt", "certFile"), r.first("tls.key", "keyFile")
	t := pinsetter.TLS{CA: r.bytes(caKey), Cert: r.bytes(certKey), Key: r.Secret(keyKey)}
	if t.CA != nil && !x509.NewCertPool().AppendCertsFromPEM(t.CA) {
		r.fail("has no PEM certificate under %s", caKey)
	}
	switch {
	case t.Cert == nil && t.Key.IsZero():
	case t.Key.IsZero():
		r.fail("has %s, and no %s: give both or none", certKey, keyKey)
	case t.Cert == nil:
		r.fail("has %s, and no %s: give both or none", keyKey, certKey)
	default:
		if _, err := tls.X509KeyPair(t.Cert, []byte(t.Key.Reveal())); err != nil {
			r.fail("has %s and %s that are no pair in PEM", certKey, keyKey)
		}
	}
	return t
}

// first returns the first of two keys that holds something, else the first.
func (r *Reader) first(standard, legacy string) string {
	if !r.has(standard) && r.has(legacy) {
		return legacy
	}
	return standard
}

// Certificates returns what a certSecretRef leads to.
func (r *Reader) Certificates() pinsetter.TLS {
	t := r.TLS()
	if t.CA == nil && t.Cert == nil && t.Key.IsZero() {
		r.fail("has none of ca.crt, tls.crt and tls.key")
	}
	return t
}

// MaxProxyAddress is the bound of Flux's API.
const MaxProxyAddress = 2048

// Proxy returns what a proxySecretRef leads to, nil after reporting why not.
func (r *Reader) Proxy() *pinsetter.Proxy {
	if !r.Need("address", "it is the proxy's URL") {
		return nil
	}
	p := &pinsetter.Proxy{Address: r.PlainLine("address"), Username: r.PlainLine("username"), Password: r.Line("password")}
	address, err := url.Parse(p.Address)
	switch {
	case len(p.Address) > MaxProxyAddress:
		r.fail("has an address of more than %d characters", MaxProxyAddress)
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" && address.Scheme != "socks5":
		r.fail("has an address that is no http, https or socks5 URL")
	case address.User != nil:
		r.fail("has an address with a user in it: move that to the keys username and password")
	case p.Username == "" && !p.Password.IsZero():
		r.fail("has password, and no username")
	default:
		return p
	}
	return nil
}
