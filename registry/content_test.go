package registry_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

const (
	ociManifest      = "application/vnd.oci.image.manifest.v1+json"
	ociIndex         = "application/vnd.oci.image.index.v1+json"
	ociConfig        = "application/vnd.oci.image.config.v1+json"
	dockerConfigType = "application/vnd.docker.container.image.v1+json"
	helmConfig       = "application/vnd.cncf.helm.config.v1+json"
)

var builtAt = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

const (
	amd64 = `{"os":"linux","architecture":"amd64","created":"2026-01-02T03:04:05.000006Z"}`
	armv7 = `{"os":"linux","architecture":"arm","variant":"v7","created":"2026-01-02T05:04:05.000006+02:00"}`
)

// held is documents by their digest, as a registry serves them.
type held map[string]string

func (h held) add(document string) (digest string) {
	digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(document)))
	h[digest] = document
	return digest
}

// image adds a config and its manifest, with annotations where there are any.
func (h held) image(kind, config, annotations string) (digest string) {
	return h.add(fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":%q,"digest":%q},"layers":[],"annotations":{%s}}`,
		kind, h.add(config), annotations))
}

func (h held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	digest := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	document, ok := h[digest]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = fmt.Fprint(w, document)
}

// entry returns that of an index.
func entry(digest, platform string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"platform":{%s}}`, ociManifest, digest, platform)
}

func wantContent(t *testing.T, repository *registry.Repository, digest string, want registry.Content) {
	t.Helper()
	got, err := repository.Content(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	var built []string // that the builds are of these platforms is all that is checked here
	for _, b := range got.Builds {
		built = append(built, b.Platform)
	}
	if built = slices.Compact(built); !slices.Equal(built, got.Platforms) || (got.Builds == nil) != (got.Platforms == nil) {
		t.Errorf("content of %s: builds for %q, platforms %q", digest, built, got.Platforms)
	}
	got.Builds = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("content of %s (-want +got):\n%s", digest, diff)
	}
}

// TestBuilds: an index has the images of its entries, each with its platform; a
// single image is its own, and so is the first of an index without platforms.
func TestBuilds(t *testing.T) {
	h := held{}
	image, arm := h.image(ociConfig, amd64, ""), h.image(dockerConfigType, armv7, "")
	index := func(entries ...string) string { return h.add(`{"manifests":[` + strings.Join(entries, ",") + `]}`) }
	onAmd64, onArm := entry(image, `"os":"linux","architecture":"amd64"`), entry(arm, `"os":"linux","architecture":"arm"`)
	server := answering(t, h.ServeHTTP)
	repository := openWith(t, quick(registry.Options{Retries: -1}), server.Addr+"/app", registry.Access{})
	for digest, want := range map[string][]pinsetter.Build{
		image:                 {{Platform: "linux/amd64", Digest: image}},
		index(onArm, onAmd64): {{Platform: "linux/amd64", Digest: image}, {Platform: "linux/arm", Digest: arm}},
		index(onAmd64, onAmd64, entry("sha256:x", `"os":"linux","architecture":"arm"`)): {{Platform: "linux/amd64", Digest: image}, {Platform: "linux/arm"}},
		index(fmt.Sprintf(`{"mediaType":%q,"digest":%q}`, ociManifest, arm)):            {{Platform: "linux/arm/v7", Digest: arm}},
	} {
		got, err := repository.Content(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Builds); diff != "" {
			t.Errorf("builds of %s (-want +got):\n%s", digest, diff)
		}
	}
}

func TestContentOfWhatToolsPush(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	repository := open(t, server.Image("org/app"), registry.Access{})
	index := server.PushIndex("org/app", "2.0.0", "linux/arm64/v8", "linux/amd64", "unknown/unknown")
	artifact := server.PushArtifact("org/app", "3.0.0", "main@sha1:0", map[string]string{"a.yaml": "a: 1"})
	server.PushChart("org/app", "4.0.0")
	server.Log.Reset()

	wantContent(t, repository, index, registry.Content{Platforms: []string{"linux/amd64", "linux/arm64/v8"}})
	if got := server.Log.Count(http.MethodGet, "/org/app/"); got != 3 {
		t.Errorf("%d requests; want 3: the index, a manifest and its config", got)
	}
	server.Log.Reset()
	wantContent(t, repository, artifact, registry.Content{Source: "https://example.test/org/app", Revision: "main@sha1:0"})
	if got := server.Log.Count(http.MethodGet, "/blobs/"); got != 0 {
		t.Errorf("%d configs were read of what is no image", got)
	}
	wantContent(t, repository, server.Digest("org/app", "4.0.0"), registry.Content{})

	// This one's config has no platform.
	wantContent(t, repository, server.PushContent("org/app", "1.0.0", "content"), registry.Content{Platforms: []string{}})
}

func TestContent(t *testing.T) {
	h := held{}
	const annotated = `"org.opencontainers.image.created":"2026-01-02T03:04:05.000006Z"`
	image, arm := h.image(ociConfig, amd64, ""), h.image(dockerConfigType, armv7, "")
	timeless := h.image(ociConfig, `{"os":"linux","architecture":"amd64","created":"1970-01-01T00:00:01Z"}`, "")
	chart := h.image(helmConfig, `{}`, annotated)
	attestation := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"platform":{"os":"linux","architecture":"s390x"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}`, ociManifest, chart)
	unknown := entry(chart, `"os":"unknown","architecture":"unknown"`)
	index := func(annotations string, entries ...string) string {
		return h.add(fmt.Sprintf(`{"mediaType":%q,"manifests":[%s],"annotations":{%s}}`, ociIndex, strings.Join(entries, ","), annotations))
	}
	bare := func(digest string) string { return fmt.Sprintf(`{"mediaType":%q,"digest":%q}`, ociManifest, digest) }
	nested := fmt.Sprintf(`{"mediaType":%q,"digest":%q}`, ociIndex, index(""))
	onAmd64, onArm := entry(image, `"os":"linux","architecture":"amd64"`), entry(arm, `"os":"linux","architecture":"arm","variant":"v7"`)

	server := answering(t, h.ServeHTTP)
	repository := openWith(t, quick(registry.Options{Retries: -1}), server.Addr+"/app", registry.Access{})
	for name, test := range map[string]struct {
		digest string
		want   registry.Content
	}{
		"image":            {image, registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}}},
		"Docker's image":   {arm, registry.Content{Created: builtAt, Platforms: []string{"linux/arm/v7"}}},
		"built in 1970":    {timeless, registry.Content{Platforms: []string{"linux/amd64"}}},
		"year zero":        {h.image(ociConfig, `{"os":"a","architecture":"b","created":"0001-01-01T00:00:00Z"}`, ""), registry.Content{Platforms: []string{"a/b"}}},
		"no time at all":   {h.image(ociConfig, `{"os":"a","architecture":"b","created":"yesterday"}`, ""), registry.Content{Platforms: []string{"a/b"}}},
		"annotated image":  {h.image(ociConfig, `{}`, annotated), registry.Content{Created: builtAt, Platforms: []string{}}},
		"hostile platform": {h.image(ociConfig, `{"os":"linux\u001b[2J","architecture":"amd64"}`, ""), registry.Content{Platforms: []string{}}},
		"chart":            {chart, registry.Content{Created: builtAt}},
		"labels":           {h.image(ociConfig, `{"config":{"Labels":{"org.opencontainers.image.source":"https://x/y","org.opencontainers.image.revision":"abc"}}}`, annotated), registry.Content{Created: builtAt, Platforms: []string{}, Source: "https://x/y", Revision: "abc"}},
		"strange labels":   {h.image(ociConfig, `{"config":{"Labels":{"org.opencontainers.image.source":{"a":1},"org.opencontainers.image.revision":7}}}`, `"org.opencontainers.image.source":"https://x/y"`), registry.Content{Platforms: []string{}, Source: "https://x/y"}},
		"no labels":        {h.image(ociConfig, `{"config":"none"}`, `"org.opencontainers.image.created":[1]`), registry.Content{Platforms: []string{}}},
		"sourced chart":    {h.image(helmConfig, `{"sources":["https://x/y","https://z"],"home":"https://w","annotations":{"org.opencontainers.image.revision":"abc"}}`, annotated), registry.Content{Created: builtAt, Source: "https://x/y", Revision: "abc"}},
		"annotated chart":  {h.image(helmConfig, `{"sources":["https://x/y"]}`, `"org.opencontainers.image.source":"https://z"`), registry.Content{Source: "https://z"}},
		"chart at home":    {h.image(helmConfig, `{"sources":[""],"home":"https://w"}`, ""), registry.Content{Source: "https://w"}},
		"strange chart":    {h.image(helmConfig, `{"sources":{"a":1},"home":[7],"annotations":"none"}`, annotated), registry.Content{Created: builtAt}},
		"chart of no JSON": {h.image(helmConfig, `sources: []`, annotated), registry.Content{Created: builtAt}},
		"undated chart":    {h.image(helmConfig, `{}`, `"org.opencontainers.image.created":"v1"`), registry.Content{}},
		"empty config":     {h.image("application/vnd.oci.empty.v1+json", `{}`, ""), registry.Content{}},

		"index":                 {index("", onArm, onAmd64, onAmd64), registry.Content{Created: builtAt, Platforms: []string{"linux/amd64", "linux/arm/v7"}}},
		"attestations":          {index("", attestation, unknown, onAmd64), registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}}},
		"only attestations":     {index("", attestation, unknown), registry.Content{Platforms: []string{}}},
		"annotated index":       {index(annotated, entry(timeless, `"os":"linux","architecture":"amd64"`)), registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}}},
		"an image before":       {index("", bare(chart), onAmd64), registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}}},
		"no platforms":          {index("", bare(arm), bare(image)), registry.Content{Created: builtAt, Platforms: []string{"linux/arm/v7"}}},
		"of artifacts":          {index("", bare(chart)), registry.Content{Created: builtAt}},
		"empty":                 {index(""), registry.Content{Platforms: []string{}}},
		"of indexes":            {index("", nested), registry.Content{Platforms: []string{}}},
		"malformed platforms":   {index("", onAmd64, entry(image, `"os":"linux","architecture":"a/b"`), entry(image, `"os":"linux","architecture":"arm","variant":"\u202e"`)), registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}}},
		"the most entries":      {index("", slices.Repeat([]string{onAmd64}, 1000)...), registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}}},
		"platforms that repeat": {index("", onArm, onArm), registry.Content{Created: builtAt, Platforms: []string{"linux/arm/v7"}}},
	} {
		t.Run(name, func(t *testing.T) { wantContent(t, repository, test.digest, test.want) })
	}
}

