package artifact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// build builds on an artifact and pushes what it built under a tag of a repository. It
// returns what was built on, the new manifest, and its digest.
func build(t *testing.T, from, to *registry.Repository, digest, tag string, files map[string][]byte, annotations map[string]string) (*artifact.Base, []byte, string) {
	t.Helper()
	base, err := artifact.OpenBase(t.Context(), from, digest, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Close)
	if err := base.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	built, err := base.Build(t.Context(), files, annotations)
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	if err := built.PushParts(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if _, err := to.PushManifest(t.Context(), tag, built.MediaType(), built.Document); err != nil {
		t.Fatal(err)
	}
	return base, built.Document, built.Digest
}

// TestBuild: an artifact that is built on another one differs in the files that were
// given, and in its annotations. Flux pulls it.
func TestBuild(t *testing.T) {
	t.Run("go-containerregistry", func(t *testing.T) {
		r := parts.NewRegistry(t, parts.RegistryOptions{})
		testBuild(t, r.Image("org/app"), r.Image("org/live"))
	})
	t.Run("distribution", func(t *testing.T) {
		r := parts.NewDistribution(t, parts.DistributionOptions{})
		testBuild(t, r.Image("org/app"), r.Image("org/live"))
		flux, dir := parts.Need(t, "flux-artifact"), t.TempDir()
		if out, err := exec.Command(flux, "pull", "oci://"+r.Image("org/live")+":live", "--output", dir).CombinedOutput(); err != nil {
			t.Fatalf("flux pull: %v: %s", err, out)
		}
		to := repository(t, r.Image("org/live"), registry.Access{})
		if diff := cmp.Diff(pull(t, to, artifact.Reference{Repository: r.Image("org/live"), Tag: "live"}), files(t, dir)); diff != "" {
			t.Errorf("Flux pulls something else:\n%s", diff)
		}
	})
}

func testBuild(t *testing.T, source, target string) {
	from, to := repository(t, source, registry.Access{Insecure: true}), repository(t, target, registry.Access{Insecure: true})
	pushed := push(t, from, "main", folder(tree(t, content)))
	was := pull(t, from, artifact.Reference{Repository: source, Tag: "main"})

	// Without a change the layer stays, so that the registry has it once.
	_, document, _ := build(t, from, to, pushed.Digest, "same", nil, map[string]string{"pinsetter.dev/base": pushed.Digest})
	if got := pull(t, to, artifact.Reference{Repository: target, Tag: "same"}); cmp.Diff(was, got) != "" {
		t.Error(cmp.Diff(was, got))
	}
	original, err := from.Manifest(t.Context(), pushed.Digest)
	if err != nil {
		t.Fatal(err)
	}
	want, got := object(t, original), object(t, document)
	want["annotations"].(map[string]any)["pinsetter.dev/base"] = pushed.Digest
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	changed := map[string][]byte{"deploy.yaml": []byte("kind: StatefulSet # longer\n")}
	base, document, digest := build(t, from, to, pushed.Digest, "live", changed, nil)
	was["deploy.yaml"] = string(changed["deploy.yaml"])
	if got := pull(t, to, artifact.Reference{Repository: target, Tag: "live"}); cmp.Diff(was, got) != "" {
		t.Error(cmp.Diff(was, got))
	}
	again, err := base.Build(t.Context(), changed, nil)
	if err != nil || again.Digest != digest || !bytes.Equal(again.Document, document) {
		t.Errorf("built again it is %s, and was %s: %v", again.Digest, digest, err)
	}
	again.Close()
}

func object(t *testing.T, document []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(document, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestBuildKeepsTheRest: layers, fields and annotations that nobody here knows stay.
func TestBuildKeepsTheRest(t *testing.T) {
	r := parts.NewRegistry(t, parts.RegistryOptions{})
	from, to := repository(t, r.Image("org/app"), registry.Access{}), repository(t, r.Image("org/live"), registry.Access{})
	blob := func(text string) string {
		if _, err := from.PushBlob(t.Context(), registry.BytesBlob([]byte(text))); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`"digest":%q,"size":%d`, registry.DigestOf([]byte(text)), len(text))
	}
	document := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"x/y","extra":{"b":1,"a":"<&>"},
	"config":{"mediaType":"application/vnd.oci.empty.v1+json",` + blob("{}") + `,"data":"e30="},
	"layers":[{"mediaType":"text/plain",` + blob("notes") + `,"urls":["https://example.test"]},
	{"mediaType":"application/yaml",` + blob("a: 1\n") + `,"annotations":{"org.opencontainers.image.title":"app.yaml","k":"v"},"data":"YTogMQo="}],
	"annotations":{"a":"<b>"}}`
	digest, err := from.PushManifest(t.Context(), "main", "application/vnd.oci.image.manifest.v1+json", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	base, err := artifact.OpenBase(t.Context(), from, digest, "application/yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	if err := base.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := base.Files(t.Context(), artifact.Wanted{Most: 100})
	if err != nil || len(found) != 1 || found[0].Name != "app.yaml" || string(found[0].Data) != "a: 1\n" {
		t.Fatalf("%+v, %v", found, err)
	}
	built, err := base.Build(t.Context(), map[string][]byte{"app.yaml": []byte("a: 22\n")}, map[string]string{"b": "c"})
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	if err := built.PushParts(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(registry.DigestOf([]byte("a: 1\n")), registry.DigestOf([]byte("a: 22\n")), `"size":5,"annotations"`, `"size":6,"annotations"`,
		`,"data":"YTogMQo="`, "", `{"a":"<b>"}`, `{"a":"<b>","b":"c"}`).Replace(document)
	if diff := cmp.Diff(object(t, []byte(want)), object(t, built.Document)); diff != "" {
		t.Error(diff)
	}
	if _, err := to.PushManifest(t.Context(), built.Digest, built.MediaType(), built.Document); err != nil {
		t.Error(err)
	}
}

func TestOpenBaseRefuses(t *testing.T) {
	r := parts.NewRegistry(t, parts.RegistryOptions{})
	from := repository(t, r.Image("org/app"), registry.Access{})
	index := r.PushIndex("org/app", "index", "linux/amd64", "linux/arm64")
	image := r.PushContent("org/app", "image", "content")
	pushed := push(t, from, "main", folder(tree(t, content)))
	document, err := from.Manifest(t.Context(), pushed.Digest)
	if err != nil {
		t.Fatal(err)
	}
	put := func(was, is string) string {
		digest, err := from.PushManifest(t.Context(), "x", "application/vnd.oci.image.manifest.v1+json", bytes.Replace(document, []byte(was), []byte(is), 1))
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	for name, test := range map[string]struct{ digest, mediaType, want string }{
		"index":       {index, "", "it is an index"},
		"image":       {image, "", "it is a container image"},
		"other layer": {pushed.Digest, "x/y", "it has no layer x/y"},
		"zstd":        {put("content.v1.tar+gzip", "content.v1.tar+zstd"), "", "is compressed by zstd"},
		"gone":        {"sha256:" + strings.Repeat("0", 64), "", "404"},
	} {
		if _, err := artifact.OpenBase(t.Context(), from, test.digest, test.mediaType); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
