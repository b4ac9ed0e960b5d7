package cloud

import (
	"errors"
	"maps"
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

const (
	zot    = "zot.example"
	puller = "flux-system:puller"
)

// newZot returns a world with a registry that takes tokens of the account
// puller.
func newZot(t *testing.T) (*world, *parts.Workloads) {
	t.Helper()
	w := newWorld(t)
	issuer := parts.NewWorkloads(t)
	w.clouds.Serve(zot, issuer.Guard(zot, puller, newApp(t)))
	return w, issuer
}

// newApp returns a registry with app:1.0.0.
func newApp(t *testing.T) *parts.Registry {
	t.Helper()
	r := parts.NewRegistry(t, parts.RegistryOptions{})
	r.Push("app", "1.0.0")
	return r
}

// token writes a token into the file for a host, beside which User may stand.
func (w *world) token(host, token string) string {
	w.t.Helper()
	path := w.file(token + "\n")
	user, host, found := strings.Cut(host, "@")
	if !found {
		user, host = "", user
	}
	w.logins.options.Tokens = TokenFiles{host: {Path: path, User: user}}
	return path
}

// listByToken lists app of a host with a demand for a token.
func (w *world) listByToken(r *registry.Registry, host string, wanted pinsetter.TokenWanted) error {
	access := w.access(login.Kubernetes)
	access.Token = wanted
	image, err := r.Repository(host+"/app", access)
	if err != nil {
		return err
	}
	_, err = image.Tags(w.t.Context())
	return err
}

func TestRegistryByAProjectedToken(t *testing.T) {
	for name, host := range map[string]string{"bearer": zot, "password": "any@" + zot} {
		t.Run(name, func(t *testing.T) {
			w, issuer := newZot(t)
			w.token(host, issuer.Token(puller, zot, time.Hour))
			w.wantTags(zot+"/app", login.Kubernetes)
		})
	}
}

// Harbor takes a token as a password alone, and gives one of its own for it.
func TestHarborByAProjectedToken(t *testing.T) {
	const harbor = "harbor.example"
	w := newWorld(t)
	issuer := parts.NewWorkloads(t)
	guard, revoke := issuer.Harbor(harbor, puller, newApp(t))
	w.clouds.Serve(harbor, guard)
	w.token("jwt@"+harbor, issuer.Token(puller, harbor, time.Hour))
	r := w.registry(registry.Options{})
	for range 2 {
		if err := w.listByToken(r, harbor, pinsetter.TokenWanted{Subject: "system:serviceaccount:" + puller}); err != nil {
			t.Fatal(err)
		}
		revoke() // as when it starts anew with another key
	}
	if n := w.clouds.Count(harbor, "/service/token"); n != 2 {
		t.Errorf("%d tokens were asked for; want 2", n)
	}
	for file, want := range map[string]string{
		"jwt@" + harbor: "token server \"https://harbor.example/service/token\"",
		harbor:          "--registry-token-file USER@harbor.example=FILE sends it as a password",
	} {
		token := issuer.Token("flux-system:other", harbor, time.Hour)
		w.token(file, token)
		err := w.listByToken(w.registry(registry.Options{}), harbor, pinsetter.TokenWanted{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "system:serviceaccount:flux-system:other") || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v; want %q", file, err, want)
		}
	}
}

// An access that demands no login uses the token of its host, unless the object
// has a credential of its own.
func TestATokenIsUsedWithoutADemand(t *testing.T) {
	w, issuer := newZot(t)
	w.token(zot, issuer.Token(puller, zot, time.Hour))
	access := w.access("")
	image, err := w.registry(registry.Options{Tokens: w.logins.options.Tokens.Hosts()}).Repository(zot+"/app", access)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Tags(t.Context()); err != nil {
		t.Error(err)
	}
	access.DockerConfigs = []pinsetter.Secret{pinsetter.NewSecret("s", `{"auths":{"zot.example":{"username":"a","password":"bcde"}}}`)}
	image, err = w.registry(registry.Options{Tokens: w.logins.options.Tokens.Hosts()}).Repository(zot+"/app", access)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Tags(t.Context()); err == nil || !strings.Contains(err.Error(), "the credentials of s") {
		t.Errorf("the object's own credential isn't used: %v", err)
	}
}

// A token that was replaced is used at once, and one that ended is named when it
// is refused.
func TestATokenIsReadAnew(t *testing.T) {
	w, issuer := newZot(t)
	path := w.token(zot, issuer.Token(puller, zot, -time.Hour))
	r := w.registry(registry.Options{})
	err := w.listByToken(r, zot, pinsetter.TokenWanted{})
	if err == nil || !strings.Contains(err.Error(), "system:serviceaccount:flux-system:puller") || !strings.Contains(err.Error(), "to be renewed, since it ended at") {
		t.Fatalf("an ended token: %v", err)
	}
	if err := os.WriteFile(path, []byte(issuer.Token(puller, zot, time.Hour)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.listByToken(r, zot, pinsetter.TokenWanted{}); err != nil {
		t.Errorf("a replaced token: %v", err)
	}
}

// A token that is replaced after it was read is tried once more.
func TestATokenIsReadAgainWhenRefused(t *testing.T) {
	w, issuer := newZot(t)
	path := w.token(zot, issuer.Token(puller, zot, -time.Hour))
	good := issuer.Token(puller, zot, time.Hour)
	inner := issuer.Guard(zot, puller, newApp(t))
	w.clouds.Serve(zot, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			_ = os.WriteFile(path, []byte(good), 0o600)
		}
		inner.ServeHTTP(rw, r)
	}))
	if err := w.listByToken(w.registry(registry.Options{}), zot, pinsetter.TokenWanted{}); err != nil {
		t.Error(err)
	}
}

