package registry_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

func TestDigest(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	image := server.PushContent("org/app", "1.0.0", "content")
	index := server.PushIndex("org/app", "2.0.0", "linux/amd64", "linux/arm64")
	repository := open(t, server.Image("org/app"), registry.Access{})
	server.Log.Reset()
	for tag, want := range map[string]string{"1.0.0": image, "2.0.0": index} {
		got, err := repository.Digest(t.Context(), tag)
		if err != nil || got != want {
			t.Errorf("digest of %s is %s, %v; want %s", tag, got, err, want)
		}
	}
	if got := server.Log.Count(http.MethodHead, "/manifests/"); got != 2 || server.Log.Count(http.MethodGet, "/manifests/") != 0 {
		t.Errorf("%d times HEAD; want 2, and no GET", got)
	}

	_, err := repository.Digest(t.Context(), "3.0.0")
	wantError(t, err, registry.ErrNotFound, server.Addr, "get digest of HOST/org/app:3.0.0: 404 Not Found")
	_, err = repository.Digest(t.Context(), "../tags/list")
	wantError(t, err, nil, server.Addr, `get digest of HOST/org/app: "../tags/list" is not a tag`)
}

func TestDigestOfBadAnswers(t *testing.T) {
	const oci = "application/vnd.oci.image.manifest.v1+json"
	manifest := `{"schemaVersion":2}`
	right := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest)))
	wrong := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("other")))
	for name, test := range map[string]struct {
		head, get string // Docker-Content-Digest; "": none
		status    int    // of HEAD; 0: 200
		kind      string // Content-Type of GET
		body      string
		want      string // digest, or part of the error
	}{
		"none":                {"", "", 0, oci, manifest, right},
		"upper case":          {strings.ToUpper(right), "", 0, oci + "; charset=utf-8", manifest, right},
		"nonsense":            {`sha256:"><script>`, "nonsense", 0, oci, manifest, right},
		"sha512":              {"sha512:" + strings.Repeat("a", 128), "", 0, oci, manifest, `the registry names the digest "sha512:aaaa`},
		"sha512 of GET":       {"", "sha512:" + strings.Repeat("a", 128), 404, oci, manifest, `the registry names the digest "sha512:aaaa`},
		"HEAD is denied":      {"", right, 401, oci, manifest, right},
		"HEAD finds nothing":  {"", "", 404, oci, manifest, right},
		"HEAD breaks":         {"", "", 500, oci, manifest, right},
		"HEAD is not allowed": {"", right, 405, oci, manifest, right},
		"two digests":         {"", wrong, 0, oci, manifest, "the registry says that the digest is " + wrong + ", and the manifest it sends has " + right},
		"HTML":                {"", "", 0, "text/html", "<html>", `the registry names no valid digest, and answers with a manifest of type "text/html"`},
		"schema 1":            {"", "", 0, "application/vnd.docker.distribution.manifest.v1+prettyjws", manifest, `a manifest of type "application/vnd.docker`},
		"too large":           {"", "", 0, oci, strings.Repeat("x", 5<<20), "the manifest is larger than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			server := answering(t, func(w http.ResponseWriter, r *http.Request) {
				digest := test.get
				if r.Method == http.MethodHead {
					digest = test.head
				}
				if digest != "" {
					w.Header()["Docker-Content-Digest"] = []string{digest}
				}
				w.Header().Set("Content-Type", test.kind)
				if r.Method == http.MethodHead && test.status != 0 {
					w.WriteHeader(test.status)
				}
				_, _ = fmt.Fprint(w, test.body)
			})
			got, err := openWith(t, quick(registry.Options{Retries: -1}), server.Addr+"/app", registry.Access{}).Digest(t.Context(), "1.0.0")
			if strings.HasPrefix(test.want, "sha256:") {
				if err != nil || got != test.want {
					t.Errorf("digest is %q, %v; want %s", got, err, test.want)
				}
				return
			}
			wantError(t, err, nil, server.Addr, test.want)
		})
	}
}

func TestCanonical(t *testing.T) {
	for image, want := range map[string]string{
		"alpine":              "index.docker.io/library/alpine",
		"library/alpine":      "index.docker.io/library/alpine",
		"docker.io/org/app":   "index.docker.io/org/app",
		"ghcr.io/org/app":     "ghcr.io/org/app",
		"localhost:5000/app":  "localhost:5000/app",
		"ghcr.io/a/../b":      "",
		"ghcr.io//b":          "",
		"ghcr.io/a@sha256:00": "",
		"ghcr.io/A":           "",
	} {
		got, err := registry.Canonical(image)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Canonical(%q) is %q, %v; want %q", image, got, err, want)
		}
	}
}

// HEAD may be refused where GET is answered, also with one request at a time.
func TestDigestWhereHeadIsRefused(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 501} {
		inner := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(status)
					return
				}
				next.ServeHTTP(w, r)
			})
		}}})
		want := inner.PushContent("app", "1.0.0", "content")
		got, err := openWith(t, registry.Options{Anonymous: true, Concurrency: 1}, inner.Image("app"), registry.Access{Timeout: 10 * time.Second}).Digest(t.Context(), "1.0.0")
		if err != nil || got != want {
			t.Errorf("%d: %s, %v; want %s", status, got, err, want)
		}
	}
}
