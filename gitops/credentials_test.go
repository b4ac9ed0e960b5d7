package gitops_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

const planted = `pl4nt"ed/pa<ss+wörd`

// leak returns the spelling in which an error shows what was planted, "" for none.
func leak(err error) string {
	if err == nil {
		return ""
	}
	text := strings.ToLower(err.Error())
	for _, spelling := range []string{
		planted, planted[:12], url.QueryEscape(planted), url.PathEscape(planted), strings.Trim(fmt.Sprintf("%q", planted), `"`),
		base64.StdEncoding.EncodeToString([]byte("bot:" + planted)), base64.StdEncoding.EncodeToString([]byte(planted)),
	} {
		if strings.Contains(text, strings.ToLower(spelling)) {
			return spelling
		}
	}
	return ""
}

// logins are the ways in which credentials for http come in.
func logins(address string) map[string]func() (*fleet.GitSource, gitops.Options) {
	source := func(auth fleet.GitAuth) *fleet.GitSource {
		return &fleet.GitSource{URL: address + "/org/app.git", Auth: auth}
	}
	with := func(env map[string]string) gitops.Options {
		return gitops.Options{Environment: login.Environment{Getenv: func(name string) string { return env[name] }}}
	}
	host := strings.TrimPrefix(address, "http://")
	return map[string]func() (*fleet.GitSource, gitops.Options){
		"password": func() (*fleet.GitSource, gitops.Options) {
			return source(fleet.GitAuth{Set: true, Username: "bot", Password: secret(planted)}), gitops.Options{}
		},
		"bearer": func() (*fleet.GitSource, gitops.Options) {
			return source(fleet.GitAuth{Set: true, Bearer: secret(planted)}), gitops.Options{}
		},
		"URL": func() (*fleet.GitSource, gitops.Options) {
			u := url.URL{Scheme: "http", Host: host, Path: "/org/app.git", User: url.UserPassword("bot", planted)}
			return &fleet.GitSource{URL: u.String()}, gitops.Options{}
		},
		"environment": func() (*fleet.GitSource, gitops.Options) {
			return source(fleet.GitAuth{}), with(map[string]string{"PINSETTER_GIT_TOKEN": planted, "PINSETTER_GIT_HOST": host, "PINSETTER_GIT_USERNAME": "bot"})
		},
		"runner": func() (*fleet.GitSource, gitops.Options) {
			return source(fleet.GitAuth{}), with(map[string]string{"GITHUB_TOKEN": planted, "GITHUB_SERVER_URL": address})
		},
		"app": func() (*fleet.GitSource, gitops.Options) {
			src := source(fleet.GitAuth{})
			src.App = &fleet.GitHubApp{ID: 1}
			return src, gitops.Options{Credential: func(context.Context, *fleet.GitSource) (string, pinsetter.Secret, error) {
				return "bot", secret(planted), nil
			}}
		},
		"proxy": func() (*fleet.GitSource, gitops.Options) {
			return &fleet.GitSource{URL: "http://git.invalid/org/app.git", Auth: fleet.GitAuth{
				Set: true, Bearer: secret(planted), Proxy: &pinsetter.Proxy{Address: address, Username: "bot", Password: secret(planted)},
			}}, gitops.Options{}
		},
		"proxy before TLS": func() (*fleet.GitSource, gitops.Options) {
			return &fleet.GitSource{URL: "https://git.invalid/org/app.git", Auth: fleet.GitAuth{
				Proxy: &pinsetter.Proxy{Address: address, Username: "bot", Password: secret(planted)},
			}}, gitops.Options{}
		},
	}
}

// A Git server, or a proxy before it, may say again whatever it is sent: no
// error shows it.
func TestEchoesOfCredentialsDontShow(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	upstream, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(upstream)
	for _, status := range []int{200, 204, 301, 307, 400, 401, 403, 404, 407, 418, 429, 500, 502} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if method == http.MethodPost && r.Method == http.MethodGet {
					pass.ServeHTTP(w, r)
					return
				}
				parts.Echo(status).ServeHTTP(w, r)
			}), parts.FrontOptions{})
			for name, with := range logins(front.URL) {
				src, o := with()
				remote := openWith(t, src, o)
				_, fetched := remote.Fetch(t.Context(), main)
				deleted := remote.Delete(t.Context(), "gone", strings.Repeat("a", 40))
				for _, err := range []error{fetched, deleted} {
					if spelling := leak(err); spelling != "" {
						t.Errorf("%s, %s %d: %q shows %q", name, method, status, err, spelling)
					}
				}
			}
		}
	}
}