// A token that isn't what an object wants, or is none, is never sent; nor is one
// to a host that it isn't for, or in the clear.
func TestATokenThatIsNotWantedIsNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		host, token string
		wanted      pinsetter.TokenWanted
		want        string
	}{
		"another audience": {zot, "", pinsetter.TokenWanted{Audiences: []string{"harbor.example"}}, `is for ["zot.example"], and spec.credential.audiences wants "harbor.example"`},
		"another account":  {zot, "", pinsetter.TokenWanted{Subject: "system:serviceaccount:team:reader"}, "spec.serviceAccountName wants one of"},
		"no token":         {zot, "a-private-key", pinsetter.TokenWanted{}, "it is no JSON Web Token"},
		"too large":        {zot, strings.Repeat("a", 70<<10), pinsetter.TokenWanted{}, "more than 64 KiB"},
		"another host":     {"evil.example", "", pinsetter.TokenWanted{}, "no token was given for evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			w, issuer := newZot(t)
			w.clouds.Serve("evil.example", issuer.Guard("evil.example", puller, newApp(t)))
			if c.token == "" {
				c.token = issuer.Token(puller, zot, time.Hour)
			}
			w.token(zot, c.token)
			err := w.listByToken(w.registry(registry.Options{}), c.host, c.wanted)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.token) {
				t.Errorf("%v; want %q", err, c.want)
			}
			for _, r := range w.clouds.Hosts.All() {
				if r.Header.Get("Authorization") != "" {
					t.Errorf("%s was sent a login", r.Host)
				}
			}
		})
	}
	t.Run("another port", func(t *testing.T) {
		w, issuer := newZot(t)
		w.token(zot, issuer.Token(puller, zot, time.Hour))
		if _, err := w.logins.Registry(t.Context(), login.CloudRequest{Provider: login.Kubernetes, Host: zot + ":8443"}); !errors.Is(err, login.ErrNoIdentity) {
			t.Errorf("another port: %v", err)
		}
	})
	t.Run("in the clear", func(t *testing.T) {
		w, issuer := newZot(t)
		plain := newApp(t)
		w.token(zot, issuer.Token(puller, zot, time.Hour))
		access := registry.Access{Provider: login.Kubernetes, Insecure: true, Proxy: &pinsetter.Proxy{Address: plain.URL}}
		image, err := w.registry(registry.Options{}).Repository(zot+"/app", access)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := image.Tags(t.Context()); err == nil || !strings.Contains(err.Error(), "where anybody on the way could read it") {
			t.Errorf("over http: %v", err)
		}
	})
}

func TestParseTokenFiles(t *testing.T) {
	found, err := ParseTokenFiles([]string{"zot.example=/t/zot", "robot$ci@harbor.example:8443=/t/a=b", "[::1]:5000=x"})
	want := TokenFiles{"zot.example": {Path: "/t/zot"}, "harbor.example:8443": {Path: "/t/a=b", User: "robot$ci"}, "[::1]:5000": {Path: "x"}}
	if err != nil || !maps.Equal(found, want) {
		t.Errorf("%v (%v); want %v", found, err, want)
	}
	for _, text := range []string{"", "zot.example", "zot.example=", "=x", "@zot.example=x", "https://zot.example=x", "zot.example/app=x", "Zot.example=x", "eyJhbGciOi.eyJ.c2ln"} {
		if _, err := ParseTokenFiles([]string{text}); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseTokenFiles([]string{"a.example=1", "b@a.example=2"}); err == nil {
		t.Error("a host with two files is no error")
	}
}
