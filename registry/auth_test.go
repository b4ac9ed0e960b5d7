package registry_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

const password = "s3cret/pass+word"

// dockerConfig returns a document with one entry.
func dockerConfig(name, host, user, password string) pinsetter.Secret {
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return pinsetter.NewSecret(name, fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth))
}

// wantNoSecret fails if an error shows the password in any spelling.
func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, spelling := range []string{
		password, url.QueryEscape(password), base64.StdEncoding.EncodeToString([]byte("bot:" + password)),
	} {
		if err != nil && strings.Contains(err.Error(), spelling) {
			t.Errorf("error %q shows the password", err)
		}
	}
}

func TestTagsWithBasicAuth(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: password}})
	server.SetTags("org/app", "1.0.0")
	other := dockerConfig("secretRef flux-system/other", "ghcr.io", "other", "x")
	right := dockerConfig("secretRef flux-system/right", server.Addr, "bot", password)
	wrong := dockerConfig("secretRef flux-system/wrong", server.Addr, "bot", password+"x")
	image := server.Image("org/app")

	wantTags(t, open(t, image, registry.Access{DockerConfigs: []pinsetter.Secret{other, right, wrong}}), []string{"1.0.0"})

	// The first that is for the host counts, also when it is refused.
	_, err := open(t, image, registry.Access{DockerConfigs: []pinsetter.Secret{other, wrong, right}}).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr,
		"list tags of HOST/org/app: 401 Unauthorized: authentication required; the credentials of secretRef flux-system/wrong were refused")
	wantNoSecret(t, err)

	_, err = open(t, image, registry.Access{DockerConfigs: []pinsetter.Secret{other}}).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr, "it was asked without credentials")
}

func TestTagsWithTokens(t *testing.T) {
	tokens := parts.NewTokenServer(t, parts.TokenOptions{Users: map[string]string{"bot": password}, Refresh: password})
	server := parts.NewRegistry(t, parts.RegistryOptions{Tokens: tokens})
	server.SetTags("org/a", "1.0.0")
	server.SetTags("org/b", "2.0.0")
	access := func(document string) registry.Access {
		return registry.Access{DockerConfigs: []pinsetter.Secret{
			pinsetter.NewSecret("secretRef flux-system/tokens", strings.ReplaceAll(document, "HOST", server.Addr)),
		}}
	}
	basic := access(`{"auths":{"HOST":{"username":"bot","password":"` + password + `"}}}`)

	r := registry.New(registry.Options{Anonymous: true})
	for range 3 {
		for image, tag := range map[string]string{"org/a": "1.0.0", "org/b": "2.0.0"} {
			repository, err := r.Repository(server.Image(image), basic)
			if err != nil {
				t.Fatal(err)
			}
			wantTags(t, repository, []string{tag})
		}
	}
	for _, image := range []string{"org/a", "org/b"} {
		if got := tokens.Issued("repository:" + image + ":pull"); got != 1 {
			t.Errorf("%d tokens for %s; want 1", got, image)
		}
	}
	if got := server.Log.Count("", "/v2/") - server.Log.Count("", "/tags/"); got != 1 {
		t.Errorf("%d pings; want 1", got)
	}

	identity := access(`{"auths":{"http://HOST/v2/":{"identitytoken":"` + password + `"}}}`)
	wantTags(t, open(t, server.Image("org/a"), identity), []string{"1.0.0"})

	_, err := open(t, server.Image("org/a"), access(`{"auths":{"HOST":{"username":"bot","password":"wrong"}}}`)).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr, fmt.Sprintf(
		"list tags of HOST/org/a: 401 Unauthorized from the token server %q of HOST: UNAUTHORIZED: incorrect username or password; the credentials of secretRef flux-system/tokens were refused",
		tokens.Realm()))
	wantNoSecret(t, err)
}

func TestTagsWithARegistryToken(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Bearer: password}})
	server.SetTags("app", "1.0.0")
	document := pinsetter.NewSecret("secretRef a/b", fmt.Sprintf(`{"auths":{%q:{"registrytoken":%q}}}`, server.Addr, password))
	wantTags(t, open(t, server.Image("app"), registry.Access{DockerConfigs: []pinsetter.Secret{document}}), []string{"1.0.0"})
}

