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
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Content is what an image or artifact says about itself. Only its publisher
// vouches for it.
type Content struct {
	// Created is the build time in UTC. It is zero if the content has none, or
	// a year before there were images, as reproducible builds write.
	Created time.Time

	// Platforms are "os/arch[/variant]" as written, sorted, without duplicates.
	// Nil for artifacts that are no image, such as charts; empty for an image
	// that names none.
	Platforms []string

	// Builds are the images that Platforms name, sorted. A single image is its
	// own. Nil where Platforms is.
	Builds []pinsetter.Build

	// Source and Revision say what the image was built from: the label or
	// annotation org.opencontainers.image.source and .revision, or "". The
	// source of a chart that has no annotation is that of its Chart.yaml.
	// Publishers may write anything there.
	Source, Revision string
}

// note fills in missing fields from annotations.
func (c *Content) note(annotations notes) {
	if c.Created.IsZero() {
		c.Created = created(annotations.created)
	}
	c.Source, c.Revision = cmp.Or(c.Source, annotations.source), cmp.Or(c.Revision, annotations.revision)
}

// Content returns what the content under a digest says about itself. Everything
// it reads is checked against its digest, so the answer never changes.
//
// The platform and time of an image come from its config. The platforms of an
// index are those of its entries, without attestations. If the entries name
// none, and for the time, Content reads the first image, which takes two more
// requests. Other artifacts, and images whose config has no time, get their
// time from the annotation org.opencontainers.image.created. The config of a
// chart is read if no annotation names its source, as Helm's does from the first
// of the sources in Chart.yaml.
//
// Registries that count pulls count a call as one or two. The error wraps
// ErrNotFound if the registry doesn't have the content or a part of it that was
// needed.
func (p *Repository) Content(ctx context.Context, digest string) (Content, error) {
	if !pinsetter.ValidDigest(digest) {
		return Content{}, fmt.Errorf("read content of %s: %s is not a digest like sha256:<64 hex digits>", p.name, pinsetter.Quote(digest))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	found, err := reader{p.session}.content(ctx, digest)
	if err != nil {
		return Content{}, fmt.Errorf("read content of %s@%s: %w", p.name, digest, p.told(err))
	}
	found.Source, found.Revision = p.secrets.Text(found.Source), p.secrets.Text(found.Revision)
	return found, nil
}

// reader reads the manifests and blobs of a repository.
type reader struct{ *session }

// content reads an image, an index or another artifact.
func (r reader) content(ctx context.Context, digest string) (Content, error) {
	m, err := r.readManifest(ctx, digest)
	if err != nil {
		return Content{}, err
	}
	if m.Manifests == nil {
		return r.single(ctx, digest, m)
	}
	found := Content{Builds: m.Manifests.builds()}
	if first, ok := m.Manifests.first(); ok {
		image, err := r.entry(ctx, first)
		if err != nil {
			return Content{}, fmt.Errorf("manifest %s of the index: %w", pinsetter.Display(first), err)
		}
		found.Created, found.Source, found.Revision = image.Created, image.Source, image.Revision
		if len(found.Builds) == 0 {
			found.Builds = image.Builds
		}
	}
	found.Platforms = platformsOf(found.Builds)
	found.note(m.Annotations)
	return found, nil
}

// entry reads the image that an index names by its digest.
func (r reader) entry(ctx context.Context, digest string) (Content, error) {
	m, err := r.readManifest(ctx, digest)
	if err != nil {
		return Content{}, err
	}
	if m.Manifests != nil {
		return Content{}, errors.New("it is an index, and the index says that it is an image")
	}
	return r.single(ctx, digest, m)
}

// single reads the config of the manifest of an image or a chart with a digest.
// Other artifacts have none.
func (r reader) single(ctx context.Context, digest string, m manifest) (Content, error) {
	found := Content{}
	if m.Config.isImage() {
		data, err := r.document(ctx, m.Config.Digest, "blobs", "*/*")
		if err != nil {
			return Content{}, fmt.Errorf("config %s: %w", pinsetter.Display(m.Config.Digest), err)
		}
		config, err := parseConfig(data)
		if err != nil {
			return Content{}, fmt.Errorf("config %s: %w", m.Config.Digest, err)
		}
		found = Content{
			Created: created(config.Created), Builds: sortedBuilds(config.platform.build(digest)),
			Source: config.Config.source, Revision: config.Config.revision,
		}
		found.Platforms = platformsOf(found.Builds)
	}
	found.note(m.Annotations)
	if m.Config.MediaType == chartConfigType && found.Source == "" {
		data, err := r.document(ctx, m.Config.Digest, "blobs", "*/*")
		if err != nil {
			return Content{}, fmt.Errorf("config %s: %w", pinsetter.Display(m.Config.Digest), err)
		}
		found.note(parseChart(data))
	}
	return found, nil
}

func (r reader) readManifest(ctx context.Context, digest string) (manifest, error) {
	data, err := r.document(ctx, digest, "manifests", strings.Join(manifestTypes, ", "))
	if err != nil {
		return manifest{}, err
	}
	return parseManifest(data)
}

// document reads the JSON document with a digest from under "manifests" or
// "blobs". For blobs, registries redirect to other hosts, which get no
// credentials.
func (r reader) document(ctx context.Context, digest, under, accept string) ([]byte, error) {
	if !pinsetter.ValidDigest(digest) {
		return nil, fmt.Errorf("%s is not a digest like sha256:<64 hex digits>", pinsetter.Quote(digest))
	}
	at := func(origin string) string {
		return origin + "/v2/" + r.name.RepositoryStr() + "/" + under + "/" + digest
	}
	return unbroken(ctx, r.registry.options, func() ([]byte, error) {
		response, with, err := r.send(ctx, http.MethodGet, at, accept)
		if err != nil {
			return nil, err
		}
		defer discard(response)
		if response.StatusCode != http.StatusOK {
			return nil, r.statusError(response, with)
		}
		return r.verified(response, digest)
	})
}

// verified reads an answer and fails unless it has the digest.
func (r reader) verified(response *http.Response, digest string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(response.Body, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off after %d bytes: %w", len(data), err)
	}
	if len(data) > maxManifest {
		return nil, fmt.Errorf("it is larger than %d MiB, which is more than is read of a manifest or a config", maxManifest>>20)
	}
	hash := sha256.Sum256(data)
	if got := "sha256:" + hex.EncodeToString(hash[:]); got != digest {
		return nil, fmt.Errorf("the registry answers with something else, whose digest is %s (Content-Type %s, begins with %s); is %s a registry, or a login page or proxy before one?",
			got, pinsetter.Quote(response.Header.Get("Content-Type")), r.beginning(string(data)), r.name.RegistryStr())
	}
	return data, nil
}
