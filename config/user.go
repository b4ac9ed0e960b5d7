package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// user is an object that uses a Secret: what is wrong with the Secret's content
// is reported at the object's field.
type user struct {
	object *object
	field  string
	from   *secret
}

// fail reports what the Secret has or lacks.
func (u user) fail(format string, args ...any) {
	u.object.fail(codeSecret, u.field, "Secret %s (%s) %s", u.from.name, u.from.where, fmt.Sprintf(format, args...))
}

// value returns what a key holds; "" where there is none, or after reporting that
// it can't be decoded.
func (u user) value(key string) string {
	value, err := u.from.value(key)
	if err != nil {
		u.fail("%v", err)
	}
	return value
}

// has reports whether the key holds something.
func (u user) has(key string) bool { return u.value(key) != "" }

// need is has that reports an empty key, and why it is needed.
func (u user) need(key, why string) bool {
	if !u.has(key) {
		u.fail("has no key %s: %s", key, why)
		return false
	}
	return true
}

// bytes returns what a key holds, nil for nothing.
func (u user) bytes(key string) []byte {
	if value := u.value(key); value != "" {
		return []byte(value)
	}
	return nil
}

// secret returns what a key holds, to be shown as its name alone.
func (u user) secret(key string) pinsetter.Secret { return u.named(key, u.value(key)) }

// line is secret without the line break that files and echo leave at the end.
func (u user) line(key string) pinsetter.Secret { return u.named(key, u.plainLine(key)) }

// plainLine is line for what may be shown.
func (u user) plainLine(key string) string { return strings.TrimRight(u.value(key), "\r\n") }

func (u user) named(key, value string) pinsetter.Secret {
	if value == "" {
		return pinsetter.Secret{}
	}
	return pinsetter.NewSecret(fmt.Sprintf("Secret %s, key %s", u.from.name, key), value)
}

// tls returns the certificates that the Secret holds. The standard keys win over
// the legacy ones.
func (u user) tls() pinsetter.TLS {
	caKey, certKey, keyKey := u.first("ca.crt", "caFile"), u.first("tls.crt", "certFile"), u.first("tls.key", "keyFile")
	t := pinsetter.TLS{CA: u.bytes(caKey), Cert: u.bytes(certKey), Key: u.secret(keyKey)}
	if t.CA != nil && !x509.NewCertPool().AppendCertsFromPEM(t.CA) {
		u.fail("has no PEM certificate under %s", caKey)
	}
	switch {
	case t.Cert == nil && t.Key.IsZero():
	case t.Key.IsZero():
		u.fail("has %s, and no %s: give both or none", certKey, keyKey)
	case t.Cert == nil:
		u.fail("has %s, and no %s: give both or none", keyKey, certKey)
	default:
		if _, err := tls.X509KeyPair(t.Cert, []byte(t.Key.Reveal())); err != nil {
			u.fail("has %s and %s that are no pair in PEM", certKey, keyKey)
		}
	}
	return t
}

// first returns the first of two keys that holds something, else the first.
func (u user) first(standard, legacy string) string {
	if !u.has(standard) && u.has(legacy) {
		return legacy
	}
	return standard
}

// certificates returns what a certSecretRef leads to.
func (l *loader) certificates(o *object, field, name string) pinsetter.TLS {
	s := l.secret(o, field, name)
	if s == nil {
		return pinsetter.TLS{}
	}
	u := user{o, field, s}
	t := u.tls()
	if t.CA == nil && t.Cert == nil && t.Key.IsZero() {
		u.fail("has none of ca.crt, tls.crt and tls.key")
	}
	return t
}

// maxProxyAddress is the bound of Flux's API.
const maxProxyAddress = 2048

// proxy returns what a proxySecretRef leads to, nil after reporting why not.
func (l *loader) proxy(o *object, field, name string) *pinsetter.Proxy {
	s := l.secret(o, field, name)
	if s == nil {
		return nil
	}
	u := user{o, field, s}
	if !u.need("address", "it is the proxy's URL") {
		return nil
	}
	p := &pinsetter.Proxy{Address: u.plainLine("address"), Username: u.plainLine("username"), Password: u.line("password")}
	address, err := url.Parse(p.Address)
	switch {
	case len(p.Address) > maxProxyAddress:
		u.fail("has an address of more than %d characters", maxProxyAddress)
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" && address.Scheme != "socks5":
		u.fail("has an address that is no http, https or socks5 URL")
	case address.User != nil:
		u.fail("has an address with a user in it: move that to the keys username and password")
	case p.Username == "" && !p.Password.IsZero():
		u.fail("has password, and no username")
	default:
		return p
	}
	return nil
}
