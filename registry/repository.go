package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// Repository is an image with the access to it. It is safe for concurrent use.
type Repository struct {
	registry   *Registry
	name       name.Repository
	wire       *wire
	connection string             // identity of the TLS and proxy settings
	credential credential         // the object's; zero: use the environment's
	documents  []pinsetter.Secret // the object's, that the credential is looked up in
	timeout    time.Duration
	ofObject   bool            // the timeout is an object's
	advice     string          // how to give a login, for people
	secrets    *login.Scrubber // knows all secrets that are sent
	provider   string          // that logs in; "": none
	wanted     pinsetter.TokenWanted
	proxy      *pinsetter.Proxy
	tls        pinsetter.TLS
	write      bool     // ask for the right to push
	mountFrom  []string // repositories to mount blobs from
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
	base, err := r.transport(a)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", named.RegistryStr(), err)
	}
	ownTLS := len(a.TLS.CA) > 0 || len(a.TLS.Cert) > 0
	secrets := new(login.Scrubber)
	secrets.Keep("credential", found.secrets()...)
	secrets.Keep("proxy", a.proxyPasswords()...)
	return &Repository{
		secrets:  secrets,
		registry: r,
		name:     named,
		wire: &wire{
			base:    base,
			options: r.options,
			host:    r.host,
			// Without insecure, private addresses may answer over plain HTTP,
			// as in Flux. An access with certificates of its own means TLS.
			plain:  a.Insecure || named.Scheme() == "http" && !ownTLS,
			answer: max(r.options.Answer, a.Answer),
		},
		connection: a.connection(),
		credential: found,
		documents:  a.DockerConfigs,
		timeout:    a.timeout(),
		ofObject:   a.Timeout > 0,
		advice:     cmp.Or(a.LoginAdvice, "name a Secret of type kubernetes.io/dockerconfigjson in secretRef"),
		provider:   a.Provider,
		wanted:     a.Token,
		proxy:      a.Proxy,
		tls:        a.TLS,
		write:      a.Write,
		mountFrom:  a.MountFrom,
	}, nil
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
func (p *Repository) Key() string {
	key := fmt.Sprintf("%s %t %s %s %q", p.name, p.wire.plain, p.connection, p.credential.identity(), p.provider)
	if p.provider == login.Kubernetes {
		key += fmt.Sprintf(" %q", p.wanted)
	}
	return key
}

// Timeout returns the bound on one call of Tags, Digest or Content.
func (p *Repository) Timeout() time.Duration { return p.timeout }

// manifestTypes are the media types that a tag may refer to.
var manifestTypes = []string{
	string(types.OCIImageIndex),
	string(types.DockerManifestList),
	string(types.OCIManifestSchema1),
	string(types.DockerManifestSchema2),
}

// maxManifest bounds a manifest or an image's config in bytes. The
// specification asks registries to accept manifests of at least 4 MiB.
const maxManifest = 4 << 20

// Digest returns the digest of a tag, "sha256:…": that of the index if the
// image has one, else of the manifest. It believes the registry's header;
// without the header it reads and hashes the manifest. The error wraps
// ErrNotFound if there is no such tag.
func (p *Repository) Digest(ctx context.Context, tag string) (string, error) {
	if !pinsetter.ValidTag(tag) {
		return "", fmt.Errorf("get digest of %s: %s is not a tag", p.name, pinsetter.Quote(tag))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	digest, err := p.head(ctx, tag)
	if err != nil {
		return "", fmt.Errorf("get digest of %s:%s: %w", p.name, tag, p.told(err))
	}
	return digest, nil
}

// Has reports whether the registry has a manifest with a digest, whatever its
// tags. It believes the registry's status.
func (p *Repository) Has(ctx context.Context, digest string) (bool, error) {
	if !pinsetter.ValidDigest(digest) {
		return false, fmt.Errorf("ask for %s: %s is not a digest like sha256:<64 hex digits>", p.name, pinsetter.Quote(digest))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	got, err := p.head(ctx, digest)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("ask for %s@%s: %w", p.name, digest, p.told(err))
	}
	return got == digest, nil
}

func (p *Repository) manifest(tag string) func(string) string {
	return func(origin string) string {
		return origin + "/v2/" + p.name.RepositoryStr() + "/manifests/" + tag
	}
}

// head asks for the digest by HEAD, and by GET if that doesn't tell: some
// registries refuse HEAD, and no answer to it has words.
func (p *Repository) head(ctx context.Context, tag string) (string, error) {
	response, with, err := p.send(ctx, http.MethodHead, p.manifest(tag), strings.Join(manifestTypes, ", "))
	if err != nil {
		return "", err
	}
	if busy(response) {
		return "", p.statusError(response, with)
	}
	discard(response)
	if response.StatusCode == http.StatusOK {
		if digest, err := namedDigest(response); err != nil || digest != "" {
			return digest, err
		}
	}
	return p.get(ctx, tag)
}

// otherDigest matches a digest by any algorithm
// (https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests).
var otherDigest = pinsetter.Pattern(`^[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$`)

// namedDigest returns the digest that the registry names, "" if it names none
// that is well-formed. One by another algorithm than SHA-256 is an error: the
// registry may have nothing under the SHA-256 of the same bytes.
func namedDigest(response *http.Response) (string, error) {
	said := response.Header.Get("Docker-Content-Digest")
	switch {
	case pinsetter.ValidDigest(said):
		return said, nil
	case !strings.HasPrefix(said, "sha256:") && otherDigest().MatchString(said):
		return "", fmt.Errorf("the registry names the digest %s, and only digests like sha256:<64 hex digits> are written: have the image pushed with one", pinsetter.Quote(said))
	}
	return "", nil
}

// get reads the manifest and returns its hash.
func (p *Repository) get(ctx context.Context, tag string) (string, error) {
	response, with, err := p.send(ctx, http.MethodGet, p.manifest(tag), strings.Join(manifestTypes, ", "))
	if err != nil {
		return "", err
	}
	defer discard(response)
	if response.StatusCode != http.StatusOK {
		return "", p.statusError(response, with)
	}
	named, err := namedDigest(response)
	if err != nil {
		return "", err
	}
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	if !slices.Contains(manifestTypes, strings.TrimSpace(kind)) {
		return "", fmt.Errorf("the registry names no valid digest, and answers with a manifest of type %s, whose digest is not that of its bytes", pinsetter.Quote(kind))
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxManifest+1))
	if err != nil {
		return "", fmt.Errorf("read manifest: %w", err)
	}
	if len(data) > maxManifest {
		return "", errors.New("the registry names no valid digest, and the manifest is larger than 4 MiB")
	}
	hash := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(hash[:])
	if named != "" && named != digest {
		return "", fmt.Errorf("the registry says that the digest is %s, and the manifest it sends has %s", named, digest)
	}
	return digest, nil
}
