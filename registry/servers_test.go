package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// rewriting changes the headers of an answer before they are sent.
type rewriting struct {
	http.ResponseWriter
	change func(status int, header http.Header)
}

func (w rewriting) WriteHeader(status int) {
	w.change(status, w.Header())
	w.ResponseWriter.WriteHeader(status)
}

// challenging gives everybody /v2/, and lets the challenges of the registry
// stand among others: BEARER stands for the registry's own.
func challenging(headers ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			next.ServeHTTP(rewriting{w, func(status int, header http.Header) {
				if status != http.StatusUnauthorized {
					return
				}
				own := header.Get("WWW-Authenticate")
				header.Del("WWW-Authenticate")
				for _, value := range headers {
					header.Add("WWW-Authenticate", strings.ReplaceAll(value, "BEARER", own))
				}
			}}, r)
		})
	}
}

// A registry may ask for logins in several ways, and only where it matters:
// Bearer is answered if it is offered, whatever the order and the request.
func TestBearerAmongOtherChallenges(t *testing.T) {
	for name, headers := range map[string][]string{
		"behind Basic":        {`Basic realm="reg"`, "BEARER"},
		"before Basic":        {"BEARER", `Basic realm="reg"`},
		"in one header":       {`Negotiate, NTLM, BEARER`},
		"before it":           {`BEARER, Basic realm="reg", Negotiate`},
		"behind what is none": {`Bearer error="x"`, "BEARER"},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := parts.NewTokenServer(t, parts.TokenOptions{Users: map[string]string{"bot": password}})
			server := parts.NewRegistry(t, parts.RegistryOptions{Tokens: tokens, FrontOptions: parts.FrontOptions{Around: challenging(headers...)}})
			digest := server.Shelf.PushContent("org/app", "1.0.0", "content")
			access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("Secret a/b", server.Addr, "bot", password)}}
			for _, ask := range []func(*registry.Repository) error{
				func(p *registry.Repository) error { _, err := p.Tags(t.Context()); return err },
				func(p *registry.Repository) error { _, err := p.Digest(t.Context(), "1.0.0"); return err },
				func(p *registry.Repository) error { _, err := p.Content(t.Context(), digest); return err },
			} {
				if err := ask(open(t, server.Image("org/app"), access)); err != nil {
					t.Error(err)
				}
			}

			// What it asks for is remembered.
			repository := open(t, server.Image("org/app"), access)
			wantTags(t, repository, []string{"1.0.0"})
			server.Log.Reset()
			wantTags(t, repository, []string{"1.0.0"})
			if n := server.Log.Count("", ""); n != 1 {
				t.Errorf("%d requests for the second list; want 1", n)
			}

			wrong := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("Secret a/wrong", server.Addr, "bot", "x")}}
			_, err := open(t, server.Image("org/app"), wrong).Tags(t.Context())
			wantError(t, err, registry.ErrDenied, server.Addr, "401 Unauthorized from the token server \""+tokens.Realm()+
				"\" of HOST: UNAUTHORIZED: incorrect username or password; the credentials of Secret a/wrong were refused")
		})
	}
}

// Basic is answered where it is all there is, beside what isn't known here.
func TestBasicAmongOtherChallenges(t *testing.T) {
	for name, header := range map[string]string{"first": `Basic realm="reg", Negotiate`, "last": `Negotiate abc==, Basic realm="reg"`} {
		server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: password, Around: challenging(header)}})
		server.SetTags("app", "1.0.0")
		access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("Secret a/b", server.Addr, "bot", password)}}
		if _, err := open(t, server.Image("app"), access).Tags(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChallengesThatNobodyAnswers(t *testing.T) {
	server := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("WWW-Authenticate", "Negotiate, NTLM")
		w.WriteHeader(http.StatusUnauthorized)
	})
	access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("Secret a/b", server.Addr, "bot", password)}}
	_, err := open(t, server.Addr+"/app", access).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr,
		"401 Unauthorized; it asks for a login by negotiate, ntlm, and known here are Bearer and Basic; the credentials of Secret a/b were refused")
	if n := server.Log.Count("", "/tags/"); n != 1 {
		t.Errorf("%d requests; want 1", n)
	}
}

// A token where only a login is asked for isn't sent, and isn't called refused.
func TestIdentityTokenWhereBasicIsAskedFor(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: password}})
	document := pinsetter.NewSecret("Secret a/b", fmt.Sprintf(`{"auths":{%q:{"identitytoken":"x"}}}`, server.Addr))
	_, err := open(t, server.Image("app"), registry.Access{DockerConfigs: []pinsetter.Secret{document}}).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr, "it was not sent the credentials of Secret a/b: they are a token to exchange at a token server")
}

