package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// sbomTool reads the modules that Go records in a binary.
	sbomTool = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0"

	// sbomType is the media type of CycloneDX in JSON, as registered with IANA.
	sbomType = "application/vnd.cyclonedx+json"
)

// sbom returns the bill of materials of a binary, in JSON.
func (s source) sbom(ctx context.Context, path string) ([]byte, error) {
	env := []string{"GOFLAGS=", "GOOS=", "GOARCH="} // the tool runs on this machine
	listed, err := output(ctx, env, "go", "run", sbomTool, "bin", "-json", "-std", "-noserial", "-version", s.version, path)
	if err != nil {
		return nil, err
	}
	return s.reproducible([]byte(listed))
}

// sbomOf returns the bill of materials of a platform's image: an artifact with
// that image as subject, by which registries find it (OCI distribution
// specification 1.1, "Listing Referrers").
func (s source) sbomOf(image v1.Image, platform v1.Platform, made binary) (v1.Image, error) {
	subject, err := partial.Descriptor(image)
	if err != nil {
		return nil, err
	}
	artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), sbomType)
	artifact, err = mutate.Append(artifact, mutate.Addendum{Layer: static.NewLayer(made.sbom, sbomType)})
	if err != nil {
		return nil, err
	}
	about := mutate.Annotations(artifact, map[string]string{
		"org.opencontainers.image.title":   fmt.Sprintf("pinsetter_%s_%s_%s.cdx.json", s.version, platform.OS, platform.Architecture),
		"org.opencontainers.image.created": s.date.Format(time.RFC3339),
	}).(v1.Image)
	return mutate.Subject(about, *subject).(v1.Image), nil
}

// reproducible sets the commit's time in a bill of materials, and removes the
// digests of the tool that wrote it, since the tool is built anew on each
// machine.
func (s source) reproducible(data []byte) ([]byte, error) {
	var bom map[string]any
	if err := json.Unmarshal(data, &bom); err != nil {
		return nil, err
	}
	about, ok := bom["metadata"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s wrote no metadata", sbomTool)
	}
	about["timestamp"] = s.date.Format(time.RFC3339)
	tools, _ := about["tools"].([]any)
	for _, tool := range tools {
		if named, ok := tool.(map[string]any); ok {
			delete(named, "hashes")
		}
	}
	return json.MarshalIndent(bom, "", "  ")
}
