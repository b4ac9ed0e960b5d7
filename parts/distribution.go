package parts

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"golang.org/x/crypto/bcrypt"
)

// DistributionOptions configure a registry process. The zero value is
// distribution 3 over plain HTTP without a login.
type DistributionOptions struct {
	// Program is "registry" (distribution 3, the default) or "docker-registry"
	// (Debian's 2.8, which doesn't page and lists tags unsorted).
	Program string

	User, Password string       // required by HTTP Basic if User is set
	Tokens         *TokenServer // requires its bearer tokens; nil: none
	TLS            *TLS         // nil: plain HTTP
	PageSize       int          // largest page if n is given; 0: 1000. Distribution 3 only
}

// Distribution is the CNCF's registry as a process.
type Distribution struct {
	Shelf
	Addr string // "127.0.0.1:PORT"
	URL  string // "http://127.0.0.1:PORT", or https

	data   string // its storage folder
	output *output
}

// NewDistribution starts a registry process that ends with t. It skips the test
// if the program is missing.
func NewDistribution(t T, o DistributionOptions) *Distribution {
	t.Helper()
	if o.Program == "" {
		o.Program = "registry"
	}
	program := Need(t, o.Program)
	dir := Dir(t)
	var err error
	for range 3 { // another process may take the port meanwhile
		addr, mark := freeAddress(t), rand.Text()
		config := o.write(t, dir, addr, mark)
		env := append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
		p := start(t, env, program, "serve", config)
		d := &Distribution{Addr: addr, URL: "http://" + addr, data: filepath.Join(dir, "data"), output: p.output}
		if o.TLS != nil {
			d.URL = "https://" + addr
		}
		transport := o.transport(t)
		if err = p.await(answers(d.URL+"/v2/", mark, transport)); err == nil {
			d.Shelf = Shelf{t: t, addr: addr, transport: transport, auth: o.pusher()}
			return d
		}
	}
	t.Fatalf("%v", err)
	return nil
}

// Output returns the output of the process, including its access log.
func (d *Distribution) Output() string { return d.output.String() }

// Alias adds tags for the content of an existing tag. It writes them into the
// registry's storage, which is much quicker than pushing.
func (d *Distribution) Alias(image, tag string, more ...string) {
	d.t.Helper()
	tags := filepath.Join(d.data, "docker/registry/v2/repositories", image, "_manifests/tags")
	link, err := os.ReadFile(filepath.Join(tags, tag, "current/link"))
	if err != nil {
		d.t.Fatalf("read the tag %s of %s: %v", tag, image, err)
	}
	for _, name := range more {
		current := filepath.Join(tags, name, "current")
		if err := os.MkdirAll(current, 0o700); err != nil {
			d.t.Fatalf("tag %s as %s: %v", image, name, err)
		}
		put(d.t, current, "link", link)
	}
}

// write writes the configuration, as JSON since that is YAML too, and the files
// it refers to. It returns the configuration's path. The registry sends mark
// with every answer.
func (o DistributionOptions) write(t T, dir, addr, mark string) string {
	t.Helper()
	page := o.PageSize
	if page == 0 {
		page = 1000 // distribution's own default
	}
	serve := map[string]any{
		"addr": addr, "secret": "parts",
		"headers": map[string]any{"X-Parts": []string{mark}},
	}
	config := map[string]any{
		"version": "0.1",
		"log":     map[string]any{"level": "info"},
		"storage": map[string]any{
			"filesystem":  map[string]any{"rootdirectory": filepath.Join(dir, "data")},
			"delete":      map[string]any{"enabled": true},
			"maintenance": map[string]any{"uploadpurging": map[string]any{"enabled": false}},
		},
		"http": serve,
	}
	if o.Program == "registry" {
		config["tags"] = map[string]any{"maxtags": page}
	}
	if auth := o.auth(t, dir); auth != nil {
		config["auth"] = auth
	}
	if o.TLS != nil {
		serve["tls"] = o.tls(t, dir)
	}
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatalf("configure %s: %v", o.Program, err)
	}
	return put(t, dir, "config.yml", data)
}

func (o DistributionOptions) auth(t T, dir string) map[string]any {
	t.Helper()
	if o.Tokens != nil {
		return map[string]any{"token": map[string]any{
			"realm":          o.Tokens.Realm(),
			"service":        o.Tokens.Service,
			"issuer":         o.Tokens.Issuer,
			"rootcertbundle": put(t, dir, "tokens.pem", o.Tokens.CA.PEM),
		}}
	}
	if o.User == "" {
		return nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(o.Password), bcrypt.MinCost)
	if err != nil {
		t.Fatalf("hash a password: %v", err)
	}
	users := []byte(o.User + ":" + string(hash) + "\n")
	return map[string]any{"htpasswd": map[string]any{
		"realm": "parts",
		"path":  put(t, dir, "htpasswd", users),
	}}
}

func (o DistributionOptions) tls(t T, dir string) map[string]any {
	t.Helper()
	pair := o.TLS.CA.Server()
	config := map[string]any{
		"certificate": put(t, dir, "server.crt", pair.Cert),
		"key":         put(t, dir, "server.key", pair.Key),
	}
	if o.TLS.Clients != nil {
		config["clientcas"] = []string{put(t, dir, "clients.crt", o.TLS.Clients.PEM)}
	}
	return config
}

// transport returns a transport with which this package reaches the registry.
func (o DistributionOptions) transport(t T) http.RoundTripper {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	if o.TLS == nil {
		return transport
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: o.TLS.CA.Pool()}
	if o.TLS.Clients != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{o.TLS.Clients.Client("parts").certificate(t)}
	}
	return transport
}

// pusher returns the credentials for this package's pushes.
func (o DistributionOptions) pusher() authn.Authenticator {
	if o.User != "" {
		return &authn.Basic{Username: o.User, Password: o.Password}
	}
	if o.Tokens == nil {
		return authn.Anonymous
	}
	for user, password := range o.Tokens.options.Users {
		return &authn.Basic{Username: user, Password: password}
	}
	return authn.Anonymous
}

// answers returns a check that the registry with this mark answers at url, with
// any status, and not another test's that took the port.
func answers(url, mark string, transport http.RoundTripper) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		if got := response.Header.Get("X-Parts"); got != mark {
			_ = response.Body.Close()
			return fmt.Errorf("another server answers at %s", url)
		}
		return response.Body.Close()
	}
}

// put writes a file of a part and returns its path.
func put(t T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	return path
}
