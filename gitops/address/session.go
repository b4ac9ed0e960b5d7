package address

import (
	"bytes"
	"cmp"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// SameSession reports whether two sources can share a conversation: they are
// reached at the same address with the same credentials. Scheme, user, host,
// port, path and the contents of all Secrets are equal. Names and timeouts of
// the sources don't count.
func SameSession(a, b *fleet.GitSource) bool {
	return sameAddress(a.URL, b.URL) && a.Provider == b.Provider && sameAuth(a.Auth, b.Auth) && sameApp(a.App, b.App)
}

// sameAddress reports whether two URLs lead to one place in the same way. Paths
// are compared as they are sent, since a server may treat ".git" and "//" as it
// likes.
func sameAddress(a, b string) bool {
	x, errX := Parse(a)
	y, errY := Parse(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x.Scheme == y.Scheme && x.User.String() == y.User.String() &&
		strings.EqualFold(x.Hostname(), y.Hostname()) && dialedPort(x) == dialedPort(y) &&
		Path(x) == Path(y)
}

func dialedPort(u *url.URL) string { return cmp.Or(portOf(u), defaultPorts[u.Scheme]) }

func sameAuth(a, b fleet.GitAuth) bool {
	return a.Set == b.Set &&
		a.Username == b.Username && sameSecret(a.Password, b.Password) && sameSecret(a.Bearer, b.Bearer) &&
		sameSecret(a.Identity, b.Identity) && sameSecret(a.IdentityPassword, b.IdentityPassword) &&
		bytes.Equal(a.KnownHosts, b.KnownHosts) &&
		bytes.Equal(a.TLS.CA, b.TLS.CA) && bytes.Equal(a.TLS.Cert, b.TLS.Cert) && sameSecret(a.TLS.Key, b.TLS.Key) &&
		sameProxy(a.Proxy, b.Proxy)
}

func sameProxy(a, b *pinsetter.Proxy) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Address == b.Address && a.Username == b.Username && sameSecret(a.Password, b.Password)
}

func sameApp(a, b *fleet.GitHubApp) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && sameSecret(a.PrivateKey, b.PrivateKey) &&
		a.InstallationID == b.InstallationID && a.InstallationOwner == b.InstallationOwner && a.BaseURL == b.BaseURL
}

// sameSecret compares the contents of secrets, whatever their names.
func sameSecret(a, b pinsetter.Secret) bool { return a.Reveal() == b.Reveal() }
