package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/parts"
)

// badRig adds to a fleet an image at a registry that answers nonsense, marked
// in a file of its own.
func badRig(t *testing.T, image string) *rig {
	t.Helper()
	f := newRig(t, "main")
	f.repo.CommitFile("main", "bad.yaml", "image: "+image+":0.1.0 # {\"$imagepolicy\": \"default:bad\"}\n", "")
	f.add(t, `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: bad}
spec: {image: "`+image+`", interval: 5m, timeout: 2s, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: bad}
spec:
  imageRepositoryRef: {name: bad}
  policy: {semver: {range: ">=0.0.0"}}
`)
	return f
}

// add appends text to the fleet's objects.
func (f *rig) add(t *testing.T, text string) {
	t.Helper()
	old, err := os.ReadFile(f.objects)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.objects, append(old, text...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkRun runs the fleet and demands the status, a line on standard error that
// matches, and that the good file was seen to.
func (f *rig) checkRun(t *testing.T, status int, line string) {
	t.Helper()
	cmd, out := f.pinsetter("run")
	_ = cmd.Run() // the status says how it went
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("status %d, want %d", got, status)
	}
	if !regexp.MustCompile(line).MatchString(out.String()) {
		t.Errorf("no line matches %q", line)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("an escape sequence came through")
	}
	if got := f.repo.File("main", "a.yaml"); got != f.with("1.1.0") {
		t.Errorf("the good file has %q", got)
	}
	if t.Failed() {
		t.Logf("output:\n%s", out)
	}
}

// A registry that answers badly is an error of its own policies, with a message
// that a stranger can act on; everything else is done.
func TestBadRegistries(t *testing.T) {
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	tests := map[string]struct {
		tags http.HandlerFunc
		line string
	}{
		"HTML":             {answer("<html><body>Sign in</body></html>"), `error: ImagePolicy default/bad: list tags of .*bad/image: .*(HTML|JSON)`},
		"an empty list":    {answer(`{"name":"bad/image","tags":[]}`), `error: ImagePolicy default/bad: .*empty list`},
		"null":             {answer(`{"name":"bad/image","tags":null}`), `error: ImagePolicy default/bad: .*empty list`},
		"cut off":          {answer(`{"name":"bad/image","tags":["1.0.0","2.0`), `error: ImagePolicy default/bad: list tags of `},
		"not there":        {http.NotFound, `error: ImagePolicy default/bad: list tags of .*(not found|404)`},
		"escape sequences": {answer(`{"tags":["1.0\u001b[31m","a\nb","x y"]}`), `error: ImagePolicy default/bad: `},
		"a loop": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "<"+r.URL.Path+`?n=1&last=a>; rel="next"`)
			fmt.Fprint(w, `{"tags":["1.0.0"]}`)
		}, `error: ImagePolicy default/bad: list tags of .*circles`},
		"another host": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<http://elsewhere.example.test/v2/bad/image/tags/list?last=a>; rel="next"`)
			fmt.Fprint(w, `{"tags":["1.0.0"]}`)
		}, `error: ImagePolicy default/bad: list tags of .*elsewhere.example.test`},
		"a slow drip": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"tags":["1.0.0"`)
			for r.Context().Err() == nil {
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush() // the client may be gone
				time.Sleep(20 * time.Millisecond)
			}
		}, `error: ImagePolicy default/bad: list tags of .*(timed out|timeout|deadline)`},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"not for you"}]}`)
		}, `error: ImagePolicy default/bad: list tags of .*(403|not for you)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/" {
					return
				}
				test.tags(w, r)
			}), parts.FrontOptions{})
			badRig(t, server.Addr+"/bad/image").checkRun(t, cli.StatusFailed, test.line)
		})
	}
}

// What is odd about the files of a repository is a warning about them, and the
// others are rewritten.
func TestBadFiles(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	marker := ` # {"$imagepolicy": "default:app:tag"}` + "\n"
	tests := map[string]struct{ content, line string }{
		"not UTF-8": {"a: \xff\xfe\ntag: 1.0.0" + marker, `warning: 0.yaml(:\d+)?: .*UTF-8`},
		"a bomb":    {bomb + "tag: 1.0.0" + marker, ``},
		"large":     {"tag: 1.0.0" + marker + strings.Repeat("# "+strings.Repeat("x", 1<<10)+"\n", 100<<10), `0.yaml.*(MiB|large|bound)`},
		"deep":      {strings.Repeat("[", 20_000) + "\ntag: 1.0.0" + marker, `warning: 0.yaml:\d+: `},
		"a tab":     {"\tx: 1\ntag: 1.0.0" + marker, `warning: 0.yaml:\d+: `},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t, "main")
			f.repo.CommitFile("main", "0.yaml", test.content, "")
			f.checkRun(t, cli.StatusDone, test.line)
		})
	}
}

