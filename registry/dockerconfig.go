package registry

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// dockerConfig is what is used of a Docker configuration file, which is also
// the content of a Secret of type kubernetes.io/dockerconfigjson. The format is
// that of https://docs.docker.com/reference/cli/docker/login/ with the keys
// that https://kubernetes.io/docs/concepts/containers/images/ allows: hosts
// with "*" in their labels, and paths.
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

// parseDockerConfig reads a document. Its error quotes nothing of it.
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

// lookup returns the key of the entry for the repository, and how closely it
// names it: the one with the longest path, then the one without "*" in its host,
// then the first by key. Entries without any credential, which docker login
// leaves behind for credential helpers, are passed over. The key is empty when
// there is none.
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

// match says how closely an entry's key names a repository.
type match struct {
	hit   bool
	path  int // length of the path that agrees
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

// matchHost compares label by label, so that "*" never spans a dot. A port has to
// be the same.
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

// config returns the entry as go-containerregistry takes it. The error names
// nothing of the entry's values.
func (a dockerAuth) config() (authn.AuthConfig, error) {
	config := authn.AuthConfig{
		Username:      a.Username,
		Password:      a.Password,
		IdentityToken: a.IdentityToken,
		RegistryToken: a.RegistryToken,
	}
	if a.Auth == "" {
		return config, nil
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(a.Auth), "="))
	user, password, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok {
		return authn.AuthConfig{}, errors.New("its auth is not user:password in base64")
	}
	config.Username, config.Password = user, strings.TrimRight(password, "\x00")
	return config, nil
}

// credential is what is sent to a registry, and for people where it is from.
// The zero credential is that of nobody.
type credential struct {
	source string // such as "secret flux-system/ghcr"; "": nobody's
	config authn.AuthConfig
}

// identity tells credentials apart without showing them.
func (c credential) identity() string {
	return identity(c.source, c.config.Username, c.config.Password, c.config.Auth, c.config.IdentityToken, c.config.RegistryToken)
}

// secrets returns what of the credential is sent, in the ways that it is.
func (c credential) secrets() []pinsetter.Secret {
	named := func(value string) pinsetter.Secret { return pinsetter.NewSecret("credentials of "+c.source, value) }
	return append(login.SentAs(c.config.Username, named(c.config.Password)), named(c.config.IdentityToken), named(c.config.RegistryToken))
}

func (c credential) authenticator() authn.Authenticator {
	if c.source == "" {
		return authn.Anonymous
	}
	return authn.FromConfig(c.config)
}

// objectCredential returns the credential for the repository in the documents:
// that of the entry that names it most closely, as lookup has it, in the first
// document of several that have one; the zero credential when none has. What is
// wrong with a document counts only where no other has a credential.
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

// credential returns the credential for the repository, the zero one when there
// is none. Source says where the configuration is from.
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
