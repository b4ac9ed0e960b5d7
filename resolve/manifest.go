package resolve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/registry"
)

// Kind is what an artifact is, by the media type of its config.
type Kind string

// The kinds of artifacts.
const (
	KindFlux     Kind = "flux"     // what flux push artifact makes
	KindChart    Kind = "chart"    // a Helm chart
	KindImage    Kind = "image"    // a container image
	KindArtifact Kind = "artifact" // anything else
)

// manifest is what is read of a manifest or an index
// (https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md).
type manifest struct {
	Config struct {
		MediaType string `json:"mediaType"`
	} `json:"config"`
	Layers []struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	} `json:"layers"`
	Manifests []struct {
		Digest   string `json:"digest"`
		Platform struct {
			OS           string `json:"os"`
			Architecture string `json:"architecture"`
		} `json:"platform"`
	} `json:"manifests"`
	Annotations map[string]any `json:"annotations"`
}

func readManifest(ctx context.Context, image *registry.Repository, digest string) (*manifest, error) {
	data, err := image.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("read manifest %s of %s: %w", digest, image.Name(), err)
	}
	return m, nil
}

func parseManifest(data []byte) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, errors.New("it is not the JSON of a manifest")
	}
	return m, nil
}

// child returns the digest of the image that go-containerregistry takes of an index
// for those who name no platform, "" without one.
func (m *manifest) child() string {
	for _, c := range m.Manifests {
		if c.Platform.OS == "linux" && c.Platform.Architecture == "amd64" && pinsetter.ValidDigest(c.Digest) {
			return c.Digest
		}
	}
	return ""
}

func (m *manifest) kind() Kind {
	switch m.Config.MediaType {
	case "application/vnd.cncf.flux.config.v1+json":
		return KindFlux
	case "application/vnd.cncf.helm.config.v1+json":
		return KindChart
	case "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json":
		return KindImage
	}
	return KindArtifact
}

// origin returns what the annotations say, escaped for display.
func (m *manifest) origin() Origin {
	text := func(key string) string {
		value, _ := m.Annotations["org.opencontainers.image."+key].(string)
		return pinsetter.Printable(value)
	}
	return Origin{Source: text("source"), Revision: text("revision"), Created: text("created")}
}

// layer returns the first layer of a media type, or the first of all for "".
func (m *manifest) layer(mediaType string) (*Layer, error) {
	types := make([]string, 0, len(m.Layers))
	for _, l := range m.Layers {
		if mediaType == "" || l.MediaType == mediaType {
			if !pinsetter.ValidDigest(l.Digest) {
				return nil, errors.New("its layer has no digest like sha256:<64 hex digits>")
			}
			return &Layer{MediaType: pinsetter.Printable(l.MediaType), Digest: l.Digest, Size: l.Size}, nil
		}
		types = append(types, pinsetter.Printable(l.MediaType))
	}
	if mediaType == "" {
		return nil, errors.New("it has no layers")
	}
	return nil, fmt.Errorf("it has no layer of spec.layerSelector.mediaType %q; it has %s", mediaType, strings.Join(types, ", "))
}

// explain returns the verdicts of the range, without the way out that an ImagePolicy
// has: an OCIRepository extracts nothing from a tag.
func explain(tags []string, src *fleet.OCISource) []pinsetter.Verdict {
	verdicts, _ := src.Versions.Explain(policy.NewTags(tags)) // a range ranks whatever tags there are
	for i := range verdicts {
		verdicts[i].Reason, _, _ = strings.Cut(verdicts[i].Reason, ": filterTags")
	}
	return verdicts
}
