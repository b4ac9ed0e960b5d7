package login

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/pinsetter/pinsetter"
)

// TLSConfig returns the configuration of connections that use t. Its errors name the standard keys of a
// Secret, followed by of, such as " of certSecretRef".
func TLSConfig(t pinsetter.TLS, of string) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(t.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(t.CA) {
			return nil, fmt.Errorf("read ca.crt%s: no PEM certificate in it", of)
		}
		settings.RootCAs = pool
	}
	if len(t.Cert) > 0 || !t.Key.IsZero() {
		pair, err := tls.X509KeyPair(t.Cert, []byte(t.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("read tls.crt and tls.key%s: %w", of, err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// ProxyURL returns the proxy's address with its credentials. Its String shows them.
func ProxyURL(p pinsetter.Proxy) (*url.URL, error) {
	address, err := url.Parse(p.Address)
	if err != nil || address.Host == "" {
		return nil, errors.New("the proxy's address is not a URL")
	}
	if p.Username != "" {
		address.User = url.UserPassword(p.Username, p.Password.Reveal())
	}
	return address, nil
}

// Proxies returns the Proxy function of an http.Transport. It uses p, or if p
// is nil, the proxies named by HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in upper
// or lower case, as curl and net/http do. The zero Environment names none.
func (e Environment) Proxies(p *pinsetter.Proxy) (func(*http.Request) (*url.URL, error), error) {
	if p != nil {
		address, err := ProxyURL(*p)
		if err != nil {
			return nil, err
		}
		return http.ProxyURL(address), nil
	}
	if e.Getenv == nil {
		return nil, nil
	}
	settings := httpproxy.Config{
		HTTPProxy: e.either("HTTP_PROXY"), HTTPSProxy: e.either("HTTPS_PROXY"), NoProxy: e.either("NO_PROXY"),
		CGI: e.get("REQUEST_METHOD") != "", // in CGI, a client could set HTTP_PROXY with a header
	}
	find := settings.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }, nil
}

// Guard wraps a Proxy function so that it refuses the hosts that CheckHost
// refuses, for each request and redirect: behind a proxy the Dialer sees only
// the proxy. A nil function means no proxy, and is returned unchanged.
func (d Dialer) Guard(find func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if find == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		through, err := find(r)
		if err != nil || through == nil {
			return nil, err
		}
		return through, d.CheckHost(r.URL.Host)
	}
}

// ProxyPasswords returns the passwords of the environment's proxies.
func (e Environment) ProxyPasswords() []pinsetter.Secret {
	var all []pinsetter.Secret
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		address := e.get(name)
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if password, found := u.User.Password(); found {
			all = append(all, SentAs(u.User.Username(), pinsetter.NewSecret("password of "+name, password))...)
		}
	}
	return all
}

// ProxySecrets returns the secrets that are sent to the proxy. For nil there are
// none.
func ProxySecrets(p *pinsetter.Proxy) []pinsetter.Secret {
	if p == nil {
		return nil
	}
	return SentAs(p.Username, p.Password)
}

// Transport returns a transport to one service that dials with d, uses the
// certificates of t, and goes through p or the environment's proxy. The caller
// may change it before the first request, and sets the timeouts of its
// requests.
func (e Environment) Transport(d Dialer, t pinsetter.TLS, p *pinsetter.Proxy) (*http.Transport, error) {
	proxy, err := e.Proxies(p)
	if err != nil {
		return nil, err
	}
	settings, err := TLSConfig(t, "")
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               d.Guard(proxy),
		DialContext:         d.DialContext,
		TLSClientConfig:     settings,
		TLSHandshakeTimeout: 10 * time.Second, // as in net/http's default transport
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}, nil
}

// either returns a variable by its name in upper case, else in lower case.
func (e Environment) either(name string) string {
	if value := e.get(name); value != "" {
		return value
	}
	return e.get(strings.ToLower(name))
}
