package artifact

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter/registry"
)

// Pushed says where an artifact was pushed to.
type Pushed struct {
	URL        string        `json:"url"`        // "oci://HOST/REPOSITORY@DIGEST"
	Repository string        `json:"repository"` // "HOST/REPOSITORY"
	Tag        string        `json:"tag"`
	Digest     string        `json:"digest"`
	Layer      registry.Sent `json:"layer"` // how the content came to the registry
}

// Push pushes a layer as an artifact under a tag: the layer, the config, then the
// manifest. What the registry has isn't sent, and if the tag names the artifact
// already, nothing is. Sending is told of the layer's bytes that went out; nil: nobody
// is told.
func Push(ctx context.Context, to *registry.Repository, tag string, l *Layer, m Metadata, sending func(sent int64)) (Pushed, error) {
	document, config, err := documents(l, m)
	if err != nil {
		return Pushed{}, err
	}
	digest := registry.DigestOf(document)
	done := Pushed{
		URL: Reference{Repository: to.Name()}.pinned(digest), Repository: to.Name(), Tag: tag, Digest: digest,
		Layer: registry.SentNothing,
	}
	switch there, err := to.Digest(ctx, tag); {
	case err == nil && there == digest:
		return done, nil
	case err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrDenied):
		return Pushed{}, err // some registries deny to look for what isn't there yet
	}
	if done.Layer, err = to.PushBlob(ctx, l.blob(sending)); err != nil {
		return Pushed{}, err
	}
	if _, err := to.PushBlob(ctx, registry.BytesBlob(config)); err != nil {
		return Pushed{}, err
	}
	_, err = to.PushManifest(ctx, tag, manifestType, document)
	return done, err
}

// Tag makes further tags of a repository name what a reference of it names, and
// returns its digest. An index, an image or a chart is tagged as well. A tag that
// can't be written doesn't stop the others.
func Tag(ctx context.Context, in *registry.Repository, r Reference, tags []string) (string, error) {
	document, digest, err := read(ctx, in, r)
	if err != nil {
		return "", err
	}
	m, err := parseManifest(document)
	if err != nil {
		return "", fmt.Errorf("tag %s: %w", r, err)
	}
	var failed error
	for _, tag := range tags {
		_, err := in.PushManifest(ctx, tag, m.mediaType(), document)
		failed = errors.Join(failed, err)
	}
	return digest, failed
}

// indexType is the media type of an index
// (https://github.com/opencontainers/image-spec, image-index.md).
const indexType = "application/vnd.oci.image.index.v1+json"

// mediaType returns the media type that the document has or, since it may be left out
// in those of OCI, must have.
func (m manifest) mediaType() string {
	switch {
	case m.MediaType != "":
		return m.MediaType
	case m.Manifests != nil:
		return indexType
	}
	return manifestType
}

// read returns the manifest or index that a reference names, and its digest. With a
// digest the tag doesn't count.
func read(ctx context.Context, in *registry.Repository, r Reference) (document []byte, digest string, err error) {
	if r.Digest != "" {
		document, err = in.Manifest(ctx, r.Digest)
		return document, r.Digest, err
	}
	document, err = in.TaggedManifest(ctx, r.Tag)
	return document, registry.DigestOf(document), err
}
