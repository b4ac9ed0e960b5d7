package notify

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// commitHash matches a hash of SHA-1 or SHA-256.
var commitHash = pinsetter.Pattern(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// place is the address of a repository at a forge.
type place struct {
	scheme, host string   // the host includes a port if there is one
	parts        []string // of its path, decoded
}

// parsePlace parses a repository's web address.
func parsePlace(address string) (place, error) {
	u, err := url.Parse(address)
	if err != nil {
		return place{}, errors.New("the address is not a URL")
	}
	at := place{u.Scheme, strings.ToLower(u.Host), strings.Split(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"), "/")}
	odd := func(part string) bool { return part == "" || part == "." || part == ".." }
	if at.scheme == "" || at.host == "" || len(at.parts) < 2 || slices.ContainsFunc(at.parts, odd) {
		return place{}, errors.New("the address names no repository: write https://HOST/OWNER/NAME")
	}
	return at, nil
}

// base returns the address of the forge.
func (at place) base() string { return at.scheme + "://" + at.host }

// name returns the repository's path.
func (at place) name() string { return strings.Join(at.parts, "/") }

// path returns the repository's path, escaped for URLs.
func (at place) path() string {
	escaped := make([]string, len(at.parts))
	for i, part := range at.parts {
		escaped[i] = url.PathEscape(part)
	}
	return strings.Join(escaped, "/")
}

// key returns the name of the repository in events, without a port: Git often
// uses another port than the forge's API.
func (at place) key() string { return withoutPort(at.host + "/" + at.name()) }

// withoutPort removes the port from the name of a repository in an event.
func withoutPort(repository string) string {
	host, path, _ := strings.Cut(repository, "/")
	return (&url.URL{Host: host}).Hostname() + "/" + path
}

// gitHubAPI returns the address of the repository in the API of github.com, of
// a service with data residency, or of an Enterprise Server
// (https://docs.github.com/enterprise-server/rest/quickstart).
func (at place) gitHubAPI() string {
	switch {
	case at.host == "github.com":
		return "https://api.github.com/repos/" + at.path()
	case strings.HasSuffix(at.host, ".ghe.com"):
		return at.scheme + "://api." + at.host + "/repos/" + at.path()
	}
	return at.base() + "/api/v3/repos/" + at.path()
}
