package parts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Media types of Helm's charts (helm.sh/docs, "OCI-based registries") and of
// Flux's artifacts (fluxcd.io, "OCI artifacts").
const (
	helmConfig  types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	helmContent types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	fluxConfig  types.MediaType = "application/vnd.cncf.flux.config.v1+json"
	fluxContent types.MediaType = "application/vnd.cncf.flux.content.v1.tar+gzip"
)

// PushChart pushes versions of a Helm chart as an image whose last path element
// is the chart's name. Like Helm, it writes "_" for a version's "+" in the tag.
func (s *Shelf) PushChart(image string, versions ...string) {
	s.t.Helper()
	chart := image[strings.LastIndex(image, "/")+1:]
	for _, version := range versions {
		meta := map[string]string{"apiVersion": "v2", "name": chart, "version": version, "type": "application"}
		config, err := json.Marshal(meta)
		if err != nil {
			s.t.Fatalf("build a chart: %v", err)
		}
		img := s.artifact(helmConfig, config, helmContent, map[string]string{
			chart + "/Chart.yaml":               string(config) + "\n",
			chart + "/templates/configmap.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n",
		})
		s.put(image, strings.ReplaceAll(version, "+", "_"), img)
	}
}

// PushArtifact pushes an artifact under a tag, as Flux's command line does, and
// returns its digest. Revision is in Flux's form: "main@sha1:<hash>".
func (s *Shelf) PushArtifact(image, tag, revision string, files map[string]string) string {
	s.t.Helper()
	img := s.artifact(fluxConfig, []byte("{}"), fluxContent, files)
	return s.put(image, tag, mutate.Annotations(img, map[string]string{
		"org.opencontainers.image.created":  "1970-01-01T00:00:00Z",
		"org.opencontainers.image.source":   "https://example.test/" + image,
		"org.opencontainers.image.revision": revision,
	}).(v1.Image))
}

// artifact returns an image with the given config, and the files as its only
// layer.
func (s *Shelf) artifact(configType types.MediaType, config []byte, layerType types.MediaType, files map[string]string) v1.Image {
	s.t.Helper()
	layer := static.NewLayer(s.tgz(files), layerType)
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		s.t.Fatalf("build an artifact: %v", err)
	}
	return &artifactImage{Image: img, config: config, kind: configType}
}

func (s *Shelf) tgz(files map[string]string) []byte {
	s.t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	pack := tar.NewWriter(zip)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: path, Mode: 0o644, Size: int64(len(files[path]))}
		if err := pack.WriteHeader(header); err != nil {
			s.t.Fatalf("pack %s: %v", path, err)
		}
		if _, err := io.WriteString(pack, files[path]); err != nil {
			s.t.Fatalf("pack %s: %v", path, err)
		}
	}
	if err := pack.Close(); err != nil {
		s.t.Fatalf("pack: %v", err)
	}
	if err := zip.Close(); err != nil {
		s.t.Fatalf("pack: %v", err)
	}
	return out.Bytes()
}

// artifactImage is an image whose config is any document.
type artifactImage struct {
	v1.Image
	config []byte
	kind   types.MediaType
}

func (c *artifactImage) RawConfigFile() ([]byte, error) { return c.config, nil }
func (c *artifactImage) ConfigName() (v1.Hash, error)   { return partial.ConfigName(c) }
func (c *artifactImage) Digest() (v1.Hash, error)       { return partial.Digest(c) }
func (c *artifactImage) Size() (int64, error)           { return partial.Size(c) }
func (c *artifactImage) RawManifest() ([]byte, error)   { return partial.RawManifest(c) }

func (c *artifactImage) Manifest() (*v1.Manifest, error) {
	manifest, err := c.Image.Manifest()
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(c.config))
	if err != nil {
		return nil, err
	}
	manifest = manifest.DeepCopy()
	manifest.Config = v1.Descriptor{MediaType: c.kind, Size: size, Digest: digest, Data: nil}
	return manifest, nil
}