func TestContentOfBadAnswers(t *testing.T) {
	h := held{}
	absent := "sha256:" + strings.Repeat("0", 64)
	wrong := "sha256:" + strings.Repeat("1", 64)
	h[wrong] = "<html>\x1b[31mlogin</html>"
	image := h.image(ociConfig, amd64, "")
	manifestOf := func(config string) string {
		return h.add(fmt.Sprintf(`{"config":{"mediaType":%q,"digest":%q}}`, ociConfig, config))
	}
	indexOf := func(digest string) string { return h.add(`{"manifests":[` + entry(digest, "") + `]}`) }
	huge := h.add(`{"config":{}}` + strings.Repeat(" ", 4<<20))

	server := answering(t, h.ServeHTTP)
	repository := openWith(t, quick(registry.Options{Retries: -1}), server.Addr+"/app", registry.Access{})
	for name, test := range map[string]struct {
		digest string
		kind   error
		want   string
	}{
		"no digest":        {"1.0.0", nil, `read content of HOST/app: "1.0.0" is not a digest like sha256:<64 hex digits>`},
		"another path":     {"../tags/list", nil, `"../tags/list" is not a digest`},
		"absent":           {absent, registry.ErrNotFound, `read content of HOST/app@` + absent + `: 404 Not Found`},
		"something else":   {wrong, nil, `the registry answers with something else, whose digest is sha256:`},
		"HTML":             {wrong, nil, `begins with "<html>\x1b[31mlogin</html>"); is HOST a registry, or a login page or proxy before one?`},
		"pushed HTML":      {h.add("<html>"), nil, `read manifest: invalid character '<'`},
		"too large":        {huge, nil, `it is larger than 4 MiB`},
		"neither":          {h.add(`{"schemaVersion":1,"fsLayers":[]}`), nil, `it is neither the manifest of an image or artifact nor an index`},
		"both":             {h.add(`{"config":{},"manifests":[]}`), nil, `it is both a manifest and an index`},
		"10,000 entries":   {h.add(`{"manifests":[{}` + strings.Repeat(",{}", 9999) + `]}`), nil, `the index has more than 1000 entries`},
		"no list":          {h.add(`{"manifests":{}}`), nil, `manifests is not a list`},
		"other words":      {h.add(`{"manifests":[{"digest":1}]}`), nil, `read manifest: json: cannot unmarshal number`},
		"absent config":    {manifestOf(absent), registry.ErrNotFound, `: config ` + absent + `: 404 Not Found`},
		"wrong config":     {manifestOf(wrong), nil, `: config ` + wrong + `: the registry answers with something else`},
		"huge config":      {manifestOf(huge), nil, `it is larger than 4 MiB`},
		"malformed config": {manifestOf(h.add(`{"os":[]}`)), nil, `read config: json: cannot unmarshal array`},
		"config elsewhere": {manifestOf("../../../v2/other"), nil, `config ../../../v2/other: "../../../v2/other" is not a digest`},
		"config as SHA512": {manifestOf("sha512:" + strings.Repeat("0", 128)), nil, `is not a digest like sha256:`},
		"absent image":     {indexOf(absent), registry.ErrNotFound, `: manifest ` + absent + ` of the index: 404 Not Found`},
		"wrong image":      {indexOf(wrong), nil, `: manifest ` + wrong + ` of the index: the registry answers with something else`},
		"index as image":   {indexOf(indexOf(image)), nil, `it is an index, and the index says that it is an image`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := repository.Content(t.Context(), test.digest)
			wantError(t, err, test.kind, server.Addr, test.want)
		})
	}
}

