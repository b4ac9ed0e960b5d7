package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// garden plants secrets in a fleet whose servers say again all that they are sent.
type garden struct {
	t       *testing.T
	rig     *rig
	server  *parts.Git
	echo    parts.Front // answers by the status in the path, where a login comes
	objects strings.Builder
	markers strings.Builder
	env     []string
	planted []string
}

// echoing answers with the status that is a part of the path, once a request
// carries a login; else it asks for one.
func echoing(w http.ResponseWriter, r *http.Request) {
	status := http.StatusForbidden
	for part := range strings.SplitSeq(r.URL.Path, "/") {
		if n, err := strconv.Atoi(strings.TrimPrefix(part, "s")); err == nil && n >= 200 && n < 600 {
			status = n
		}
	}
	if r.Header.Get("Authorization") == "" && r.Header.Get("Proxy-Authorization") == "" && strings.HasPrefix(r.URL.Path, "/v2/") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token/s403"`)
		if r.URL.Path != "/v2/" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	parts.Echo(status).ServeHTTP(w, r)
}

// plant returns another secret.
func (g *garden) plant(where string) string {
	secret := fmt.Sprintf(`%s-%02d"pl/nt<d+é`, where, len(g.planted))
	g.planted = append(g.planted, secret)
	return secret
}

// add adds an object.
func (g *garden) add(kind, name, format string, args ...any) {
	versions := map[string]string{
		"ImageRepository": "image.toolkit.fluxcd.io/v1", "ImagePolicy": "image.toolkit.fluxcd.io/v1", "ImageUpdateAutomation": "image.toolkit.fluxcd.io/v1",
		"GitRepository": "source.toolkit.fluxcd.io/v1", "Secret": "v1", "PullRequest": "pinsetter.dev/v1alpha1",
		"Provider": "notification.toolkit.fluxcd.io/v1beta3", "Alert": "notification.toolkit.fluxcd.io/v1beta3",
	}
	fmt.Fprintf(&g.objects, "---\napiVersion: %s\nkind: %s\nmetadata: {name: %s}\n%s\n", versions[kind], kind, name, fmt.Sprintf(format, args...))
}

// secret adds a Secret with these keys.
func (g *garden) secret(name string, keys map[string]string) {
	data, _ := json.Marshal(keys)
	g.add("Secret", name, "stringData: %s", data)
}

// image adds an image at the echo, whose login is an entry of a dockerconfigjson.
func (g *garden) image(name string, status int, entry map[string]string) {
	login, _ := json.Marshal(map[string]any{"auths": map[string]any{g.echo.Addr: entry}})
	g.add("Secret", name, "type: kubernetes.io/dockerconfigjson\nstringData: %s", must(json.Marshal(map[string]string{".dockerconfigjson": string(login)})))
	g.policy(name, status, "secretRef: {name: "+name+"}")
}

// policy adds an image at the echo, its policy and a marker of that.
func (g *garden) policy(name string, status int, more string) {
	image := fmt.Sprintf("%s/s%d/%s", g.echo.Addr, status, name)
	g.add("ImageRepository", name, "spec: {image: '%s', interval: 5m, timeout: 5s, %s}", image, more)
	g.add("ImagePolicy", name, "spec: {imageRepositoryRef: {name: %s}, policy: {semver: {range: '*'}}}", name)
	fmt.Fprintf(&g.markers, "image: %s:1.0.0 # {\"$imagepolicy\": \"default:%s\"}\n", image, name)
}

// git adds a Git repository at the echo, and an automation of it.
func (g *garden) git(name string, status int, keys map[string]string) {
	g.secret(name, keys)
	g.add("GitRepository", name, "spec: {url: '%s/s%d/%s', interval: 5m, ref: {branch: main}, secretRef: {name: %s}}", g.echo.URL, status, name, name)
	g.automation(name, name)
}

func (g *garden) automation(name, of string) {
	g.add("ImageUpdateAutomation", name, "spec: {interval: 5m, sourceRef: {kind: GitRepository, name: %s}, git: {commit: {author: {email: a@b.c}}}}", of)
}

