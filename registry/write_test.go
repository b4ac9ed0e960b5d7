package registry_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// pushAndRead pushes an artifact of one blob to a repository under the tag 1.0.0 and
// reads it again.
func pushAndRead(t *testing.T, to *registry.Repository, content []byte) {
	t.Helper()
	blob := registry.BytesBlob(content)
	if sent, err := to.PushBlob(t.Context(), blob); err != nil || sent != registry.SentBytes {
		t.Fatalf("push: %q, %v", sent, err)
	}
	if sent, err := to.PushBlob(t.Context(), blob); err != nil || sent != registry.SentNothing {
		t.Errorf("push again: %q, %v", sent, err)
	}
	size := strconv.FormatInt(blob.Size, 10)
	manifest := []byte(`{"schemaVersion":2,"mediaType":"` + ociManifest + `","config":{"mediaType":"application/x.test","size":` + size +
		`,"digest":"` + blob.Digest + `"},"layers":[{"mediaType":"application/x.test","size":` + size + `,"digest":"` + blob.Digest + `"}]}`)
	digest, err := to.PushManifest(t.Context(), "1.0.0", ociManifest, manifest)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := to.Digest(t.Context(), "1.0.0"); err != nil || got != digest {
		t.Errorf("the tag names %s, %v; want %s", got, err, digest)
	}
	var got bytes.Buffer
	if err := to.Download(t.Context(), blob.Digest, blob.Size, &got); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("%d bytes come back, %v; want %d", got.Len(), err, len(content))
	}
}

func noise(t *testing.T, size int) []byte {
	t.Helper()
	data := make([]byte, size)
	_, _ = rand.Read(data)
	return data
}

func TestPush(t *testing.T) {
	content := noise(t, 3<<20)
	for name, image := range map[string]func(*testing.T) string{
		"in process": func(t *testing.T) string { return parts.NewRegistry(t, parts.RegistryOptions{}).Image("org/app") },
		"distribution 3": func(t *testing.T) string {
			return parts.NewDistribution(t, parts.DistributionOptions{}).Image("org/app")
		},
		"distribution 2.8": func(t *testing.T) string {
			return parts.NewDistribution(t, parts.DistributionOptions{Program: "docker-registry"}).Image("org/app")
		},
	} {
		t.Run(name, func(t *testing.T) {
			pushAndRead(t, openWith(t, registry.Options{Anonymous: true}, image(t), registry.Access{Write: true}), content)
		})
	}
}

// The token server of a real registry grants what is asked for: to push, and to pull
// from what may be mounted.
func TestPushWithTokens(t *testing.T) {
	tokens := parts.NewTokenServer(t, parts.TokenOptions{Users: map[string]string{"bot": password}})
	server := parts.NewDistribution(t, parts.DistributionOptions{Tokens: tokens})
	login := []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}
	content := noise(t, 1<<20)
	pushAndRead(t, open(t, server.Image("org/staging"), registry.Access{DockerConfigs: login, Write: true}), content)

	to := open(t, server.Image("org/production"), registry.Access{DockerConfigs: login, Write: true, MountFrom: []string{"org/staging"}})
	if sent, err := to.PushBlob(t.Context(), registry.BytesBlob(content)); err != nil || sent != registry.SentMount {
		t.Errorf("push: %q, %v; want that it is mounted", sent, err)
	}
	_, err := open(t, server.Image("org/other"), registry.Access{Write: true}).PushBlob(t.Context(), registry.BytesBlob(content))
	if err == nil {
		t.Error("without a login the push succeeds")
	}
}

// flaky breaks some requests to a registry.
func flaky(t *testing.T, breaks func(w http.ResponseWriter, r *http.Request) bool) *parts.Registry {
	t.Helper()
	return parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !breaks(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}}})
}

// hangUp ends the connection without an answer.
func hangUp() { panic(http.ErrAbortHandler) }

