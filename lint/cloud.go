package lint

import (
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// clouds warns of providers that don't fit the host of their image or
// repository: they get no login for it.
func (l *linter) clouds() {
	for _, r := range l.set.Repositories {
		l.registryProvider(r.Kind()+" "+r.Name.String(), r.Origin, r.Access.Provider, r.Image)
	}
	for _, a := range l.set.Artifacts {
		if a.Repository != nil {
			l.registryProvider("OCIRepository "+a.Name.String(), a.Origin, a.Repository.Access.Provider, a.Repository.Image)
		}
	}
	seen := map[*fleet.GitSource]bool{}
	for _, a := range l.set.Automations {
		if a.Git == nil || a.Git.Provider == "" || a.Git.Err != nil || seen[a.Git] {
			continue
		}
		seen[a.Git] = true
		u, err := url.Parse(a.Git.URL)
		if err == nil {
			_, err = login.CloudRepositoryFor(a.Git.Provider, u)
		}
		if err != nil {
			l.add(pinsetter.Warning, "provider-host", a.Git.Origin, "GitRepository %s: %v", a.Git.Name, err)
		}
	}
}

// registryProvider warns of a provider that doesn't fit the host of an object's
// image, which has no scheme. Provider "" is none.
func (l *linter) registryProvider(object string, at fleet.Origin, provider, image string) {
	if provider == "" {
		return
	}
	host, _, _ := strings.Cut(image, "/")
	if _, err := login.CloudHostFor(provider, host); err != nil {
		l.add(pinsetter.Warning, "provider-host", at, "%s: %v", object, err)
	}
}