// Registries have their blobs lie elsewhere, where the credentials don't go and
// nothing is believed.
func TestContentBehindARedirect(t *testing.T) {
	h := held{}
	image := h.image(ociConfig, amd64, "")
	elsewhere := answering(t, h.ServeHTTP)
	server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/":
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		case strings.Contains(r.URL.Path, "/blobs/"):
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		default:
			h.ServeHTTP(w, r)
		}
	}), parts.FrontOptions{})
	access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
	repository := open(t, server.Addr+"/app", access)
	wantContent(t, repository, image, registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}})
	if got := elsewhere.Log.All(); len(got) != 1 || got[0].Header.Get("Authorization") != "" {
		t.Errorf("the other host got %d requests, with %v", len(got), got)
	}

	for digest := range h {
		if digest != image {
			h[digest] = armv7
		}
	}
	_, err := repository.Content(t.Context(), image)
	wantError(t, err, nil, server.Addr, "the registry answers with something else")
	wantNoSecret(t, err)
}

func TestContentOfAConnectionThatBreaks(t *testing.T) {
	h := held{}
	image := h.image(ociConfig, amd64, "")
	broken := 0
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if broken++; broken%2 == 1 {
			w.Header().Set("Content-Length", "1000")
			_, _ = fmt.Fprint(w, "{")
			return
		}
		h.ServeHTTP(w, r)
	})
	repository := openWith(t, quick(registry.Options{}), server.Addr+"/app", registry.Access{})
	wantContent(t, repository, image, registry.Content{Created: builtAt, Platforms: []string{"linux/amd64"}})
}
