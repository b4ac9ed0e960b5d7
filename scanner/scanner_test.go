package scanner_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
)

var scannedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newScanner() *scanner.Scanner {
	return scanner.New(registry.New(registry.Options{Anonymous: true, Retries: -1}), func() time.Time { return scannedAt })
}

// object returns an ImageRepository with an exclusionList.
func object(image string, exclude ...string) *fleet.Repository {
	r := &fleet.Repository{
		Name:    pinsetter.Name{Namespace: "flux-system", Name: "app"},
		Image:   image,
		Timeout: 20 * time.Second,
	}
	for _, pattern := range exclude {
		r.Exclude = append(r.Exclude, pinsetter.NewMatcher(regexp.MustCompile(pattern)))
	}
	return r
}

func TestScan(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{PageSize: 2})
	reserved := "sha256-" + strings.Repeat("0a", 32)
	server.SetTags("org/app", "1.0.0", "1.0.0.sig", "1.1.0", "\x1b[2J", "latest", reserved, reserved+".sig")
	got, err := newScanner().Scan(t.Context(), object(server.Image("org/app"), `^.*\.sig$`, "^l"))
	if err != nil {
		t.Fatal(err)
	}
	want := &scanner.Listing{
		Image:        server.Image("org/app"),
		Canonical:    server.Image("org/app"),
		Tags:         []string{"1.1.0", "1.0.0"},
		Excluded:     []string{"latest", "1.0.0.sig"},
		Reserved:     []string{reserved + ".sig", reserved},
		Dropped:      []string{`"\x1b[2J"`},
		DroppedCount: 1,
		ScannedAt:    scannedAt,
		Hash:         hash("1.0.0", "1.0.0.sig", "1.1.0", "latest", reserved, reserved+".sig"),
		KeptHash:     hash("1.0.0", "1.1.0"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

// hash is that of tags which ascend.
func hash(tags ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(tags, "\n")))
	return hex.EncodeToString(sum[:])
}

func TestAnImageIsListedOnce(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Latency: 10 * time.Millisecond}})
	digest := server.PushContent("app", "1.0.0", "content")
	server.SetTags("app", "1.0.0", "2.0.0")
	server.Log.Reset()
	s := newScanner()
	var wait sync.WaitGroup
	for i := range 30 {
		exclude := fmt.Sprintf("^%d", i%2+1) // each object its own
		wait.Go(func() {
			got, err := s.Scan(t.Context(), object(server.Image("app"), exclude))
			if err != nil || len(got.Tags) != 1 || got.Tags[0] == got.Excluded[0] {
				t.Errorf("listing is %+v, %v", got, err)
			}
			if got, err := s.Digest(t.Context(), object(server.Image("app")), "1.0.0"); err != nil || got != digest {
				t.Errorf("digest is %s, %v; want %s", got, err, digest)
			}
		})
	}
	wait.Wait()
	for _, part := range []string{"/tags/list", "/manifests/"} {
		if n := server.Log.Count("", part); n != 1 {
			t.Errorf("%d requests for %s; want 1", n, part)
		}
	}
}

func TestContentIsReadOnce(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Latency: 10 * time.Millisecond}})
	digest := server.PushIndex("app", "1.0.0", "linux/arm64", "linux/amd64")
	absent := "sha256:" + strings.Repeat("0", 64)
	server.Log.Reset()
	s := newScanner()
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			got, err := s.Content(t.Context(), object(server.Image("app")), digest)
			if len(got.Builds) != 2 || got.Builds[0].Platform != "linux/amd64" || got.Builds[1].Platform != "linux/arm64" {
				t.Errorf("builds are %+v", got.Builds)
			}
			want := registry.Content{Platforms: []string{"linux/amd64", "linux/arm64"}, Builds: got.Builds}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v; content (-want +got):\n%s", err, diff)
			}
			if _, err := s.Content(t.Context(), object(server.Image("app")), absent); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("error is %v; want %v", err, registry.ErrNotFound)
			}
		})
	}
	wait.Wait()
	for _, digest := range []string{digest, absent} {
		if n := server.Log.Count("", "/manifests/"+digest); n != 1 {
			t.Errorf("%d requests for %s; want 1", n, digest)
		}
	}
}

// Who asks with other credentials may see other tags.
func TestOtherCredentialsAskAgain(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: "s3cret"}})
	server.SetTags("app", "1.0.0")
	with := func(name, password string) *fleet.Repository {
		o := object(server.Image("app"))
		o.Access.DockerConfigs = []pinsetter.Secret{pinsetter.NewSecret("secretRef a/"+name,
			fmt.Sprintf(`{"auths":{%q:{"username":"bot","password":%q}}}`, server.Addr, password))}
		return o
	}
	s := newScanner()
	if _, err := s.Scan(t.Context(), with("bot", "s3cret")); err != nil {
		t.Error(err)
	}
	for range 2 {
		_, err := s.Scan(t.Context(), with("other", "wrong"))
		if !errors.Is(err, registry.ErrDenied) || !strings.Contains(err.Error(), "the credentials of secretRef a/other were refused") {
			t.Errorf("error is %v", err)
		}
	}
	if n := server.Log.Count("", "/tags/list"); n != 2 {
		t.Errorf("%d requests; want 2", n)
	}
}

