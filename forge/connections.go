package forge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/pinsetter/pinsetter/config"
)

// connections returns the connections to a forge's API.
func connections(where *config.Forge, origin *url.URL, o Options) (*http.Transport, error) {
	if err := o.Dialer.CheckHost(origin.Host); err != nil {
		return nil, err
	}
	proxy, err := proxies(where.Proxy, o)
	if err != nil {
		return nil, err
	}
	settings, err := tlsSettings(where.TLS)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               proxy,
		DialContext:         o.Dialer.DialContext,
		TLSClientConfig:     settings,
		TLSHandshakeTimeout: 10 * time.Second, // net/http's default transport has it so
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 2,
	}, nil
}

// proxies returns how to find the proxy: the object's, else the environment's
// where there is one.
func proxies(p *config.Proxy, o Options) (func(*http.Request) (*url.URL, error), error) {
	if p == nil && o.Environment.Getenv == nil {
		return nil, nil
	}
	if p == nil {
		return http.ProxyFromEnvironment, nil
	}
	address, err := url.Parse(p.Address)
	if err != nil || address.Host == "" {
		return nil, errors.New("the proxy's address is not a URL")
	}
	if p.Username != "" {
		address.User = url.UserPassword(p.Username, p.Password.Reveal())
	}
	return http.ProxyURL(address), nil
}

// tlsSettings returns the settings for a secret's certificates.
func tlsSettings(t config.TLS) (*tls.Config, error) {
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
