package notify

import (
	"net/http"
	"net/url"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/login"
)

// connect returns the client of a Provider. It follows no redirect: none of
// these services answers a message with one, and the message may hold a key.
func connect(p *config.Provider, o Options) (*http.Client, error) {
	if u, err := url.Parse(p.Address.Reveal()); err == nil {
		if err := o.Dialer.CheckHost(u.Host); err != nil {
			return nil, err
		}
	}
	settings, err := login.TLS(p.TLS).Config("")
	if err != nil {
		return nil, err
	}
	proxy, err := o.Environment.Proxies((*login.Proxy)(p.Proxy))
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               proxy,
			DialContext:         o.Dialer.DialContext,
			TLSClientConfig:     settings,
			TLSHandshakeTimeout: 10 * time.Second, // as net/http's default transport
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     30 * time.Second,
			MaxIdleConnsPerHost: 1,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
