package lint

import (
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// clouds warns of providers that don't fit the host of their image: they get no
// login for it.
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
}
