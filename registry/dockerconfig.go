package registry

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// dockerConfig holds the used part of a Docker configuration file, which is
// also the content of a Secret of type kubernetes.io/dockerconfigjson. The
// format is that of https://docs.docker.com/reference/cli/docker/login/ with
// the keys that https://kubernetes.io/docs/concepts/containers/images/ allows:
// hosts with "*" in their labels, and paths.
type dockerConfig struct {
	Auths       map[string]dockerAuth `json:"auths"`
	CredHelpers map[string]string     `json:"credHelpers"`
	CredsStore  string                `json:"credsStore"`
}

type dockerAuth struct {
	Auth          string `json:"auth"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// parseDockerConfig parses a document. Its error quotes nothing from it.
func parseDockerConfig(data []byte) (dockerConfig, error) {
	var config dockerConfig
	err := json.Unmarshal(data, &config)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return dockerConfig{}, fmt.Errorf("not valid JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return dockerConfig{}, fmt.Errorf("a value at byte %d is not of the type that a Docker configuration has there", kind.Offset)
	case err != nil:
		return dockerConfig{}, errors.New("not valid JSON")
	}
	return config, nil
}

// lookup returns the key of the entry that matches the repository best, and how
// well it matches: the longest path wins, then a host without "*", then the
// first key in order. Entries without a credential, which docker login leaves
// behind for credential helpers, don't count. The key is empty if there is
// none.
func (c dockerConfig) lookup(repository name.Repository) (string, match) {
	var best string
	var found match
	for key, auth := range c.Auths {
		if auth == (dockerAuth{}) {
			continue
		}
		if m := matchKey(key, repository); m.better(found) || best != "" && m == found && key < best {
			best, found = key, m
		}
	}
	return best, found
}

// match says how well an entry's key matches a repository.
type match struct {
	hit   bool
	path  int // length of the matching path
	exact bool
}

func (m match) better(n match) bool {
	switch {
	case m.hit != n.hit:
		return m.hit
	case m.path != n.path:
		return m.path > n.path
	}
	return m.exact && !n.exact
}

// matchKey compares the key of an entry, such as "ghcr.io", "host:5000/team",
// "*.azurecr.io" or "https://index.docker.io/v1/", with a repository.
func matchKey(key string, repository name.Repository) match {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, scope, _ := strings.Cut(key, "/")
	scope = strings.Trim(scope, "/")
	if scope == "v1" || scope == "v2" {
		scope = "" // the path of an API, not of images
	}
	host, wanted := canonicalHost(host), canonicalHost(repository.RegistryStr())
	if !matchHost(host, wanted) {
		return match{}
	}
	within := repository.RepositoryStr() + "/"
	if scope != "" && !strings.HasPrefix(within, scope+"/") {
		return match{}
	}
	return match{hit: true, path: len(scope), exact: host == wanted}
}

// canonicalHost folds the names of Docker Hub, case and the default port.
func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	switch host {
	case "docker.io", "registry-1.docker.io":
		return name.DefaultRegistry
	}
	return host
}

// matchHost compares label by label, so that "*" never spans a dot. The ports
// must be equal.
func matchHost(pattern, host string) bool {
	if pattern == host {
		return true
	}
	pattern, port, _ := strings.Cut(pattern, ":")
	host, wanted, _ := strings.Cut(host, ":")
	patterns, labels := strings.Split(pattern, "."), strings.Split(host, ".")
	if port != wanted || len(patterns) != len(labels) || !strings.Contains(pattern, "*") {
		return false
	}
	for i, label := range labels {
		if ok, err := path.Match(patterns[i], label); err != nil || !ok {
			return false
		}
	}
	return true
}

// config returns the entry in go-containerregistry's form. The error quotes
// none of the entry's values.
func (a dockerAuth) config() (authn.AuthConfig, error) {
	config := authn.AuthConfig{
		Username:      withoutLineEnd(a.Username),
		Password:      withoutLineEnd(a.Password),
		IdentityToken: withoutLineEnd(a.IdentityToken),
		RegistryToken: withoutLineEnd(a.RegistryToken),
	}
	if a.Auth == "" {
		return config, nil
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(a.Auth), "="))
	user, password, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok {
		return authn.AuthConfig{}, errors.New("its auth is not user:password in base64")
	}
	config.Username, config.Password = withoutLineEnd(user), withoutLineEnd(strings.TrimRight(password, "\x00"))
	return config, nil
}

// withoutLineEnd drops the line end that files and echo leave behind a value.
func withoutLineEnd(value string) string { return strings.TrimRight(value, "\r\n") }

// credential is a credential for a registry, and its source in words for
// people. The zero credential is anonymous.
type credential struct {
	source string // such as "secret flux-system/ghcr"; "": anonymous
	config authn.AuthConfig
	cloud  *login.CloudLogin // nil: it is of no cloud
}

// identity tells credentials apart without showing them.
func (c credential) identity() string {
	return identity(c.source, c.config.Username, c.config.Password, c.config.Auth, c.config.IdentityToken, c.config.RegistryToken)
}

// secrets returns the secret parts of the credential in every form that is
// sent.
func (c credential) secrets() []pinsetter.Secret {
	named := func(value string) pinsetter.Secret { return pinsetter.NewSecret("credentials of "+c.source, value) }
	return append(login.SentAs(c.config.Username, named(c.config.Password)), named(c.config.IdentityToken), named(c.config.RegistryToken))
}

// isLogin reports whether the credential is a user name and a password.
func (c credential) isLogin() bool { return c.config.Username != "" && c.config.Password != "" }

// objectCredential returns the credential of the entry in the documents that
// matches the repository best (see lookup); of equal ones, the first
// document's. It returns the zero credential if no entry matches. An invalid
// document is an error only if no other document has a credential.
func objectCredential(documents []pinsetter.Secret, repository name.Repository) (credential, error) {
	var config dockerConfig
	var source string
	var closest match
	var unread error
	for _, document := range documents {
		from := strings.Trim(document.String(), "[]")
		read, err := parseDockerConfig([]byte(document.Reveal()))
		switch {
		case err != nil:
			err = fmt.Errorf("read %s: %w", from, err)
		case read.Auths == nil:
			err = fmt.Errorf("read %s: no auths in it; is it of type kubernetes.io/dockerconfigjson?", from)
		}
		if err != nil {
			unread = cmp.Or(unread, err)
			continue
		}
		if _, found := read.lookup(repository); found.better(closest) {
			config, source, closest = read, from, found
		}
	}
	if !closest.hit {
		return credential{}, unread
	}
	return config.credential(repository, source)
}

// credential returns the credential for the repository, or the zero one. Source
// names the configuration for people.
func (c dockerConfig) credential(repository name.Repository, source string) (credential, error) {
	key, _ := c.lookup(repository)
	if key == "" {
		return credential{}, nil
	}
	config, err := c.Auths[key].config()
	if err != nil {
		return credential{}, fmt.Errorf("read %s: entry %q: %w", source, key, err)
	}
	return credential{source: source, config: config}, nil
}

// mostKeys bounds the keys of a document in an error.
const mostKeys = 5

// withoutLogin says in words for people that none of the documents has a login
// for the repository, and which they have instead. It returns "" if there is no
// document, or one has a login.
func withoutLogin(documents []pinsetter.Secret, repository name.Repository) string {
	var all []string
	for _, document := range documents {
		from, _, _ := strings.Cut(strings.Trim(document.String(), "[]"), ", key ")
		read, err := parseDockerConfig([]byte(document.Reveal()))
		if err != nil {
			continue
		}
		if key, _ := read.lookup(repository); key != "" {
			return ""
		}
		all = append(all, fmt.Sprintf("%s has no login for %s; it has: %s", from, repository.Name(), read.keys()))
	}
	return strings.Join(all, "; ")
}

// keys returns the keys of the entries for people, sorted.
func (c dockerConfig) keys() string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(c.Auths)) {
		place := pinsetter.Display(key[strings.LastIndex(key, "@")+1:]) // without user and password, if somebody wrote them there
		if c.Auths[key] == (dockerAuth{}) {
			place += " (an empty entry: its login is with a credential helper)"
		}
		all = append(all, place)
	}
	switch more := len(all) - mostKeys; {
	case len(all) == 0:
		return "none"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:mostKeys], ", "), more)
	}
	return strings.Join(all, ", ")
}
