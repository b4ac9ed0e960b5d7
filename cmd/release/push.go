package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// push sends a layout to a registry, under a tag, with the login of the Docker
// configuration. It sends the SBOMs first, so that whoever sees the tag finds
// them.
func push(ctx context.Context, dir, to string) (v1.Hash, error) {
	tag, err := name.NewTag(to, name.StrictValidation)
	if err != nil {
		return v1.Hash{}, err
	}
	all, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("read layout %s: %w", dir, err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		return v1.Hash{}, err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	var index v1.ImageIndex
	for _, child := range manifest.Manifests {
		if child.MediaType == types.OCIImageIndex {
			if index, err = all.ImageIndex(child.Digest); err != nil {
				return v1.Hash{}, err
			}
			continue
		}
		bom, err := all.Image(child.Digest)
		if err != nil {
			return v1.Hash{}, err
		}
		if err := remote.Write(tag.Digest(child.Digest.String()), bom, options...); err != nil {
			return v1.Hash{}, fmt.Errorf("push SBOM %s: %w", child.Digest, err)
		}
	}
	if index == nil {
		return v1.Hash{}, errors.New("the layout holds no index of platforms")
	}
	if err := remote.WriteIndex(tag, index, options...); err != nil {
		return v1.Hash{}, fmt.Errorf("push %s: %w", tag, err)
	}
	return index.Digest()
}
