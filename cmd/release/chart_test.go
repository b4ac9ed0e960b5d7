package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pinsetter/pinsetter/parts"
)

func TestChartVersionsAreSemVer(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":              "1.2.3",
		"v1.2.3-rc.1":         "1.2.3-rc.1",
		"v1.2.3-4-gabc-dirty": "1.2.3-4-gabc-dirty",
		"6ad61fd":             "0.0.0-git-6ad61fd",
		"0123456":             "0.0.0-git-0123456",
		"release/1.2_x":       "0.0.0-git-release-1-2-x",
	} {
		if got := chartVersion(version); got != want || !semver.MatchString(got) {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
	}
}

// unpacked returns the files of a packed chart.
func unpacked(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(plain); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(data)
	}
}

func TestTheChartHasTheReleasesVersionAndIsReproducible(t *testing.T) {
	t.Chdir("../..")
	s := source{version: "v1.2.3", revision: "abc", date: time.Unix(1700000000, 0).UTC()}
	packed, err := s.chart()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.chart(); err != nil || !bytes.Equal(packed, again) {
		t.Errorf("packed twice, and not the same: %v", err)
	}
	files := unpacked(t, packed)
	if about := files["pinsetter/Chart.yaml"]; !strings.Contains(about, "\nversion: 1.2.3\n") || !strings.Contains(about, "\nappVersion: \"v1.2.3\"\n") {
		t.Errorf("Chart.yaml:\n%s", about)
	}
	for _, name := range []string{"values.yaml", "values.schema.json", "templates/_helpers.tpl", "templates/NOTES.txt", "files/prometheus-rules.yaml"} {
		if files["pinsetter/"+name] == "" {
			t.Errorf("the chart has no %s", name)
		}
	}

	registry := parts.NewRegistry(t, parts.RegistryOptions{})
	dir := t.TempDir()
	if err := (&builder{source: s, dir: dir}).writeChart(); err != nil {
		t.Fatal(err)
	}
	digest, err := pushChart(t.Context(), s, dir, registry.Image("charts"))
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(registry.Image("charts") + "/pinsetter:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(tag)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pulled.Digest(); err != nil || got != digest {
		t.Errorf("pulled %s, pushed %s: %v", got, digest, err)
	}
	manifest, err := pulled.Manifest()
	if err != nil || manifest.Config.MediaType != chartConfigType || manifest.Layers[0].MediaType != chartContentType {
		t.Errorf("manifest %+v, %v", manifest, err)
	}
	if config, err := pulled.RawConfigFile(); err != nil || !strings.Contains(string(config), `"version":"1.2.3"`) {
		t.Errorf("configuration %s, %v", config, err)
	}
}
