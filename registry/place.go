package registry

import (
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pinsetter/pinsetter/login"
)

// place is a repository and the way to it.
type place struct {
	registry   *Registry
	name       name.Repository
	wire       *wire
	connection string          // identity of the TLS and proxy settings
	secrets    *login.Scrubber // knows all secrets that are sent
}

// at returns the URL of something of the repository.
func (p *place) at(path string) func(origin string) string {
	return func(origin string) string { return origin + "/v2/" + p.name.RepositoryStr() + "/" + path }
}

// manifest returns the URL of the manifest with a tag or digest.
func (p *place) manifest(reference string) func(origin string) string {
	return p.at("manifests/" + reference)
}

// isElsewhere reports whether a URL leads to another origin than the registry's.
func (p *place) isElsewhere(u *url.URL) bool {
	return origin(u) != origin(&url.URL{Scheme: u.Scheme, Host: p.name.RegistryStr()})
}
