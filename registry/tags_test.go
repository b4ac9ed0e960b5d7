package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// numbered returns n tags, ascending by bytes.
func numbered(n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("1.0.%06d", i)
	}
	return tags
}

// descending returns the tags as listings have them.
func descending(tags []string) []string {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	slices.Reverse(tags)
	return tags
}

// open returns an image with the access, of a Registry that asks nobody for
// credentials.
func open(t *testing.T, image string, a registry.Access) *registry.Repository {
	t.Helper()
	return openWith(t, registry.Options{Anonymous: true}, image, a)
}

func openWith(t *testing.T, o registry.Options, image string, a registry.Access) *registry.Repository {
	t.Helper()
	repository, err := registry.New(o).Repository(image, a)
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

// wantTags fails unless the image has exactly these tags.
func wantTags(t *testing.T, repository *registry.Repository, want []string) {
	t.Helper()
	got, err := repository.Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(descending(want), got.Tags); diff != "" {
		t.Fatalf("tags of %s (-want +got):\n%s", repository.Name(), diff)
	}
}

func TestTagsAreDescendingAndDistinct(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("org/app", "b", "a", "b", "B", "1.10.0", "1.9.0")
	wantTags(t, open(t, server.Image("org/app"), registry.Access{}), []string{"b", "a", "B", "1.9.0", "1.10.0"})
}