func TestBrokenUploadBeginsAnew(t *testing.T) {
	var broken atomic.Int32
	server := flaky(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/blobs/uploads/") || broken.Add(1) > 2 {
			return false
		}
		_, _ = io.CopyN(io.Discard, r.Body, 64<<10)
		if broken.Load() == 1 {
			hangUp()
		}
		http.Error(w, "no", http.StatusBadGateway)
		return true
	})
	pushAndRead(t, openWith(t, registry.Options{Anonymous: true, Sleep: noSleep}, server.Image("org/app"), registry.Access{Write: true}), noise(t, 1<<20))
	if got := server.Log.Count(http.MethodPost, "/blobs/uploads/"); got != 3 {
		t.Errorf("%d uploads began; want 3", got)
	}
}

func TestBrokenDownloadGoesOn(t *testing.T) {
	content := noise(t, 1<<20)
	for name, ranges := range map[string]bool{"with ranges": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			var from atomic.Value
			server := flaky(t, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
					return false
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(content)))
				if asked.Add(1) == 1 {
					_, _ = w.Write(content[:300_000])
					hangUp()
				}
				from.Store(r.Header.Get("Range"))
				if !ranges {
					_, _ = w.Write(content)
					return true
				}
				start, _ := strconv.Atoi(strings.Trim(r.Header.Get("Range"), "bytes=-"))
				w.Header().Set("Content-Length", strconv.Itoa(len(content)-start))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(content[start:])
				return true
			})
			var got bytes.Buffer
			repository := openWith(t, registry.Options{Anonymous: true, Sleep: noSleep}, server.Image("org/app"), registry.Access{})
			err := repository.Download(t.Context(), registry.DigestOf(content), int64(len(content)), &got)
			if err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("%d bytes, %v", got.Len(), err)
			}
			if said, _ := from.Load().(string); !strings.HasPrefix(said, "bytes=") || said == "bytes=0-" {
				t.Errorf("it asks for %q", said)
			}
		})
	}
}

func TestDownloadChecksWhatComes(t *testing.T) {
	content := []byte("content")
	server := flaky(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		_, _ = w.Write(content)
		return true
	})
	repository := openWith(t, registry.Options{Anonymous: true}, server.Image("org/app"), registry.Access{})
	err := repository.Download(t.Context(), registry.DigestOf([]byte("another")), 7, io.Discard)
	wantError(t, err, nil, server.Addr, "read blob "+registry.DigestOf([]byte("another"))+" of HOST/org/app: the registry answers with something else, whose digest is "+registry.DigestOf(content))
	err = repository.Download(t.Context(), registry.DigestOf(content), 3, io.Discard)
	wantError(t, err, nil, server.Addr, "read blob "+registry.DigestOf(content)+" of HOST/org/app: it has 4 bytes, and the manifest says 3")
}

func TestPushManifestRefusesOtherNames(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	repository := openWith(t, registry.Options{Anonymous: true}, server.Image("org/app"), registry.Access{Write: true})
	for _, reference := range []string{"", "../x", registry.DigestOf([]byte("other"))} {
		if _, err := repository.PushManifest(t.Context(), reference, ociManifest, []byte("{}")); err == nil {
			t.Errorf("%q is pushed", reference)
		}
	}
	if got := server.Log.Count(http.MethodPut, ""); got != 0 {
		t.Errorf("%d requests to write; want none", got)
	}
}

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// TestATransferMayTakeLongAndNotStandStill: beyond the time of an answer a blob still
// comes, as long as bytes do.
func TestATransferMayTakeLongAndNotStandStill(t *testing.T) {
	content := noise(t, 1<<10)
	o := registry.Options{Anonymous: true, Retries: -1, Answer: 300 * time.Millisecond}
	for name, pause := range map[string]time.Duration{"slow": o.Answer / 2, "stands still": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := served(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.URL.Path, "/blobs/") {
					return
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(content)))
				for part := range slices.Chunk(content, len(content)/8) {
					_, _ = w.Write(part)
					_ = http.NewResponseController(w).Flush()
					select {
					case <-time.After(pause):
					case <-r.Context().Done():
						return
					}
				}
			})
			err := openWith(t, o, server+"/app", registry.Access{Timeout: time.Hour}).Download(t.Context(), registry.DigestOf(content), int64(len(content)), io.Discard)
			if pause < time.Hour && err != nil {
				t.Error(err)
			}
			if pause == time.Hour {
				wantError(t, err, nil, server, "nothing went to or came from HOST for 1.2s, after 128 bytes")
			}
		})
	}
}
