package cloud

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// world is the clouds' stand-ins and a client of them.
type world struct {
	t      *testing.T
	clouds *parts.Clouds
	logins *Logins
	now    time.Time         // of the client
	inside map[string]string // address of the metadata services that answer
	asked  []string          // addresses that were dialed as metadata services
	slept  time.Duration
}

// newWorld starts the stand-ins. The environment has no identity, and no
// metadata service answers.
func newWorld(t *testing.T) *world {
	t.Helper()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		for _, prefix := range []string{"AWS_", "AZURE_", "GOOGLE_", "IDENTITY_", "MSI_", "GCE_", "CLOUDSDK_", "DOCKER_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
				_ = os.Unsetenv(name)
			}
		}
	}
	t.Setenv("HOME", t.TempDir())
	w := &world{t: t, clouds: parts.NewClouds(t), now: time.Now(), inside: map[string]string{}}
	w.logins = New(Options{
		Environment: login.Environment{Getenv: func(name string) string {
			if name == "HTTPS_PROXY" {
				return w.clouds.URL
			}
			return ""
		}},
		Now:   func() time.Time { return w.now },
		Sleep: func(_ context.Context, d time.Duration) error { w.slept += d; return nil },
	})
	w.logins.trust = pinsetter.TLS{CA: w.clouds.CA.PEM}
	w.logins.dial = w.dial
	return w
}

// dial leads to the stand-in for a metadata service's address.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.asked = append(w.asked, address)
	to, found := w.inside[address]
	if !found {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// registry returns a client of registries that logs in with the world's logins.
func (w *world) registry(o registry.Options) *registry.Registry {
	o.Clouds, o.Retries = w.logins.Registry, -1
	o.Now = func() time.Time { return w.now }
	return registry.New(o)
}

// access reaches a registry with a provider's login.
func (w *world) access(provider string) registry.Access {
	return registry.Access{Provider: provider, TLS: pinsetter.TLS{CA: w.clouds.CA.PEM}, Proxy: &pinsetter.Proxy{Address: w.clouds.URL}}
}

// image opens an image with a provider.
func (w *world) image(r *registry.Registry, image, provider string) *registry.Repository {
	w.t.Helper()
	found, err := r.Repository(image, w.access(provider))
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// tags lists an image.
func (w *world) tags(image, provider string) ([]string, error) {
	w.t.Helper()
	listing, err := w.image(w.registry(registry.Options{}), image, provider).Tags(w.t.Context())
	return listing.Tags, err
}

// wantTags lists an image that has the tag 1.0.0.
func (w *world) wantTags(image, provider string) {
	w.t.Helper()
	tags, err := w.tags(image, provider)
	if err != nil || len(tags) != 1 || tags[0] != "1.0.0" {
		w.t.Fatalf("tags of %s are %v (%v); want 1.0.0", image, tags, err)
	}
}

// wantError lists an image and wants an error with all words, and none of the
// secrets.
func (w *world) wantError(image, provider string, words ...string) {
	w.t.Helper()
	_, err := w.tags(image, provider)
	if err == nil {
		w.t.Fatalf("%s: no error; want %q", image, words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			w.t.Errorf("error lacks %q:\n%v", word, err)
		}
	}
}

// set sets variables until the test ends.
func (w *world) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		w.t.Setenv(pairs[i], pairs[i+1])
	}
}

// file writes a file and returns its path.
func (w *world) file(content string) string {
	w.t.Helper()
	f, err := os.CreateTemp(w.t.TempDir(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		w.t.Fatal(err)
	}
	return f.Name()
}

// get sends a GET through a provider's client.
func (w *world) get(provider, method, url string, header http.Header) (*http.Response, error) {
	w.t.Helper()
	client, err := w.logins.client(provider, login.CloudRequest{}, w.logins.trust)
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header = header
	return client.Do(request)
}
