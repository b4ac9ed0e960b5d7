package forge

import (
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// Repository is a repository at a forge, accessed as one user. It is safe for
// concurrent use.
type Repository struct {
	place  exchange.Place
	host   host
	signer signer // nil: the forge signs no commits
}

// Open returns the repository that where describes. It connects to nothing. It
// returns an error for a bad URL or provider, and for bad or missing
// certificates and credentials.
func Open(where *fleet.Forge, o Options) (*Repository, error) {
	p, err := exchange.ParsePlace(where.URL)
	if err != nil {
		return nil, fmt.Errorf("open the forge: %w", err)
	}
	h, err := openHost(where, p, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p, err)
	}
	r := &Repository{place: p, host: h}
	if g, ok := h.(github); ok {
		r.signer = githubSigner(g)
	}
	return r, nil
}

func openHost(where *fleet.Forge, p exchange.Place, o Options) (host, error) {
	if err := p.Confidential(); err != nil {
		return nil, err
	}
	switch where.Provider {
	case fleet.ForgeGitea:
		return openGitea(where, p, o)
	case fleet.ForgeGitHub:
		return openGitHub(where, p, o)
	case fleet.ForgeGitLab:
		return openGitLab(where, p, o)
	}
	return nil, fmt.Errorf("the provider %q is none of %s, %s, %s", where.Provider, fleet.ForgeGitHub, fleet.ForgeGitLab, fleet.ForgeGitea)
}

// String returns the repository's web address.
func (r *Repository) String() string { return r.place.String() }

// exchange returns the options of requests.
func (o Options) exchange() exchange.Options {
	return exchange.Options{Environment: o.Environment, Dialer: o.Dialer, Now: o.Now, Sleep: o.Sleep, RateLimit: o.RateLimit}
}

// token returns the object's token, else the environment's for the forge's
// host.
func token(where *fleet.Forge, p exchange.Place, o Options) (pinsetter.Secret, error) {
	if !where.Token.IsZero() {
		return where.Token, nil
	}
	offered, found, err := o.Environment.Git(p.Web)
	if err != nil {
		return pinsetter.Secret{}, err
	}
	if !found || offered.Password.IsZero() {
		return pinsetter.Secret{}, fmt.Errorf("%w: no token for %s: give a secretRef whose Secret has the key token", ErrAuth, p.Web.Host)
	}
	return offered.Password, nil
}