// A token that is revoked, or has run out, is asked for anew.
func TestTokensAreRenewed(t *testing.T) {
	tokens := parts.NewTokenServer(t, parts.TokenOptions{})
	server := parts.NewRegistry(t, parts.RegistryOptions{Tokens: tokens})
	server.SetTags("app", "1.0.0")
	now := time.Now()
	repository := openWith(t, registry.Options{Anonymous: true, Now: func() time.Time { return now }}, server.Image("app"), registry.Access{})

	wantTags(t, repository, []string{"1.0.0"})
	tokens.Revoke()
	wantTags(t, repository, []string{"1.0.0"})
	if got := tokens.Issued(""); got != 2 {
		t.Errorf("%d tokens after one was revoked; want 2", got)
	}
	refused := server.Log.Count("", "/tags/")
	now = now.Add(10 * time.Minute)
	wantTags(t, repository, []string{"1.0.0"})
	if got := server.Log.Count("", "/tags/"); got != refused+1 {
		t.Errorf("a token that had run out was sent")
	}
}

func TestTagsWhereTheTokenServerIsWrong(t *testing.T) {
	realm := func(realm string) parts.Front {
		return parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="x"`, realm))
			w.WriteHeader(http.StatusUnauthorized)
		}), parts.FrontOptions{})
	}
	html := answering(t, answer(200, "<html>"+password))
	none := answering(t, answer(200, `{"refresh_token":"`+password+`"}`))
	for name, test := range map[string]struct{ realm, want string }{
		"metadata":    {"http://169.254.169.254/token", `token server "http://169.254.169.254/token" of HOST: refused address: 169.254.169.254 is link-local`},
		"HTML":        {html.URL + "/token", `token server "` + html.URL + `/token" of HOST: its answer holds no token`},
		"no token":    {none.URL + "/token", `token server "` + none.URL + `/token" of HOST: its answer holds no token`},
		"not HTTP":    {"file:///etc/passwd", `token server "file:///etc/passwd" of HOST: `},
		"no realm":    {"", `token server "" of HOST: `},
		"no such one": {"http://token.invalid/x", `token server "http://token.invalid/x" of HOST: `},
	} {
		t.Run(name, func(t *testing.T) {
			server := realm(test.realm)
			access := registry.Access{Timeout: 5 * time.Second, DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
			_, err := openWith(t, quick(registry.Options{}), server.Addr+"/app", access).Tags(t.Context())
			wantError(t, err, nil, server.Addr, test.want)
			wantNoSecret(t, err)
		})
	}
}

// What a registry redirects to gets no credentials, also not on the same host
// at another port; coming back to the registry they are there again.
func TestCredentialsStayBehindARedirect(t *testing.T) {
	elsewhere := answering(t, answer(200, `{"tags":["1.0.0"]}`))
	server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/tags/list"):
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}
	}), parts.FrontOptions{})
	access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
	wantTags(t, open(t, server.Addr+"/org/app", access), []string{"1.0.0"})

	for _, r := range elsewhere.Log.All() {
		for key, values := range r.Header {
			if key == "Authorization" || strings.Contains(fmt.Sprint(values), password) {
				t.Errorf("%s was sent on: %s", key, values)
			}
		}
	}
	if got := elsewhere.Log.Count("", "/tags/list"); got != 1 {
		t.Errorf("%d requests came to the other host; want 1", got)
	}
	sent := false
	for _, r := range server.Log.All() {
		sent = sent || r.Header.Get("Authorization") != ""
	}
	if !sent {
		t.Error("the registry itself got no credentials")
	}
}

func TestRedirectsThatDoNotEnd(t *testing.T) {
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	_, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "list tags of HOST/app: stopped after 10 redirects")
}

func TestRedirectToAMetadataAddress(t *testing.T) {
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	})
	_, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "refused address: 169.254.169.254 is link-local")
}

// A registry may let everybody have /v2/ and ask for a token where it matters.
func TestTagsWhereOnlyTheListAsksForAToken(t *testing.T) {
	tokens := parts.NewTokenServer(t, parts.TokenOptions{})
	inner := parts.NewRegistry(t, parts.RegistryOptions{Tokens: tokens, FrontOptions: parts.FrontOptions{
		Around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					next.ServeHTTP(w, r)
				}
			})
		},
	}})
	inner.SetTags("app", "1.0.0")
	wantTags(t, open(t, inner.Image("app"), registry.Access{}), []string{"1.0.0"})
}
