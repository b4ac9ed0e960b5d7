package forge

import (
	"net/http"
	"net/url"

	"github.com/pinsetter/pinsetter/fleet"
)

// connections returns a transport for a forge's API.
func connections(where *fleet.Forge, origin *url.URL, o Options) (*http.Transport, error) {
	if err := o.Dialer.CheckHost(origin.Host); err != nil {
		return nil, err
	}
	return o.Environment.Transport(o.Dialer, where.TLS, where.Proxy)
}
