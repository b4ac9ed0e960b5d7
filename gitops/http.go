package gitops

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"golang.org/x/net/http/httpproxy"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/login"
)

// httpTransport returns go-git's transport over a client of its own, and the
// credentials for u. go-git drops credentials when a redirect leaves the origin,
// refuses one from https to http, and follows none but that of the first
// request.
func httpTransport(u *url.URL, src *config.GitSource, o Options, bounds Bounds) (transport.Transport, loginFunc, error) {
	base, err := httpBase(src.Auth, o)
	if err != nil {
		return nil, nil, err
	}
	login, err := httpLogin(u, src, o)
	if err != nil {
		return nil, nil, err
	}
	client := &http.Client{Transport: &protocol2{next: &boundedTransport{base, bounds}, bounds: bounds}}
	return githttp.NewClient(client), login, nil
}

// httpLogin returns how to log in to u: as the App where there is one.
func httpLogin(u *url.URL, src *config.GitSource, o Options) (loginFunc, error) {
	if src.App != nil {
		return appLogin(u, src, o.Credential)
	}
	method, err := httpAuth(u, src.Auth, o.Environment)
	return always(method), err
}

// httpBase returns the connections to one source.
func httpBase(auth config.GitAuth, o Options) (*http.Transport, error) {
	proxy, err := httpProxy(auth.Proxy, o.Environment)
	if err != nil {
		return nil, err
	}
	settings, err := tlsConfig(auth.TLS)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           o.Dialer.DialContext,
		TLSClientConfig:       settings,
		TLSHandshakeTimeout:   10 * time.Second, // net/http's default transport has it so
		ForceAttemptHTTP2:     true,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   2, // a fetch and a push need one
		DisableCompression:    true,
		ResponseHeaderTimeout: 0, // the operation's deadline bounds it: a server may compress for long
	}, nil
}

// httpProxy returns the proxy to use: the source's, else the environment's.
func httpProxy(p *config.Proxy, e login.Environment) (func(*http.Request) (*url.URL, error), error) {
	if p != nil {
		address, err := proxyURL(p)
		if err != nil {
			return nil, err
		}
		return http.ProxyURL(address), nil
	}
	if e.Getenv == nil {
		return nil, nil
	}
	either := func(name string) string {
		if value := e.Getenv(name); value != "" {
			return value
		}
		return e.Getenv(strings.ToLower(name))
	}
	settings := httpproxy.Config{HTTPProxy: either("HTTP_PROXY"), HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY")}
	if e.Getenv("REQUEST_METHOD") != "" {
		settings.CGI = true // a client could set HTTP_PROXY by a header
	}
	find := settings.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }, nil
}

// proxyURL returns a proxy with its credentials.
func proxyURL(p *config.Proxy) (*url.URL, error) {
	address, err := url.Parse(p.Address)
	if err != nil || address.Host == "" {
		return nil, errors.New("the proxy's address is not a URL")
	}
	if p.Username != "" {
		address.User = url.UserPassword(p.Username, p.Password.Reveal())
	}
	return address, nil
}

// tlsConfig returns the settings for a secret's certificates.
func tlsConfig(t config.TLS) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(t.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("read ca.crt: no certificate in it")
		}
		settings.RootCAs = pool
	}
	if len(t.Cert) > 0 || !t.Key.IsZero() {
		pair, err := tls.X509KeyPair(t.Cert, []byte(t.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("read tls.crt and tls.key: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// httpAuth returns the credentials for u: the secret's; else those in the URL;
// else what the environment offers for its host. Nil: none.
func httpAuth(u *url.URL, auth config.GitAuth, e login.Environment) (transport.AuthMethod, error) {
	switch {
	case !auth.Bearer.IsZero():
		return &githttp.TokenAuth{Token: auth.Bearer.Reveal()}, nil
	case auth.Username != "" || !auth.Password.IsZero():
		return &githttp.BasicAuth{Username: auth.Username, Password: auth.Password.Reveal()}, nil
	case auth.Set:
		return nil, nil
	}
	if password, ok := u.User.Password(); ok {
		if u.Scheme != "https" && !login.Loopback(u.Hostname()) {
			return nil, errors.New("the URL holds a password, which plain http would show: use https, or a secretRef")
		}
		return &githttp.BasicAuth{Username: u.User.Username(), Password: password}, nil
	}
	offered, found, err := e.Git(u)
	if err != nil || !found {
		return nil, err
	}
	return &githttp.BasicAuth{Username: offered.Username, Password: offered.Password.Reveal()}, nil
}
