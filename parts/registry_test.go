package parts

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func list(t *testing.T, image string, options ...remote.Option) []string {
	t.Helper()
	repo, err := name.NewRepository(image)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(repo, options...)
	if err != nil {
		t.Fatal(err)
	}
	return tags
}

func TestRegistryPagesWithLinks(t *testing.T) {
	r := NewRegistry(t, RegistryOptions{PageSize: 2})
	r.Push("org/app", "1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0")
	want := []string{"1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0"}
	if diff := cmp.Diff(want, list(t, r.Image("org/app"))); diff != "" {
		t.Errorf("tags: %s", diff)
	}
	if got := r.Log.Count(http.MethodGet, "org/app/tags/list"); got != 3 {
		t.Errorf("%d requests for 5 tags by 2", got)
	}
	r.Delete("org/app", "2.0.0")
	if got := len(list(t, r.Image("org/app"))); got != 4 {
		t.Errorf("%d tags after one of 5 went", got)
	}
}

func TestRegistryTakesManyTagsQuickly(t *testing.T) {
	r := NewRegistry(t, RegistryOptions{})
	tags := make([]string, 10_000)
	for i := range tags {
		tags[i] = fmt.Sprintf("1.0.%05d", i)
	}
	begin := time.Now()
	r.PushSame("org/app", tags...)
	t.Logf("%v", time.Since(begin))
	r.Push("org/other", tags[:500]...)
	t.Logf("%v", time.Since(begin))
	if got := len(list(t, r.Image("org/app"))); got != len(tags) {
		t.Errorf("%d tags", got)
	}
	if r.Digest("org/other", tags[0]) == r.Digest("org/other", tags[1]) {
		t.Error("two tags, one digest")
	}
}

func TestRegistryDemandsWhatItIsAskedTo(t *testing.T) {
	ca := NewCA(t)
	r := NewRegistry(t, RegistryOptions{FrontOptions: FrontOptions{
		TLS: &TLS{CA: ca}, User: "bot", Password: "secret",
	}})
	r.PushIndex("org/app", "1.0.0", "linux/amd64", "linux/arm64")
	r.PushChart("charts/app", "1.0.0+b1")
	r.PushArtifact("manifests/app", "v1", "main@sha1:0", map[string]string{"a.yaml": "a: 1\n"})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
	defer transport.CloseIdleConnections()
	repo, err := name.NewRepository(r.Image("charts/app"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.List(repo, remote.WithTransport(transport)); err == nil {
		t.Error("anonymous got in")
	}
	login := remote.WithAuth(&authn.Basic{Username: "bot", Password: "secret"})
	if diff := cmp.Diff([]string{"1.0.0_b1"}, list(t, r.Image("charts/app"), remote.WithTransport(transport), login)); diff != "" {
		t.Error(diff)
	}
}

func TestArtifactsHaveTheirMediaTypes(t *testing.T) {
	r := NewRegistry(t, RegistryOptions{})
	r.PushChart("charts/app", "1.0.0")
	r.PushArtifact("manifests/app", "v1", "main@sha1:0", map[string]string{"a.yaml": "a: 1\n"})
	for image, want := range map[string][2]types.MediaType{
		"charts/app:1.0.0": {helmConfig, helmContent},
		"manifests/app:v1": {fluxConfig, fluxContent},
	} {
		ref, err := name.ParseReference(r.Image(image))
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(ref)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		got := [2]types.MediaType{manifest.Config.MediaType, manifest.Layers[0].MediaType}
		if got != want {
			t.Errorf("%s: %v, want %v", image, got, want)
		}
		if err := validate.Image(img, validate.Fast); err != nil {
			t.Errorf("%s: %v", image, err)
		}
	}
}

func TestRegistryWithTokens(t *testing.T) {
	tokens := NewTokenServer(t, TokenOptions{Users: map[string]string{"bot": "secret"}})
	r := NewRegistry(t, RegistryOptions{Tokens: tokens})
	r.Push("org/app", "1.0.0")
	repo, err := name.NewRepository(r.Image("org/app"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.List(repo); err == nil {
		t.Error("anonymous got in")
	}
	list(t, r.Image("org/app"), remote.WithAuth(&authn.Basic{Username: "bot", Password: "secret"}))
	if got := tokens.Issued("repository:org/app:pull"); got != 1 {
		t.Errorf("%d tokens", got)
	}
}

func TestRegistryListsWhatItIsTold(t *testing.T) {
	r := NewRegistry(t, RegistryOptions{PageSize: 2})
	want := []string{"b", "-not-a-tag", "a"}
	r.SetTags("org/app", want...)
	if diff := cmp.Diff(want, list(t, r.Image("org/app"))); diff != "" {
		t.Error(diff)
	}
}
