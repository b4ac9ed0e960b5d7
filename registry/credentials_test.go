package registry_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// asking returns a registry that asks for a token of the realm, and in the token's
// place for its word about requests.
func asking(t *testing.T, realm string) parts.Front {
	t.Helper()
	return parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer issued" && r.URL.Path != "/v2/" {
			_, _ = fmt.Fprint(w, `{"tags":["1.0.0"]}`)
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="x"`, realm))
		w.WriteHeader(http.StatusUnauthorized)
	}), parts.FrontOptions{})
}

// nothingOf fails if a server was sent the password in any way.
func nothingOf(t *testing.T, server parts.Front, password string) {
	t.Helper()
	for _, r := range server.Log.All() {
		if text := fmt.Sprint(r); strings.Contains(text, password) || strings.Contains(text, url.QueryEscape(password)) || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s came with a credential: %s", r.Method, r.Path, text)
		}
	}
}

// What a token server redirects to sees neither the refresh token nor the
// password, whatever the redirect's status.
func TestTokenServersRedirectKeepsTheCredential(t *testing.T) {
	const secret = "refresh-me-0123456789"
	for kind, entry := range map[string]string{
		"identity token": `{"identitytoken":"` + secret + `"}`,
		"password":       `{"username":"bot","password":"` + secret + `"}`,
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			var bodies []string
			other := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, string(body))
				_, _ = fmt.Fprint(w, `{"token":"issued"}`)
			}), parts.FrontOptions{})
			tokens := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/token", status)
			}), parts.FrontOptions{})
			server := asking(t, tokens.URL+"/token")
			access := registry.Access{DockerConfigs: []pinsetter.Secret{
				pinsetter.NewSecret("secretRef a/b", fmt.Sprintf(`{"auths":{%q:%s}}`, server.Addr, entry)),
			}}
			_, err := openWith(t, quick(registry.Options{}), server.Addr+"/org/app", access).Tags(t.Context())
			if posted := kind == "identity token" && status > 303; posted != (err != nil) {
				t.Errorf("%s, %d: %v", kind, status, err)
			} else if posted && !strings.Contains(err.Error(), "is for no other origin") {
				t.Errorf("%s, %d: %v", kind, status, err)
			}
			nothingOf(t, other, secret)
			if strings.Contains(strings.Join(bodies, ""), secret) {
				t.Errorf("%s, %d: the body was sent on", kind, status)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s, %d: %v", kind, status, err)
			}
		}
	}
}

// A challenge of another origin, to which a registry redirects, is not the
// registry's: its realm gets nothing.
func TestChallengeOfAnotherOriginIsNotBelieved(t *testing.T) {
	realm := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"token":"issued"}`)
	}), parts.FrontOptions{})
	other := asking(t, realm.URL+"/token")
	for name, elsewhere := range map[string]func(path string) bool{
		"all":  func(string) bool { return true },
		"ping": func(path string) bool { return path == "/v2/" },
		"list": func(path string) bool { return path != "/v2/" },
	} {
		server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if elsewhere(r.URL.Path) {
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			_, _ = fmt.Fprint(w, `{"tags":["1.0.0"]}`)
		}), parts.FrontOptions{})
		access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
		_, err := openWith(t, quick(registry.Options{}), server.Addr+"/org/app", access).Tags(t.Context())
		if name == "ping" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else {
			wantError(t, err, registry.ErrDenied, server.Addr, "credentials don't go to another origin: name the image as it is called at "+other.URL)
		}
	}
	if n := realm.Log.Count("", ""); n > 0 {
		t.Errorf("the other host's realm was asked %d times", n)
	}
	nothingOf(t, other, password)
}

// The registry's own challenge may name a token server on another host.
func TestTokenServerOnAnotherHost(t *testing.T) {
	tokens := parts.NewTokenServer(t, parts.TokenOptions{Users: map[string]string{"bot": password}})
	server := parts.NewRegistry(t, parts.RegistryOptions{Tokens: tokens})
	server.SetTags("app", "1.0.0")
	access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
	wantTags(t, open(t, server.Image("app"), access), []string{"1.0.0"})
}