// What a server says stands before any advice, and advice only where it fits.
func TestServersSayItFirst(t *testing.T) {
	for name, test := range map[string]struct {
		status      int
		kind, body  string
		want, never string
	}{
		"text": {403, "text/plain", "IP 10.1.2.3 is not on the allow list\n",
			"403 Forbidden: IP 10.1.2.3 is not on the allow list (it was asked without credentials)", "secretRef"},
		"message":       {403, "application/json", `{"message":"You have exceeded your plan"}`, "403 Forbidden: You have exceeded your plan (it was", "secretRef"},
		"errors":        {403, "application/json", `{"errors":"forbidden for you"}`, "403 Forbidden: forbidden for you (it was", "secretRef"},
		"HTML":          {403, "text/html", "<!DOCTYPE html><html><head><title>Blocked &amp; logged</title></head><body>x</body></html>", "403 Forbidden: Blocked & logged (it was", "<"},
		"HTML, a proxy": {403, "text/html", "<html><head><title>403 Forbidden</title></head></html>", "403 Forbidden; it was asked without credentials: if it is private", ""},
		"402":           {402, "application/json", `{"error":"payment required by plan"}`, "402 Payment Required: payment required by plan", "credentials"},
		"503":           {503, "text/plain", "back at 12:00", "503 Service Unavailable: back at 12:00", "credentials"},
		"401":           {401, "application/json", `{"details":"account is locked"}`, "401 Unauthorized: account is locked; it was asked without credentials: if it is private", ""},
		"hostile":       {403, "text/plain", "\x1b[2Jgone\r\n", `403 Forbidden: "\x1b[2Jgone" (it was`, ""},
		"long":          {403, "text/plain", strings.Repeat("word ", 5000), "403 Forbidden: word word ", strings.Repeat("word ", 60)},
	} {
		t.Run(name, func(t *testing.T) {
			server := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				answer(test.status, test.body)(w, nil)
			})
			repository := openWith(t, quick(registry.Options{Retries: -1}), server.Addr+"/app", registry.Access{})
			_, listed := repository.Tags(t.Context())
			_, resolved := repository.Digest(t.Context(), "1.0.0")
			_, read := repository.Content(t.Context(), "sha256:"+strings.Repeat("a", 64))
			for _, err := range []error{listed, resolved, read} {
				if test.status == 503 && errors.Is(err, resolved) {
					continue // HEAD has no words, and a busy server isn't asked once more
				}
				wantError(t, err, nil, server.Addr, test.want)
				if test.never != "" && strings.Contains(err.Error(), test.never) {
					t.Errorf("%v; want no %q", err, test.never)
				}
			}
		})
	}
}

func TestPingSaysItFirst(t *testing.T) {
	for body, want := range map[string]string{
		"IP 10.1.2.3 is not on the allow list":          "/v2/ answers 403 Forbidden: IP 10.1.2.3 is not on the allow list",
		"<html><title>403 Forbidden</title></html>":     "/v2/ answers 403 Forbidden; is it a registry?",
		`{"errors":[{"code":"DENIED","message":"no"}]}`: "/v2/ answers 403 Forbidden: DENIED: no",
	} {
		server := parts.Serve(t, answer(403, body), parts.FrontOptions{})
		_, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
		wantError(t, err, nil, server.Addr, want)
		if strings.Contains(want, ": ") && strings.Contains(err.Error(), "is it a registry") {
			t.Errorf("%v: no advice fits", err)
		}
	}
}

// A Secret with a login for another registry is named, and its hosts.
func TestSecretsWithoutALogin(t *testing.T) {
	server := answering(t, answer(401, ""))
	for documents, want := range map[string]string{
		`{"auths":{"gitlab.example":{"auth":"dTpw"}}}`: "Secret a/0 has no login for HOST/org/app; it has: gitlab.example",
		`{"auths":{}}`: "Secret a/0 has no login for HOST/org/app; it has: none",
		`{"auths":{"HOST/other":{"auth":"dTpw"}}}`:                                  "Secret a/0 has no login for HOST/org/app; it has: HOST/other",
		`{"auths":{"HOST":{}}}`:                                                     "Secret a/0 has no login for HOST/org/app; it has: HOST (an empty entry: its login is with a credential helper)",
		`{"auths":{"u:hunter2@b":{"auth":"dTpw"}}}`:                                 "Secret a/0 has no login for HOST/org/app; it has: b",
		`{"auths":{"a":{}}} {"auths":{"b":{}}}`:                                     "Secret a/0 has no login for HOST/org/app; it has: a (an empty entry: its login is with a credential helper); Secret a/1 has no login for HOST/org/app; it has: b",
		`{"auths":{"a":{},"b":{},"c":{},"d":{},"e":{},"f":{"auth":"dTpw"},"g":{}}}`: "and 2 more",
	} {
		var secrets []pinsetter.Secret
		for i, document := range strings.Fields(documents) {
			secrets = append(secrets, pinsetter.NewSecret(fmt.Sprintf("Secret a/%d, key .dockerconfigjson", i), strings.ReplaceAll(document, "HOST", server.Addr)))
		}
		_, err := open(t, server.Addr+"/org/app", registry.Access{DockerConfigs: secrets}).Tags(t.Context())
		wantError(t, err, registry.ErrDenied, server.Addr, "401 Unauthorized; it was asked without credentials: ")
		wantError(t, err, registry.ErrDenied, server.Addr, want)
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secretRef") {
			t.Error(err)
		}
	}
}

