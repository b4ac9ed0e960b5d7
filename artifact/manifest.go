package artifact

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/pinsetter/pinsetter/registry"
)

// manifestType is the media type of a manifest
// (https://github.com/opencontainers/image-spec, manifest.md).
const manifestType = "application/vnd.oci.image.manifest.v1+json"

// manifest is a manifest or an index. Its fields stand in the order in which
// go-containerregistry, and so Flux, writes them: the digest depends on it.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        *descriptor       `json:"config,omitempty"`
	Layers        []descriptor      `json:"layers,omitempty"`
	Manifests     []descriptor      `json:"manifests,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
	Subject       *descriptor       `json:"subject,omitempty"`
}

// descriptor is what a manifest says of a part of it.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Size         int64             `json:"size"`
	Digest       string            `json:"digest"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Platform     *platform         `json:"platform,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

// platform is what an image runs on.
type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// Metadata is what an artifact says about its origin.
type Metadata struct {
	Source      string
	Revision    string
	Created     time.Time
	Annotations map[string]string // further ones; they win over the others
}

// annotations returns the annotations of the artifact. All three of Flux's are there,
// also if they are empty.
func (m Metadata) annotations() map[string]string {
	all := map[string]string{
		annotationCreated:  m.Created.UTC().Format(time.RFC3339),
		annotationSource:   m.Source,
		annotationRevision: m.Revision,
	}
	maps.Copy(all, m.Annotations)
	return all
}

// documents returns the manifest of a layer, and its config, as Flux's packages write
// them. The error is for a time that isn't one.
func documents(l *Layer, m Metadata) (manifestJSON, config []byte, err error) {
	annotations := m.annotations()
	created, err := time.Parse(time.RFC3339, annotations[annotationCreated])
	if err != nil {
		return nil, nil, fmt.Errorf("annotation %s: %q is no time like 2024-01-02T03:04:05Z", annotationCreated, annotations[annotationCreated])
	}
	config, err = json.Marshal(newConfig(created))
	if err != nil {
		return nil, nil, err
	}
	manifestJSON, err = json.Marshal(manifest{
		SchemaVersion: 2,
		MediaType:     manifestType,
		Config:        &descriptor{MediaType: configType, Size: int64(len(config)), Digest: registry.DigestOf(config)},
		Layers:        []descriptor{{MediaType: l.MediaType, Size: l.Size, Digest: l.Digest}},
		Annotations:   annotations,
	})
	return manifestJSON, config, err
}

// fluxConfig is the config that Flux's packages write: that of an empty image, with a
// time.
type fluxConfig struct {
	Architecture string    `json:"architecture"`
	Created      time.Time `json:"created"`
	OS           string    `json:"os"`
	RootFS       struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	Config struct{} `json:"config"`
}

func newConfig(created time.Time) fluxConfig {
	c := fluxConfig{Created: created}
	c.RootFS.Type = "layers"
	return c
}

// parseManifest reads a manifest or an index. A document that is both is an error,
// since clients would disagree about it (CVE-2021-41190).
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return manifest{}, fmt.Errorf("it is no manifest: %w", err)
	}
	switch {
	case m.Config == nil && m.Manifests == nil:
		return manifest{}, fmt.Errorf("it is neither a manifest nor an index")
	case m.Config != nil && m.Manifests != nil:
		return manifest{}, fmt.Errorf("it is both a manifest and an index")
	}
	return m, nil
}