func TestFailuresAreRemembered(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	s := newScanner()
	for range 3 {
		if _, err := s.Scan(t.Context(), object(server.Image("gone"))); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("error is %v; want %v", err, registry.ErrNotFound)
		}
		if _, err := s.Digest(t.Context(), object(server.Image("gone")), "1.0.0"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("error is %v; want %v", err, registry.ErrNotFound)
		}
	}
	if n := server.Log.Count("", "/tags/list"); n != 1 {
		t.Errorf("%d requests; want 1", n)
	}
}

func TestScanErrors(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0", "2.0.0")
	s := newScanner()

	_, err := s.Scan(t.Context(), object(server.Image("app"), "0$"))
	want := "list tags of " + server.Image("app") + ": the exclusionList of ImageRepository flux-system/app drops all of its 2 tags: every tag is excluded"
	if !errors.Is(err, scanner.ErrAllExcluded) || err.Error() != want {
		t.Errorf("error is\n%v; want\n%s", err, want)
	}

	broken := object(server.Image("app"))
	broken.Err = errors.New("a.yaml:3: spec.image is wrong")
	if _, err := s.Scan(t.Context(), broken); !errors.Is(err, broken.Err) {
		t.Errorf("error is %v; want %v", err, broken.Err)
	}
	if _, err := s.Digest(t.Context(), broken, "1.0.0"); !errors.Is(err, broken.Err) {
		t.Errorf("error is %v; want %v", err, broken.Err)
	}
	if _, err := s.Content(t.Context(), broken, "sha256:"+strings.Repeat("0", 64)); !errors.Is(err, broken.Err) {
		t.Errorf("error is %v; want %v", err, broken.Err)
	}
}

// silent answers lists once it is told to.
func silent(t *testing.T) (server parts.Front, speak func()) {
	t.Helper()
	told := make(chan struct{})
	server = parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		select {
		case <-told:
			_, _ = fmt.Fprint(w, `{"tags":["1.0.0"]}`)
		case <-r.Context().Done():
		}
	}), parts.FrontOptions{})
	return server, sync.OnceFunc(func() { close(told) })
}

// An object with a longer timeout isn't failed by one with a shorter.
func TestALongerTimeoutAsksAgain(t *testing.T) {
	server, speak := silent(t)
	s := newScanner()
	asked := 0
	s.Asked = func(*fleet.Repository, time.Duration, error) { asked++ }
	patient, hasty := object(server.Addr+"/app"), object(server.Addr+"/app")
	hasty.Timeout = 50 * time.Millisecond
	for range 2 {
		if _, err := s.Scan(t.Context(), hasty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times; want 1", asked)
	}
	speak()
	if _, err := s.Scan(t.Context(), patient); err != nil {
		t.Error(err)
	}
	if _, err := s.Scan(t.Context(), hasty); err != nil {
		t.Error(err)
	}
	if asked != 2 {
		t.Errorf("asked %d times; want 2", asked)
	}
}

// One who gives up doesn't take the answer from another.
func TestGivingUp(t *testing.T) {
	server, speak := silent(t)
	s := newScanner()
	leaving, leave := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := s.Scan(leaving, object(server.Addr+"/app"))
		if want := "list tags of " + server.Addr + "/app: context canceled"; !errors.Is(err, context.Canceled) || err.Error() != want {
			t.Errorf("error is %v; want %s", err, want)
		}
	})
	parts.Until(t, "the request", func() bool { return server.Log.Count("", "/tags/list") > 0 })
	wait.Go(func() {
		if _, err := s.Scan(t.Context(), object(server.Addr+"/app")); err != nil {
			t.Error(err)
		}
	})
	parts.Until(t, "the other to wait", func() bool { return s.Waiting() == 2 })
	leave()
	parts.Until(t, "the first to leave", func() bool { return s.Waiting() == 1 })
	speak()
	wait.Wait()
	if n := server.Log.Count("", "/tags/list"); n != 1 {
		t.Errorf("%d requests; want 1", n)
	}
}

// A scan that everybody gave up leaves nothing that is remembered.
func TestAllGiveUp(t *testing.T) {
	server, speak := silent(t)
	s := newScanner()
	alone, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	if _, err := s.Scan(alone, object(server.Addr+"/other")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	speak()
	if _, err := s.Scan(t.Context(), object(server.Addr+"/other")); err != nil {
		t.Errorf("after a scan that was given up: %v", err)
	}
}