// Repositories that can't be read are errors of their automations.
func TestBadRepositories(t *testing.T) {
	server := parts.NewGit(t, parts.GitOptions{})
	empty := server.NewRepository("empty", parts.RepositoryOptions{})
	full := server.NewRepository("full", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": "a: 1\n"}}})
	private := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: "pass"}})
	secret := private.NewRepository("secret", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": "a: 1\n"}}})
	const loop = `"{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"`
	tests := map[string]struct{ url, ref, extra, path, message, line string }{
		"empty":              {empty.URL, "main", "", "", "x", `error: ImageUpdateAutomation default/bad: .*empty`},
		"no such branch":     {full.URL, "nope", "", "", "x", `error: ImageUpdateAutomation default/bad: .*branch "nope".*main`},
		"no such repository": {server.URL + "/none.git", "main", "", "", "x", `error: ImageUpdateAutomation default/bad: .*(not found|404)`},
		"no credentials":     {secret.URL, "main", "", "", "x", `error: ImageUpdateAutomation default/bad: .*(secretRef|credentials|401)`},
		"no server":          {"http://127.0.0.1:1/x.git", "main", "", "", "x", `error: ImageUpdateAutomation default/bad: .*refused`},
		"no such secret":     {secret.URL, "main", "secretRef: {name: none}", "", "x", `error: .*Secret default/none`},
		"no such path":       {full.URL, "main", "", "nowhere", "x", `error: ImageUpdateAutomation default/bad: .*nowhere`},
		"a looping template": {full.URL, "main", "", "", loop, `error: .*messageTemplate|^$`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t, "main")
			f.add(t, fmt.Sprintf(`---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: bad}
spec:
  url: %s
  interval: 5m
  ref: {branch: %s}
  %s
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: bad}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: bad}
  update: {path: %q}
  git: {commit: {author: {email: bot@example.test}, messageTemplate: %s}}
`, test.url, test.ref, test.extra, test.path, test.message))
			if name == "a looping template" {
				full.CommitFile("main", "a.yaml", "tag: 1.0.0 # {\"$imagepolicy\": \"default:app:tag\"}\n", "")
			}
			f.checkRun(t, cli.StatusFailed, test.line)
		})
	}
}

// A Secret without the key that is needed says which.
func TestSecretLacksKey(t *testing.T) {
	f := newRig(t, "main")
	secrets := t.TempDir()
	if err := os.MkdirAll(filepath.Join(secrets, "default", "git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(secrets, "default", "git", "username"), []byte("bot"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.add(t, fmt.Sprintf(`---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: bad}
spec: {url: %q, interval: 5m, secretRef: {name: git}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: bad}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: bad}
  git: {commit: {author: {email: bot@example.test}}}
`, f.repo.URL))
	t.Setenv("PINSETTER_SECRETS", secrets)
	f.checkRun(t, cli.StatusFailed, `error: .*Secret default/git.*password`)
}
