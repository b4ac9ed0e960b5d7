package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/registry"
)

// Inspection is what a reference leads to. All of it is claims of publishers.
type Inspection struct {
	URL          string            `json:"url"` // "oci://HOST/REPOSITORY@DIGEST"
	Repository   string            `json:"repository"`
	Tag          string            `json:"tag,omitempty"`
	Digest       string            `json:"digest"`
	Kind         string            `json:"kind"` // image, chart, artifact or index
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Config       *Part             `json:"config,omitempty"`
	Layers       []Part            `json:"layers"`
	Manifests    []Part            `json:"manifests,omitempty"` // of an index
	Platforms    []string          `json:"platforms,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Referrers    []Referrer        `json:"referrers"`
}

// Part is a part of a manifest or an index.
type Part struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    string            `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Referrer is a signature or another artifact that refers to what is inspected.
type Referrer struct {
	Digest       string `json:"digest"`
	ArtifactType string `json:"artifactType,omitempty"`
	Signature    string `json:"signature,omitempty"` // "cosign" or "notation" if it is one
	Tag          string `json:"tag,omitempty"`       // of cosign 2, which uses tags
}

// Config media types of images and charts.
const (
	ociImageConfig    = "application/vnd.oci.image.config.v1+json"
	dockerImageConfig = "application/vnd.docker.container.image.v1+json"
	helmConfig        = "application/vnd.cncf.helm.config.v1+json"
)

// Artifact types of signatures: https://github.com/sigstore/cosign,
// specs/BUNDLE_SPEC.md, and https://github.com/notaryproject/specifications,
// signature-specification.md. A bundle of cosign may be an attestation as well.
const (
	bundlePrefix = "application/vnd.dev.sigstore.bundle"
	notationType = "application/vnd.cncf.notary.signature"
)

// Inspect returns what a reference leads to, and what refers to it. If the latter
// can't be read, the error says so, and the Inspection has the rest.
func Inspect(ctx context.Context, in *registry.Repository, r Reference) (*Inspection, error) {
	document, digest, err := read(ctx, in, r)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(document)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r, err)
	}
	found := &Inspection{
		URL: Reference{Repository: in.Name()}.pinned(digest), Repository: in.Name(), Tag: r.Tag, Digest: digest,
		Kind: m.kind(), MediaType: m.mediaType(), ArtifactType: m.ArtifactType, Annotations: m.Annotations,
		Layers: parts(m.Layers), Manifests: parts(m.Manifests), Referrers: []Referrer{},
	}
	if m.Config != nil {
		config := part(*m.Config)
		found.Config = &config
	}
	for _, one := range found.Manifests {
		if one.Platform != "" && !slices.Contains(found.Platforms, one.Platform) {
			found.Platforms = append(found.Platforms, one.Platform)
		}
	}
	if found.Kind == "image" {
		content, err := in.Content(ctx, digest)
		if err != nil {
			return found, err
		}
		found.Platforms = content.Platforms
	}
	found.Referrers, err = referrers(ctx, in, digest)
	return found, err
}

// kind returns what a manifest is, in a word.
func (m manifest) kind() string {
	switch {
	case m.Manifests != nil:
		return "index"
	case m.Config.MediaType == ociImageConfig && m.ArtifactType == "", m.Config.MediaType == dockerImageConfig:
		return "image"
	case m.Config.MediaType == helmConfig:
		return "chart"
	}
	return "artifact"
}

func parts(all []descriptor) []Part {
	found := []Part{}
	for _, d := range all {
		found = append(found, part(d))
	}
	return found
}

func part(d descriptor) Part {
	p := Part{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Annotations: d.Annotations}
	if at := d.Platform; at != nil && at.OS != "unknown" {
		p.Platform = at.OS + "/" + at.Architecture
		if at.Variant != "" {
			p.Platform += "/" + at.Variant
		}
	}
	return p
}

// maxReferrers bounds the referrers that are shown.
const maxReferrers = 1000

// referrers returns what refers to a digest, sorted: by the registry's API, by the
// index under a tag (which some clients write beside the API, too), and by the tags
// of cosign 2.
func referrers(ctx context.Context, in *registry.Repository, digest string) ([]Referrer, error) {
	all := func(registry.Referrer) bool { return true }
	listed, err := in.Referrers(ctx, digest, maxReferrers, all)
	if errors.Is(err, registry.ErrNoReferrersAPI) {
		err = nil
	}
	tagged, taggedErr := in.TaggedReferrers(ctx, digest, maxReferrers, all)
	failed := errors.Join(err, taggedErr)
	found, seen := []Referrer{}, map[string]bool{}
	for _, one := range append(listed, tagged...) {
		if !seen[one.Digest] {
			seen[one.Digest] = true
			found = append(found, Referrer{Digest: one.Digest, ArtifactType: one.ArtifactType, Signature: signatureOf(one.ArtifactType)})
		}
	}
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		tag := strings.Replace(digest, ":", "-", 1) + suffix
		at, err := in.Digest(ctx, tag)
		switch {
		case err == nil:
			found = append(found, Referrer{Digest: at, Tag: tag, Signature: map[string]string{".sig": "cosign"}[suffix]})
		case !errors.Is(err, registry.ErrNotFound):
			failed = errors.Join(failed, err)
		}
	}
	slices.SortFunc(found, func(a, b Referrer) int {
		return cmp.Or(strings.Compare(a.ArtifactType, b.ArtifactType), strings.Compare(a.Tag, b.Tag), strings.Compare(a.Digest, b.Digest))
	})
	return found, failed
}

// signatureOf returns the tool whose signatures have an artifact type; "" if none.
func signatureOf(artifactType string) string {
	switch {
	case strings.HasPrefix(artifactType, bundlePrefix):
		return "cosign"
	case artifactType == notationType:
		return "notation"
	}
	return ""
}

// String returns a word for people.
func (r Referrer) String() string {
	switch {
	case r.Signature != "":
		return "signature of " + r.Signature
	case r.Tag != "":
		return "tag " + r.Tag
	}
	return pinsetter.Printable(cmp.Or(r.ArtifactType, "of no type"))
}
