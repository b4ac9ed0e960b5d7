package notify

import (
	"net/http"
	"net/url"

	"github.com/pinsetter/pinsetter/fleet"
)

// connect returns the HTTP client for a Provider. It follows no redirects: none
// of these services uses them, and the message may contain a key.
func connect(p *fleet.Provider, o Options) (*http.Client, error) {
	if u, err := url.Parse(p.Address.Reveal()); err == nil {
		if err := o.Dialer.CheckHost(u.Host); err != nil {
			return nil, err
		}
	}
	base, err := o.Environment.Transport(o.Dialer, p.TLS, p.Proxy)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport:     base,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
