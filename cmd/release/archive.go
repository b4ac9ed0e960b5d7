package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// archives writes, for each platform, an archive with the program and the pages
// that go with it, and its SBOM; then the chart, and checksums.txt, as sha256sum -c
// reads it.
func (b *builder) archives(ctx context.Context, platforms []string) error {
	pages, err := readPages()
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	publish := func(name string, data []byte) error {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
		return os.WriteFile(filepath.Join(b.dir, name), data, 0o644)
	}
	for _, name := range platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return fmt.Errorf("platform %q: %w", name, err)
		}
		made, err := b.binary(ctx, *platform)
		if err != nil {
			return err
		}
		ending, pack, file := ".tar.gz", tarball, "pinsetter"
		if platform.OS == "windows" {
			ending, pack, file = ".zip", zipped, "pinsetter.exe"
		}
		packed, err := pack(b.date, append([]entry{{name: file, mode: 0o755, data: made.data}}, pages...))
		if err != nil {
			return err
		}
		base := fmt.Sprintf("pinsetter_%s_%s_%s", b.version, platform.OS, platform.Architecture)
		if err := publish(base+ending, packed); err != nil {
			return err
		}
		if err := publish(base+".cdx.json", made.sbom); err != nil {
			return err
		}
	}
	chart, err := b.chart()
	if err != nil {
		return err
	}
	if err := publish(b.chartName(), chart); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, "checksums.txt"), sums.Bytes(), 0o644)
}

// readPages reads the files that accompany the program in an archive.
func readPages() ([]entry, error) {
	var pages []entry
	for _, name := range []string{
		"CHANGELOG.md", "LICENSE", "README.md",
		"deploy/cron/pinsetter", "deploy/pinsetter.env",
		"deploy/systemd/pinsetter-serve.service", "deploy/systemd/pinsetter.service", "deploy/systemd/pinsetter.timer",
	} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		pages = append(pages, entry{name: name, mode: 0o644, data: data})
	}
	return pages, nil
}

// tarball packs entries as a gzipped tar.
func tarball(date time.Time, entries []entry) ([]byte, error) {
	packed, err := pack(date, entries)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(packed); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// zipped packs entries as a zip.
func zipped(date time.Time, entries []entry) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: date}
		header.SetMode(os.FileMode(e.mode))
		file, err := w.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
		if _, err := file.Write(e.data); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.name, err)
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
