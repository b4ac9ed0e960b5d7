package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/pinsetter/pinsetter/config"
)

// connect returns the client of a Provider. It follows no redirect: none of
// these services answers a message with one, and the message may hold a key.
func connect(p *config.Provider, o Options) (*http.Client, error) {
	if u, err := url.Parse(p.Address.Reveal()); err == nil {
		if err := o.Dialer.CheckHost(u.Host); err != nil {
			return nil, err
		}
	}
	settings, err := tlsSettings(p.TLS)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DialContext:         o.Dialer.DialContext,
		TLSClientConfig:     settings,
		TLSHandshakeTimeout: 10 * time.Second, // as net/http's default transport
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 1,
	}
	switch {
	case p.Proxy != nil:
		address, err := url.Parse(p.Proxy.Address)
		if err != nil {
			return nil, errors.New("the proxy's address is not a URL")
		}
		if p.Proxy.Username != "" {
			address.User = url.UserPassword(p.Proxy.Username, p.Proxy.Password.Reveal())
		}
		transport.Proxy = http.ProxyURL(address)
	case o.Environment.Getenv != nil:
		transport.Proxy = http.ProxyFromEnvironment
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// tlsSettings returns the settings for certificates, which config has checked.
func tlsSettings(t config.TLS) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(t.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM(t.CA)
		settings.RootCAs = pool
	}
	if len(t.Cert) > 0 {
		pair, err := tls.X509KeyPair(t.Cert, []byte(t.Key.Reveal()))
		if err != nil {
			return nil, errors.New("the certificate and its key are no pair in PEM")
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}
