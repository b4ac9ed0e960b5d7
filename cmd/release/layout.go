package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image writes the layout and returns the digest of its index of platforms. In
// the layout, the index is tagged with the version, and the SBOM of each
// platform is beside it.
func (b *builder) image(ctx context.Context, platforms []string) (v1.Hash, error) {
	roots, err := rootsLayer(b.date)
	if err != nil {
		return v1.Hash{}, err
	}
	index := mutate.IndexMediaType(mutate.Annotations(empty.Index, b.annotations()).(v1.ImageIndex), types.OCIImageIndex)
	var boms []v1.Image
	for _, name := range platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return v1.Hash{}, fmt.Errorf("platform %q: %w", name, err)
		}
		made, err := b.binary(ctx, *platform)
		if err != nil {
			return v1.Hash{}, err
		}
		image, err := b.imageOf(*platform, roots, made)
		if err != nil {
			return v1.Hash{}, err
		}
		bom, err := b.sbomOf(image, *platform, made)
		if err != nil {
			return v1.Hash{}, err
		}
		boms = append(boms, bom)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	return b.write(index, boms)
}

// write writes the layout of an index and its SBOMs.
func (b *builder) write(index v1.ImageIndex, boms []v1.Image) (v1.Hash, error) {
	path, err := layout.Write(filepath.Join(b.dir, "image"), empty.Index)
	if err != nil {
		return v1.Hash{}, err
	}
	named := map[string]string{"org.opencontainers.image.ref.name": b.version}
	if err := path.AppendIndex(index, layout.WithAnnotations(named)); err != nil {
		return v1.Hash{}, err
	}
	for _, bom := range boms {
		if err := path.AppendImage(bom); err != nil {
			return v1.Hash{}, err
		}
	}
	return index.Digest()
}

// Paths in the image. The user is "nonroot" of distroless images, as usual in
// securityContexts.
const (
	program = "usr/local/bin/pinsetter"
	home    = "var/lib/pinsetter"
	user    = 65532
)

// imageOf adds a binary to the layer of roots.
func (s source) imageOf(platform v1.Platform, roots v1.Layer, made binary) (v1.Image, error) {
	layer, err := newLayer(s.date, []entry{
		{name: "usr/", mode: 0o755}, {name: "usr/local/", mode: 0o755}, {name: "usr/local/bin/", mode: 0o755},
		{name: program, mode: 0o755, data: made.data},
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		s.addendum(roots, "certificate authorities, the user, a folder for the state"),
		s.addendum(layer, "pinsetter "+s.version),
	)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Variant = platform.OS, platform.Architecture, platform.Variant
	file.Created = v1.Time{Time: s.date}
	file.Config = v1.Config{
		Entrypoint: []string{"/" + program},
		User:       fmt.Sprintf("%d:%d", user, user),
		WorkingDir: "/",
		Env:        []string{"PATH=/usr/local/bin", "HOME=/" + home, "PINSETTER_STATE=sqlite:/" + home + "/state.db"},
		Labels:     s.annotations(),
	}
	image, err = mutate.ConfigFile(image, file)
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(image, s.annotations()).(v1.Image), nil
}

// addendum returns a layer with its line for the image's history.
func (s source) addendum(layer v1.Layer, comment string) mutate.Addendum {
	return mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{
		Created: v1.Time{Time: s.date}, CreatedBy: "cmd/release", Comment: comment,
	}}
}

// annotations describe the origin of the image, with the names of the OCI image
// specification ("Pre-Defined Annotation Keys").
func (s source) annotations() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "pinsetter",
		"org.opencontainers.image.description": "Keeps image tags, digests, chart versions and OCI references in Git up to date, by policy",
		"org.opencontainers.image.source":      "https://github.com/pinsetter/pinsetter",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     s.version,
		"org.opencontainers.image.revision":    s.revision,
		"org.opencontainers.image.created":     s.date.Format(time.RFC3339),
	}
}
