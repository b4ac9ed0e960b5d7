package resolve_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/resolve"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/source"
)

// at resolves an OCIRepository with that rest of its spec.
func at(t *testing.T, image, rest string) *resolve.Resolution {
	t.Helper()
	text := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: x}\nspec:\n  url: oci://" + image + "\n  " + rest + "\n"
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(text)}}, config.Options{Artifacts: true})
	if len(set.Artifacts) != 1 {
		t.Fatalf("%d artifacts: %v", len(set.Artifacts), set.Findings)
	}
	return resolve.OCI(context.Background(), scanner.New(registry.New(registry.Options{}), time.Now), nil, set.Artifacts[0], nil)
}

// TestIndex: of an index Flux takes the image for linux/amd64, and none without.
func TestIndex(t *testing.T) {
	r := parts.NewRegistry(t, parts.RegistryOptions{})
	r.PushIndex("org/app", "1.0.0", "linux/arm64", "linux/amd64")
	r.PushIndex("org/app", "2.0.0", "linux/arm64")
	found := at(t, r.Image("org/app"), "ref: {tag: 1.0.0}")
	if found.Err != nil || found.Digest != r.Digest("org/app", "1.0.0") || len(found.Notes) == 0 || !strings.Contains(found.Notes[0], "index, of which Flux takes") {
		t.Errorf("%+v", found)
	}
	found = at(t, r.Image("org/app"), "ref: {tag: 2.0.0}")
	if found.Err == nil || !strings.Contains(found.Error, "without an image for linux/amd64") {
		t.Errorf("%+v", found)
	}
}

// TestNothingListed: a repository that has only signatures is no OCIRepository's
// exclusion list.
func TestNothingListed(t *testing.T) {
	r := parts.NewRegistry(t, parts.RegistryOptions{})
	r.SetTags("org/app", "sha256-"+strings.Repeat("0", 64)+".sig")
	found := at(t, r.Image("org/app"), "ref: {semver: '*'}")
	if found.Err == nil || !strings.Contains(found.Error, "is the artifact itself tagged?") || strings.Contains(found.Error, "exclusionList") {
		t.Errorf("%v", found.Err)
	}
}

// TestCredentials: the Secret's credentials are used, and one that is missing is said.
func TestCredentials(t *testing.T) {
	r := parts.NewRegistry(t, parts.RegistryOptions{})
	r.PushArtifact("org/m", "1.0.0", "main@sha1:0", map[string]string{"a.yaml": "a: 1\n"})
	found := at(t, r.Image("org/m"), "ref: {tag: 1.0.0}\n  certSecretRef: {name: ca}")
	if found.Err == nil || !strings.Contains(found.Error, "spec.certSecretRef.name: Secret default/ca was not given") {
		t.Errorf("%v", found.Err)
	}
}
