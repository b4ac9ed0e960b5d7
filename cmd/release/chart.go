package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// The chart's folder in the tree, and the media types of its artifact by helm's
// "OCI chart support" (HIP 6).
const (
	chartDir         = "deploy/chart"
	chartConfigType  = "application/vnd.cncf.helm.config.v1+json"
	chartContentType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// semver is a version as charts must have it (SemVer 2, without v).
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

var notSemver = regexp.MustCompile(`[^0-9A-Za-z-]+`)

// chartVersion returns the chart's version for one of git's, such as 1.2.3 for
// v1.2.3. A version that isn't a release's ranks below all releases.
func chartVersion(version string) string {
	if v := strings.TrimPrefix(version, "v"); semver.MatchString(v) {
		return v
	}
	return "0.0.0-git-" + notSemver.ReplaceAllString(version, "-")
}

// chart packs the chart with the release's version and returns its bytes, which
// are the same for the same commit.
func (s source) chart() ([]byte, error) {
	var entries []entry
	err := filepath.WalkDir(chartDir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(chartDir, path)
		if err != nil {
			return err
		}
		if inside == "Chart.yaml" {
			if data, err = s.describe(data); err != nil {
				return err
			}
		}
		entries = append(entries, entry{name: "pinsetter/" + filepath.ToSlash(inside), mode: 0o644, data: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pack the chart: %w", err)
	}
	return tarball(s.date, entries)
}

var chartVersions = regexp.MustCompile(`(?m)^(version|appVersion): .*$`)

// describe writes the release's version into Chart.yaml. The image has it as
// tag.
func (s source) describe(chart []byte) ([]byte, error) {
	if n := len(chartVersions.FindAll(chart, -1)); n != 2 {
		return nil, fmt.Errorf("%s/Chart.yaml has %d lines of versions, want two", chartDir, n)
	}
	return chartVersions.ReplaceAllFunc(chart, func(line []byte) []byte {
		if strings.HasPrefix(string(line), "version") {
			return fmt.Appendf(nil, "version: %s", chartVersion(s.version))
		}
		return fmt.Appendf(nil, "appVersion: %q", s.version)
	}), nil
}

// chartName is the file of the chart, as helm calls it.
func (s source) chartName() string { return "pinsetter-" + chartVersion(s.version) + ".tgz" }

// writeChart packs the chart into the folder of the release.
func (b *builder) writeChart() error {
	packed, err := b.chart()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, b.chartName()), packed, 0o644)
}

// pushChart sends the chart of a release to a registry, with the login of the
// Docker configuration, under REGISTRY/REPOSITORY/pinsetter and its version. So
// `helm install oci://REGISTRY/REPOSITORY/pinsetter` finds it.
func pushChart(ctx context.Context, s source, dir, to string) (v1.Hash, error) {
	packed, err := os.ReadFile(filepath.Join(dir, s.chartName()))
	if err != nil {
		return v1.Hash{}, err
	}
	image, err := s.chartArtifact(packed)
	if err != nil {
		return v1.Hash{}, err
	}
	tag, err := name.NewTag(to+"/pinsetter:"+strings.ReplaceAll(chartVersion(s.version), "+", "_"), name.StrictValidation)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := remote.Write(tag, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return v1.Hash{}, fmt.Errorf("push %s: %w", tag, err)
	}
	return image.Digest()
}

// chartArtifact is a packed chart as registries keep it: its content, with
// Chart.yaml in JSON as the configuration.
func (s source) chartArtifact(packed []byte) (v1.Image, error) {
	text, err := os.ReadFile(filepath.Join(chartDir, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	if text, err = s.describe(text); err != nil {
		return nil, err
	}
	a := artifact{content: static.NewLayer(packed, chartContentType)}
	if a.config, err = yaml.YAMLToJSON(text); err != nil {
		return nil, err
	}
	content, err := partial.Descriptor(a.content)
	if err != nil {
		return nil, err
	}
	hash, size, err := v1.SHA256(bytes.NewReader(a.config))
	if err != nil {
		return nil, err
	}
	about := s.annotations()
	about["org.opencontainers.image.version"] = chartVersion(s.version)
	a.manifest, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        v1.Descriptor{MediaType: chartConfigType, Digest: hash, Size: size},
		Layers:        []v1.Descriptor{*content},
		Annotations:   about,
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(a)
}

// artifact is a manifest with a configuration of its own type and one layer. It
// implements [partial.CompressedImageCore].
type artifact struct {
	config, manifest []byte
	content          v1.Layer
}

func (a artifact) RawConfigFile() ([]byte, error)      { return a.config, nil }
func (a artifact) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a artifact) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	hash, err := a.content.Digest()
	if err == nil && h != hash {
		err = fmt.Errorf("there is no layer %s", h)
	}
	return a.content, err
}