// Line ends behind a value are dropped, as files and echo leave them.
func TestCredentialsLoseTheirLineEnd(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: password}})
	server.SetTags("app", "1.0.0")
	bearer := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{Bearer: password}})
	bearer.SetTags("app", "1.0.0")
	for _, end := range []string{"\n", "\r\n"} {
		quotedEnd := strings.Trim(fmt.Sprintf("%q", end), `"`)
		for _, secret := range []pinsetter.Secret{
			dockerConfig("Secret a/b", server.Addr, "bot", password+end),
			pinsetter.NewSecret("Secret a/b", fmt.Sprintf(`{"auths":{%q:{"username":"bot%[3]s","password":"%[2]s%[3]s"}}}`, server.Addr, password, quotedEnd)),
		} {
			wantTags(t, open(t, server.Image("app"), registry.Access{DockerConfigs: []pinsetter.Secret{secret}}), []string{"1.0.0"})
		}
		token := pinsetter.NewSecret("Secret a/b", fmt.Sprintf(`{"auths":{%q:{"registrytoken":"%s%s"}}}`, bearer.Addr, password, quotedEnd))
		wantTags(t, open(t, bearer.Image("app"), registry.Access{DockerConfigs: []pinsetter.Secret{token}}), []string{"1.0.0"})
	}
}

// A registry by its name may have its token server at a private address, unless
// private addresses are refused.
func TestTokenServerAtAPrivateAddress(t *testing.T) {
	tokens := answering(t, answer(200, `{"token":"issued"}`))
	server := asking(t, tokens.URL+"/token")
	image := strings.Replace(server.Addr, "127.0.0.1", "localhost", 1) + "/app"
	wantTags(t, open(t, image, registry.Access{}), []string{"1.0.0"})

	_, err := openWith(t, registry.Options{Anonymous: true, Dialer: login.Dialer{RefusePrivate: true}}, image, registry.Access{}).Tags(t.Context())
	wantError(t, err, login.ErrRefusedAddress, "", "private addresses are switched off")
}

// A refresh token where POST isn't known goes as the password of a GET.
func TestRefreshTokenByGet(t *testing.T) {
	for _, status := range []int{404, 405} {
		tokens := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if _, given, _ := r.BasicAuth(); r.Method == http.MethodPost || given != password {
				w.WriteHeader(status)
				return
			}
			_, _ = fmt.Fprint(w, `{"access_token":"issued"}`)
		})
		server := asking(t, tokens.URL+"/token")
		document := pinsetter.NewSecret("Secret a/b", fmt.Sprintf(`{"auths":{%q:{"identitytoken":%q}}}`, server.Addr, password))
		wantTags(t, open(t, server.Addr+"/app", registry.Access{DockerConfigs: []pinsetter.Secret{document}}), []string{"1.0.0"})
	}
}

// A token server may write numbers as strings, and stand at a private address.
func TestTokenServersAsTheyAre(t *testing.T) {
	for name, life := range map[string]string{"a string": `"300"`, "a fraction": `300.5`, "null": `null`, "nonsense": `"soon"`, "negative": `-1`, "huge": `1e300`} {
		tokens := answering(t, answer(200, `{"token":"issued","expires_in":`+life+`}`))
		server := asking(t, tokens.URL+"/token")
		if _, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, body := range []string{`{"details":"incorrect username or password"}`, `{"detail":"incorrect username or password"}`, "incorrect username or password"} {
		tokens := answering(t, answer(401, body))
		server := asking(t, tokens.URL+"/token")
		access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("Secret a/b", server.Addr, "bot", password)}}
		_, err := open(t, server.Addr+"/app", access).Tags(t.Context())
		wantError(t, err, registry.ErrDenied, server.Addr, `token" of HOST: incorrect username or password; the credentials of Secret a/b were refused`)
	}
}
