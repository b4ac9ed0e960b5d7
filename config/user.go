package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
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
func (u user) tls() TLS {
	caKey, certKey, keyKey := u.first("ca.crt", "caFile"), u.first("tls.crt", "certFile"), u.first("tls.key", "keyFile")
	t := TLS{CA: u.bytes(caKey), Cert: u.bytes(certKey), Key: u.secret(keyKey)}
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
func (l *loader) certificates(o *object, field, name string) TLS {
	s := l.secret(o, field, name)
	if s == nil {
		return TLS{}
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
func (l *loader) proxy(o *object, field, name string) *Proxy {
	s := l.secret(o, field, name)
	if s == nil {
		return nil
	}
	u := user{o, field, s}
	if !u.need("address", "it is the proxy's URL") {
		return nil
	}
	p := &Proxy{Address: u.plainLine("address"), Username: u.plainLine("username"), Password: u.line("password")}
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

// The types of Secrets that hold credentials for registries, and their keys.
const (
	dockerConfigType   = "kubernetes.io/dockerconfigjson"
	dockerConfigKey    = ".dockerconfigjson"
	oldDockerConfig    = "kubernetes.io/dockercfg"
	oldDockerConfigKey = ".dockercfg"
)

// dockerConfig adds the credentials that a Secret holds for registries.
func (l *loader) dockerConfig(o *object, field, name string, access *RegistryAccess) {
	s := l.secret(o, field, name)
	if s == nil {
		return
	}
	u := user{o, field, s}
	if s.Type == oldDockerConfig || s.Type == "" && u.has(oldDockerConfigKey) {
		if u.isJSON(oldDockerConfigKey) {
			auths := `{"auths":` + u.value(oldDockerConfigKey) + `}`
			access.DockerConfigs = append(access.DockerConfigs, u.named(oldDockerConfigKey, auths))
		}
		return
	}
	if s.Type != dockerConfigType && (s.Type != "" || s.object != nil) {
		u.fail("is of type %q, and registries need %s (kubectl create secret docker-registry)", s.Type, dockerConfigType)
		return
	}
	if u.isJSON(dockerConfigKey) {
		access.DockerConfigs = append(access.DockerConfigs, u.secret(dockerConfigKey))
	}
}

// isJSON reports whether a key holds a JSON object; if not, that is reported.
func (u user) isJSON(key string) bool {
	content, err := u.from.value(key)
	if err != nil {
		u.fail("%v", err)
		return false
	}
	var document map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &document) != nil || document == nil {
		u.fail("has no JSON object under %s", key)
		return false
	}
	return true
}

// pullSecrets adds the credentials of a ServiceAccount's imagePullSecrets.
func (l *loader) pullSecrets(o *object, name string, access *RegistryAccess) {
	const field = "spec.serviceAccountName"
	if !validName(name) {
		return // reported
	}
	key := pinsetter.Name{Namespace: o.name.Namespace, Name: name}
	a := l.accounts[key]
	switch {
	case a == nil || a.outdated:
		l.missing(o, field, objectKey{kindAccount, key})
		return
	case a.broken():
		o.fail(codeMissingObject, field, "%s has errors: %s:%d", a, a.origin.Path, a.firstError().Line)
		return
	}
	for _, ref := range a.PullSecrets {
		if !validName(ref.Name) {
			o.fail(codeName, field, "%s (%s) names a Secret %q, which is not a name", a, a.place(), ref.Name)
			continue
		}
		l.dockerConfig(o, field, ref.Name, access)
	}
}
