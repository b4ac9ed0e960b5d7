package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pinsetter/pinsetter"
)

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
	digest, err := reader{p.session}.head(ctx, tag)
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
	got, err := reader{p.session}.head(ctx, digest)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("ask for %s@%s: %w", p.name, digest, p.told(err))
	}
	return got == digest, nil
}

// head asks for the digest by HEAD, and by GET if HEAD doesn't give it: some
// registries refuse HEAD, and its answer has no words.
func (r reader) head(ctx context.Context, tag string) (string, error) {
	response, with, err := r.send(ctx, http.MethodHead, r.manifest(tag), strings.Join(manifestTypes, ", "))
	if err != nil {
		return "", err
	}
	if busy(response) {
		return "", r.statusError(response, with)
	}
	discard(response)
	if response.StatusCode == http.StatusOK {
		if digest, err := namedDigest(response); err != nil || digest != "" {
			return digest, err
		}
	}
	return r.get(ctx, tag)
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
func (r reader) get(ctx context.Context, tag string) (string, error) {
	response, with, err := r.send(ctx, http.MethodGet, r.manifest(tag), strings.Join(manifestTypes, ", "))
	if err != nil {
		return "", err
	}
	defer discard(response)
	if response.StatusCode != http.StatusOK {
		return "", r.statusError(response, with)
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
