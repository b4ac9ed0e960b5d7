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

// TLS is PEM that a connection uses beside the system's; empty parts are not
// given. Cert and Key are given together or not at all.
type TLS struct {
	CA   []byte
	Cert []byte
	Key  pinsetter.Secret
}

// Config returns the settings of a connection. Errors name the standard keys of a
// Secret, and what follows these in of, such as " of certSecretRef".
func (t TLS) Config(of string) (*tls.Config, error) {
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

// Proxy is a proxy server. Address is an http, https or socks5 URL without user.
type Proxy struct {
	Address  string
	Username string
	Password pinsetter.Secret
}

// URL returns the proxy's address with its credentials, which String shows.
func (p Proxy) URL() (*url.URL, error) {
	address, err := url.Parse(p.Address)
	if err != nil || address.Host == "" {
		return nil, errors.New("the proxy's address is not a URL")
	}
	if p.Username != "" {
		address.User = url.UserPassword(p.Username, p.Password.Reveal())
	}
	return address, nil
}

// Proxies returns how an http.Transport finds the proxy of a request: it is p,
// and where that is nil the one that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name,
// in either case, as curl and net/http understand them. The zero Environment
// names none.
func (e Environment) Proxies(p *Proxy) (func(*http.Request) (*url.URL, error), error) {
	if p != nil {
		address, err := p.URL()
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
		CGI: e.get("REQUEST_METHOD") != "", // a client could set HTTP_PROXY by a header
	}
	find := settings.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }, nil
}

// Guard returns a way to find the proxy of a request that refuses the hosts that
// CheckHost refuses, of each request and redirect: behind a proxy the Dialer
// sees the proxy alone. Nil is returned as it is: it means no proxy.
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

// Passwords returns what the proxy's credentials are sent as; none for nil.
func (p *Proxy) Passwords() []pinsetter.Secret {
	if p == nil {
		return nil
	}
	return SentAs(p.Username, p.Password)
}

// Transport returns connections of d to one service, with t's certificates and
// through p or the environment's proxy. Whoever has it may set it further before
// its first request; how long an answer may take is the request's to say.
func (e Environment) Transport(d Dialer, t TLS, p *Proxy) (*http.Transport, error) {
	proxy, err := e.Proxies(p)
	if err != nil {
		return nil, err
	}
	settings, err := t.Config("")
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               d.Guard(proxy),
		DialContext:         d.DialContext,
		TLSClientConfig:     settings,
		TLSHandshakeTimeout: 10 * time.Second, // net/http's default transport has it so
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}, nil
}

// either returns a variable in upper case, else in lower case.
func (e Environment) either(name string) string {
	if value := e.get(name); value != "" {
		return value
	}
	return e.get(strings.ToLower(name))
}
