package forge

import (
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/pause"
)

// Repository is a repository at a forge, accessed as one user. It is safe for
// concurrent use.
type Repository struct {
	place place
	host  host
}

// Open returns the repository that where describes. It connects to nothing. It
// returns an error for a bad URL or provider, and for bad or missing
// certificates and credentials.
func Open(where *fleet.Forge, o Options) (*Repository, error) {
	p, err := parsePlace(where.URL)
	if err != nil {
		return nil, fmt.Errorf("open the forge: %w", err)
	}
	h, err := openHost(where, p, o.filled())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p, err)
	}
	return &Repository{place: p, host: h}, nil
}

func openHost(where *fleet.Forge, p place, o Options) (host, error) {
	if err := p.confidential(); err != nil {
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

// filled returns the options with their defaults.
func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = pause.For
	}
	return o
}

// token returns the object's token, else the environment's for the forge's
// host.
func token(where *fleet.Forge, p place, o Options) (pinsetter.Secret, error) {
	if !where.Token.IsZero() {
		return where.Token, nil
	}
	offered, found, err := o.Environment.Git(p.web)
	if err != nil {
		return pinsetter.Secret{}, err
	}
	if !found || offered.Password.IsZero() {
		return pinsetter.Secret{}, fmt.Errorf("%w: no token for %s: give a secretRef whose Secret has the key token", ErrAuth, p.web.Host)
	}
	return offered.Password, nil
}
