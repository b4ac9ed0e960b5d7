package forge

import (
	"net/http"
	"net/url"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/login"
)

// connections returns the connections to a forge's API.
func connections(where *config.Forge, origin *url.URL, o Options) (*http.Transport, error) {
	if err := o.Dialer.CheckHost(origin.Host); err != nil {
		return nil, err
	}
	proxy, err := o.Environment.Proxies((*login.Proxy)(where.Proxy))
	if err != nil {
		return nil, err
	}
	settings, err := login.TLS(where.TLS).Config("")
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
