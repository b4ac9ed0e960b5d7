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
		if r.Access.Provider == "" {
			continue
		}
		host, _, _ := strings.Cut(r.Image, "/")
		if _, err := login.CloudHostFor(r.Access.Provider, host); err != nil {
			l.add(pinsetter.Warning, "provider-host", r.Origin, "ImageRepository %s: %v", r.Name, err)
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