// What hooks print and what a server says in its protocol doesn't show a
// credential, also where it is long or cut.
func TestWordsOfAServerDontShowCredentials(t *testing.T) {
	line := "logged in as bot:" + planted + " " + base64.StdEncoding.EncodeToString([]byte("bot:"+planted))
	for name, print := range map[string]string{
		"a line": "cat <<'END' >&2\n" + line + "\nEND",
		"cut":    "i=0; while [ $i -lt 80 ]; do i=$((i+1)); cat <<'END' >&2\n" + line + line + "\nEND\ndone",
		"colour": "cat <<'END' >&2\n" + planted[:5] + "\x1b" + planted[5:] + "\u200b\nEND",
		"a page": "i=0; while [ $i -lt 900 ]; do i=$((i+1)); cat <<'END' >&2\n" + planted + "\nEND\ndone",
	} {
		g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: planted}})
		repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Hooks: map[string]string{"pre-receive": "#!/bin/sh\n" + print + "\nexit 1\n"}})
		remote := openWith(t, &fleet.GitSource{URL: repository.URL, Auth: fleet.GitAuth{Set: true, Username: "bot", Password: secret(planted)}}, gitops.Options{})
		base := fetch(t, remote, main).Base
		next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
		_, err := remote.Push(t.Context(), gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
		if !errors.Is(err, gitops.ErrProtected) {
			t.Errorf("%s: %v is not ErrProtected", name, err)
		}
		if spelling := leak(err); spelling != "" {
			t.Errorf("%s: %q shows %q", name, err, spelling)
		}
	}
	said := "ERR access denied for bot:" + planted
	front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-"+r.URL.Query().Get("service")+"-advertisement")
		_, _ = fmt.Fprintf(w, "%04x%s", len(said)+4, said)
	}), parts.FrontOptions{})
	for name, with := range logins(front.URL) {
		src, o := with()
		if _, err := openWith(t, src, o).Fetch(t.Context(), main); err == nil || leak(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The hooks of a repository on this machine run with none of our credentials.
func TestHooksGetACleanEnvironment(t *testing.T) {
	for _, name := range []string{"PINSETTER_GIT_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "DOCKER_AUTH_CONFIG", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "GIT_DIR", "ANYTHING"} {
		t.Setenv(name, "planted")
	}
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files, Hooks: map[string]string{"pre-receive": "#!/bin/sh\nenv >environment\n"}})
	remote := open(t, "file://"+repository.Dir)
	base := fetch(t, remote, main).Base
	next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "main", Lease: base.Hash()})
	got, err := os.ReadFile(filepath.Join(repository.Dir, "environment"))
	if err != nil || strings.Contains(string(got), "planted") || !strings.Contains(string(got), "PATH=") {
		t.Errorf("the hook got %v\n%s", err, got)
	}
}

// A proxy is not asked for a metadata address, of any scheme and by no redirect.
func TestProxyIsNotAskedForMetadata(t *testing.T) {
	proxy := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254"+r.URL.RequestURI(), http.StatusFound)
	}), parts.FrontOptions{})
	for _, address := range []string{
		"http://169.254.169.254/a", "https://169.254.169.254/a", "http://2852039166/a", "http://0251.0376.0251.0376/a", "http://169.254.169.254./a",
		"http://[fd00:ec2::254]/a", "http://[64:ff9b:1::169.254.169.254]/a", "http://[fe80::1%25lo]/a", "http://metadata.google.internal/a",
		"http://git.invalid/redirected",
	} {
		src := &fleet.GitSource{URL: address, Auth: fleet.GitAuth{Proxy: &pinsetter.Proxy{Address: proxy.URL}}}
		if _, err := openWith(t, src, gitops.Options{}).Fetch(t.Context(), main); !errors.Is(err, login.ErrRefusedAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, r := range proxy.Log.All() {
		if !strings.Contains(r.Path, "redirected") {
			t.Errorf("the proxy was asked for %s %s", r.Method, r.Path)
		}
	}
}
