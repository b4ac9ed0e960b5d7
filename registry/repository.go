package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// Repository is an image with the access to it. It is safe for concurrent use.
type Repository struct {
	*session
	key string
}

// Repository returns the image with the access to it. It sends no request.
// Image is "alpine", "ghcr.io/org/app" or "host:port/app", without scheme, tag
// or digest. The error says what is wrong with the image, or with the documents
// and certificates in the access, and quotes none of their content.
func (r *Registry) Repository(image string, a Access) (*Repository, error) {
	named, err := parse(image, a.Insecure)
	if err == nil && slices.Contains(r.options.PlainHTTP, named.RegistryStr()) {
		a.Insecure = true
		named, err = parse(image, true)
	}
	if err != nil {
		return nil, err
	}
	found, err := objectCredential(a.DockerConfigs, named)
	if err != nil {
		return nil, fmt.Errorf("look up credentials of %s: %w", named, err)
	}
	if a.Provider == "" && found.source == "" && r.options.Tokens[named.RegistryStr()] && !r.options.Anonymous {
		a.Provider = login.Kubernetes
	}
	if a.Provider != "" && found.source == "" {
		if _, err := login.CloudHostFor(a.Provider, named.RegistryStr()); err != nil {
			return nil, fmt.Errorf("log in to %s: %w", named.RegistryStr(), err)
		}
	}
	connection := a.connection()
	base, err := r.transport(connection, a)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", named.RegistryStr(), err)
	}
	ownTLS := len(a.TLS.CA) > 0 || len(a.TLS.Cert) > 0
	secrets := new(login.Scrubber)
	secrets.Keep("credential", found.secrets()...)
	secrets.Keep("proxy", a.proxyPasswords()...)
	at := &place{
		registry: r,
		name:     named,
		wire: &wire{
			base:    base,
			options: &r.options,
			host:    r.host,
			// Without insecure, private addresses may answer over plain HTTP,
			// as in Flux. An access with certificates of its own means TLS.
			plain:  a.Insecure || named.Scheme() == "http" && !ownTLS,
			answer: max(r.options.Answer, a.Answer),
		},
		connection: connection,
		secrets:    secrets,
	}
	return newRepository(at, found, a), nil
}

// newRepository returns the repository at a place, whose object has a credential
// or none.
func newRepository(at *place, found credential, a Access) *Repository {
	words := &reporter{
		place:     at,
		documents: a.DockerConfigs,
		advice:    cmp.Or(a.LoginAdvice, "name a Secret of type kubernetes.io/dockerconfigjson in secretRef"),
		timeout:   a.timeout(),
		ofObject:  a.Timeout > 0,
	}
	key := fmt.Sprintf("%s %t %s %s %q", at.name, at.wire.plain, at.connection, found.identity(), a.Provider)
	if a.Provider == login.Kubernetes {
		key += fmt.Sprintf(" %q", a.Token)
	}
	return &Repository{key: key, session: &session{
		reporter:  words,
		logins:    &logins{place: at, credential: found, provider: a.Provider, wanted: a.Token, proxy: a.Proxy, tls: a.TLS},
		tokens:    &tokens{reporter: words, write: a.Write, mountFrom: a.MountFrom},
		challenge: "challenge " + key,
	}}
}

// Canonical returns the image's full name: "index.docker.io/library/alpine" for
// "alpine".
func Canonical(image string) (string, error) {
	named, err := parse(image, false)
	if err != nil {
		return "", err
	}
	return named.Name(), nil
}

func parse(image string, insecure bool) (name.Repository, error) {
	options := []name.Option{name.WeakValidation}
	if insecure {
		options = append(options, name.Insecure)
	}
	named, err := name.NewRepository(image, options...)
	if err == nil {
		err = checkName(named)
	}
	if err != nil {
		return name.Repository{}, fmt.Errorf("image %s is not a repository name like ghcr.io/org/app (no scheme, no tag): %w", pinsetter.Quote(image), err)
	}
	return named, nil
}

// checkName refuses names that go-containerregistry accepts but that a URL
// would not read as a host and the path of an image.
func checkName(named name.Repository) error {
	if host := named.RegistryStr(); strings.HasSuffix(host, ":") {
		return fmt.Errorf("%q is not a host", host)
	}
	for part := range strings.SplitSeq(named.RepositoryStr(), "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("%q has an empty part, or dots for one", named.RepositoryStr())
		}
	}
	return nil
}

// Name returns the image's full name.
func (p *Repository) Name() string { return p.name.Name() }

// Key is equal for repositories that reach the same image in the same way: with
// the same credentials, TLS and proxy. It reveals no secret. The timeout is not
// part of it.
func (p *Repository) Key() string { return p.key }

// Timeout returns the bound on one call of Tags, Digest or Content.
func (p *Repository) Timeout() time.Duration { return p.timeout }