// A registry and a token server may say again whatever they are sent: no error
// shows it.
func TestEchoesOfCredentialsDontShow(t *testing.T) {
	const secret = `s3cr"t/pa<ss+wörd`
	digest := "sha256:" + strings.Repeat("a", 64)
	for kind, entry := range map[string]string{
		"auth":          fmt.Sprintf(`{"auth":%q}`, base64.StdEncoding.EncodeToString([]byte("bot:"+secret))),
		"identityToken": fmt.Sprintf(`{"identitytoken":%q}`, secret),
		"registryToken": fmt.Sprintf(`{"registrytoken":%q}`, secret),
	} {
		for _, status := range []int{200, 201, 302, 307, 400, 401, 403, 404, 405, 418, 429, 500, 503} {
			for _, where := range []string{"registry", "registry with tokens", "token server", "ping"} {
				echo := parts.Echo(status)
				var realm string
				server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch authorized := r.Header.Get("Authorization") != ""; {
					case where == "ping", authorized && where != "token server":
						echo.ServeHTTP(w, r)
					case r.URL.Path == "/v2/" && where == "registry":
					default:
						w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q`, realm))
						w.WriteHeader(http.StatusUnauthorized)
					}
				}), parts.FrontOptions{})
				realm = parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if where == "token server" {
						echo.ServeHTTP(w, r)
						return
					}
					_, _ = fmt.Fprintf(w, `{"token":%q}`, secret+"-token")
				}), parts.FrontOptions{}).URL + "/token"
				access := registry.Access{DockerConfigs: []pinsetter.Secret{
					pinsetter.NewSecret("secretRef a/b", fmt.Sprintf(`{"auths":{%q:%s}}`, server.Addr, entry)),
				}}
				o := quick(registry.Options{Retries: -1})
				repository := openWith(t, o, server.Addr+"/org/app", access)
				_, listed := repository.Tags(t.Context())
				_, resolved := repository.Digest(t.Context(), "1.0.0")
				_, read := repository.Content(t.Context(), digest)
				for _, err := range []error{listed, resolved, read} {
					if shown := leak(err, secret); shown != "" {
						t.Errorf("%s, %d from the %s: %q shows %q", kind, status, where, err, shown)
					}
				}
			}
		}
	}
}

// leak returns the spelling in which an error shows a secret, "" for none.
func leak(err error, secret string) string {
	if err == nil {
		return ""
	}
	text := strings.ToLower(err.Error())
	for _, spelling := range []string{
		secret, secret[:12], "bot:" + secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`),
		base64.StdEncoding.EncodeToString([]byte("bot:" + secret)), base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		if strings.Contains(text, strings.ToLower(spelling)) {
			return spelling
		}
	}
	return ""
}

// A credential helper gets what it logs in to its keyring or cloud with, and
// none of our tokens.
func TestCredentialHelperGetsACleanEnvironment(t *testing.T) {
	server := answering(t, answer(200, `{"tags":["1.0.0"]}`))
	home := environment(t, map[string]string{
		"docker/config.json":         fmt.Sprintf(`{"credHelpers":{%q:"dump"}}`, server.Addr),
		"bin/docker-credential-dump": "#!/bin/sh\nenv >\"$HOME/environment\"\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\n",
	})
	t.Setenv("DOCKER_CONFIG", home+"/docker")
	t.Setenv("AWS_PROFILE", "kept")
	t.Setenv("DOCKER_AUTH_CONFIG", `{"auths":{"planted":{}}}`)
	for _, name := range []string{"PINSETTER_GIT_TOKEN", "PINSETTER_STATE", "GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "GITEA_TOKEN"} {
		t.Setenv(name, "planted")
	}
	wantTags(t, openWith(t, registry.Options{}, server.Addr+"/app", registry.Access{}), []string{"1.0.0"})
	got, err := os.ReadFile(home + "/environment")
	if err != nil || strings.Contains(string(got), "planted") || !strings.Contains(string(got), "AWS_PROFILE=kept") {
		t.Errorf("the helper got %v\n%s", err, got)
	}
}