// forge adds an automation whose pull requests go to a forge at the echo.
func (g *garden) forge(provider string, status int) {
	name := fmt.Sprintf("%s%d", provider, status)
	repository := g.server.NewRepository(name, parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": g.rig.with("1.0.0")}}})
	g.add("GitRepository", name, "spec: {url: '%s', interval: 5m, ref: {branch: main}}", repository.URL)
	g.automation(name, name)
	g.secret(name, map[string]string{"token": g.plant("forge")})
	g.add("PullRequest", name, "spec: {automationRef: {name: %s}, provider: %s, address: '%s/s%d/%s', secretRef: {name: %s}}", name, provider, g.echo.URL, status, name, name)
}

func must(data []byte, _ error) []byte { return data }

// check fails where text shows something that was planted, in a usual spelling.
func (g *garden) check(what, text string) {
	g.t.Helper()
	low := strings.ToLower(text)
	for _, secret := range g.planted {
		for _, spelling := range []string{
			secret, secret[:12], url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`),
			strings.Trim(string(must(json.Marshal(secret))), `"`),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("bot:" + secret)),
			base64.StdEncoding.EncodeToString([]byte("Basic " + base64.StdEncoding.EncodeToString([]byte("bot:"+secret))))[:28],
		} {
			if at := strings.Index(low, strings.ToLower(spelling)); at >= 0 {
				g.t.Errorf("%s shows %s:\n…%s…", what, secret, text[max(at-200, 0):min(at+200, len(text))])
				break
			}
		}
	}
}

// grow returns a garden with a secret in each place where one may be given.
func grow(t *testing.T) *garden {
	g := &garden{t: t, rig: newRig(t, "main"), server: parts.NewGit(t, parts.GitOptions{}), echo: parts.Serve(t, http.HandlerFunc(echoing), parts.FrontOptions{})}
	for _, status := range []int{201, 302, 400, 401, 403, 404, 418} {
		pair := "bot:" + g.plant("auth")
		g.image(fmt.Sprintf("auth%d", status), status, map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(pair))})
		g.image(fmt.Sprintf("user%d", status), status, map[string]string{"username": "bot", "password": g.plant("user")})
		g.image(fmt.Sprintf("identity%d", status), status, map[string]string{"identitytoken": g.plant("identity")})
		g.image(fmt.Sprintf("registry%d", status), status, map[string]string{"registrytoken": g.plant("registry")})
		g.git(fmt.Sprintf("password%d", status), status, map[string]string{"username": "bot", "password": g.plant("git")})
		g.git(fmt.Sprintf("bearer%d", status), status, map[string]string{"bearerToken": g.plant("bearer")})
	}
	for _, status := range []int{401, 403, 422, 500} {
		for _, provider := range []string{"github", "gitlab", "gitea"} {
			g.forge(provider, status)
		}
	}
	g.secret("proxy", map[string]string{"address": g.echo.URL, "username": "bot", "password": g.plant("proxy")})
	g.policy("proxied", 403, "proxySecretRef: {name: proxy}, insecure: true")
	g.add("GitRepository", "proxied", "spec: {url: 'http://git.invalid/s403/a', interval: 5m, ref: {branch: main}, proxySecretRef: {name: proxy}}")
	g.automation("proxied", "proxied")
	g.env = append(g.env, "PINSETTER_GIT_HOST="+g.echo.Addr, "PINSETTER_GIT_USERNAME=bot", "PINSETTER_GIT_TOKEN="+g.plant("environment"))
	g.add("GitRepository", "environment", "spec: {url: '%s/s403/environment', interval: 5m, ref: {branch: main}}", g.echo.URL)
	g.automation("environment", "environment")
	pull, _ := json.Marshal(map[string]any{"auths": map[string]any{g.echo.Addr: map[string]string{"username": "bot", "password": g.plant("dockerauth")}}})
	g.env = append(g.env, "DOCKER_AUTH_CONFIG="+string(pull))
	g.policy("environment", 403, "suspend: false")
	for _, kind := range []string{"generic", "slack", "googlechat", "gitea", "opsgenie"} {
		g.secret("to-"+kind, map[string]string{
			"address": g.echo.URL + "/s400/" + url.PathEscape(g.plant("address")), "token": g.plant("token"), "password": g.plant("chat"), "username": "bot",
			"headers": "X-Key: '" + g.plant("header") + "'",
		})
		g.add("Provider", kind, "spec: {type: %s, channel: c, secretRef: {name: to-%s}}", kind, kind)
		g.add("Alert", kind, "spec: {providerRef: {name: %s}, eventSources: [{kind: ImageUpdateAutomation, name: '*'}]}", kind)
	}
	return g
}

// Whatever servers say again of what they are sent, no command, log, message or
// page shows it.
func TestNothingThatIsSentShows(t *testing.T) {
	g := grow(t)
	var told strings.Builder
	var mu sync.Mutex
	box := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_ = r.Write(&told)
	}))
	defer box.Close()
	g.add("Provider", "box", "spec: {type: generic, address: '%s'}", box.URL)
	g.add("Alert", "box", "spec: {providerRef: {name: box}, eventSources: [{kind: ImageUpdateAutomation, name: '*'}]}")
	g.rig.repo.CommitFile("main", "echo.yaml", g.markers.String(), "")
	g.rig.add(t, g.objects.String())

	for _, args := range [][]string{
		{"run", "-o", "json", "--log-level", "debug"}, {"run"}, {"diff", "-o", "json"}, {"scan", "-o", "json"}, {"select", "-o", "json"},
		{"explain", "auth403"}, {"explain", "environment", "-o", "json"}, {"lint", "-o", "json"}, {"history", "-o", "json"},
	} {
		cmd, out := g.rig.pinsetter(args...)
		cmd.Env = append(cmd.Env, g.env...)
		_ = cmd.Run() // what fails says so
		if out.Len() < 3 {
			t.Errorf("%q says nothing", args)
		}
		g.check(strings.Join(args, " "), out.String())
	}
	for _, variable := range g.env {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	d := g.rig.serve(t, "--log-level", "debug")
	d.until("all have run", func() bool { return d.runs("failure") >= 15 })
	for _, path := range []string{"/", "/policies", "/policies/default/auth403", "/metrics", "/api/v1/status", "/api/v1/automations", "/api/v1/policies", "/api/v1/held", "/api/v1/history"} {
		_, body := d.get(path)
		g.check(path, body)
	}
	g.check("the log", d.said())
	mu.Lock()
	defer mu.Unlock()
	if strings.Count(told.String(), "\r\n\r\n") < 15 {
		t.Errorf("hardly anything was told: %s", told.String())
	}
	g.check("what is told", told.String())
	if len(g.planted) < 60 {
		t.Errorf("%d secrets", len(g.planted))
	}
}
