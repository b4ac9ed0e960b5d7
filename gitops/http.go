package gitops

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git/wire"
	"github.com/pinsetter/pinsetter/gitops/httpclient"
)

// Credential returns the login of a GitHub App for the repository of src, whose
// App is set. It is called concurrently.
type Credential = httpclient.Credential

// CloudLogins returns logins to Git services of clouds, and caches them. It is
// called concurrently.
type CloudLogins = httpclient.CloudLogins

// overHTTP gives r go-git's transport over a client of its own, and the
// credentials for u. go-git drops credentials when a redirect leaves the origin,
// refuses one from https to http, and follows none but that of the first
// request.
func (r *Remote) overHTTP(u *url.URL, src *fleet.GitSource, o Options) error {
	abilities := r.cache.Abilities(fmt.Sprintf("%q %q", r.owner, r))
	speak := func(base http.RoundTripper) http.RoundTripper {
		return wire.Transport(base, r.bounds.Bounds, capability.DefaultAgent(), abilities)
	}
	client, err := httpclient.New(u, src, speak, r.secrets, httpclient.Options{
		Environment: o.Environment, Credential: o.Credential, Clouds: o.Clouds, Dialer: o.Dialer, Sleep: o.Sleep, Random: o.Random,
	})
	if err != nil {
		return err
	}
	r.transport, r.sent = githttp.NewClient(&http.Client{Transport: client.Connections}), client.Sent
	r.login = func(ctx context.Context) (transport.AuthMethod, error) {
		l, err := client.Login(ctx)
		switch {
		case err != nil || l == nil:
			return nil, err
		case !l.Token.IsZero():
			return &githttp.TokenAuth{Token: l.Token.Reveal()}, nil
		}
		return &githttp.BasicAuth{Username: l.Username, Password: l.Password.Reveal()}, nil
	}
	return nil
}
