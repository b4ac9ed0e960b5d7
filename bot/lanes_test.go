package bot_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// tenant is one namespace's objects: an automation "apps" that writes NAMESPACE.yaml.
type tenant struct {
	namespace string
	url       string
	user      string // with a Secret, whose password is the user too; "": none
	push      string // spec.git.push
	base      string // "" is main
	metadata  string // of the automation
	more      string // objects
}

func (tt tenant) objects() string {
	secret, reference := "", ""
	if tt.user != "" {
		reference = ", secretRef: {name: git}"
		secret = fmt.Sprintf("---\napiVersion: v1\nkind: Secret\nmetadata: {name: git, namespace: NS}\nstringData: {username: %s, password: %[1]s, token: forge}\n", tt.user)
	}
	if tt.base == "" {
		tt.base = "main"
	}
	return strings.NewReplacer("NS", tt.namespace, "URL", tt.url, "AUTH", reference, "PUSH", tt.push, "BASE", tt.base, "MORE", tt.metadata).Replace(`---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app, namespace: NS}
spec: {image: REG/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app, namespace: NS}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ^1.0.0}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: NS}
spec: {url: "URL", interval: 5m, ref: {branch: BASE}AUTH}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps, namespace: NS, MORE}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}, messageTemplate: '{{ .AutomationObject.Namespace }}'}, push: {PUSH}}
` + secret + tt.more)
}

// tenantFile is the file of a tenant that shows 1.0.0.
func tenantFile(namespace string) string {
	return "image: REG/org/app:1.0.0 # {\"$imagepolicy\": \"" + namespace + ":app\"}\n"
}

// gitHost is a Git server that lets users in and notes who pushed.
type gitHost struct {
	*parts.Repository
	mu     sync.Mutex
	users  []string // who may come in; none: everybody
	pushes []string // users, by push
}

func (w *world) newGitHost(files ...string) *gitHost {
	w.t.Helper()
	h := &gitHost{}
	git := parts.NewGit(w.t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: h.admit}})
	tree := map[string]string{}
	for _, namespace := range files {
		tree[namespace+".yaml"] = w.Named(tenantFile(namespace))
	}
	h.Repository = git.NewRepository("fleet", parts.RepositoryOptions{
		Tree: parts.Tree{Files: tree}, Config: map[string]string{"receive.advertisePushOptions": "true"},
		Hooks: map[string]string{"pre-receive": noteOptions},
	})
	return h
}

// noteOptions notes a line for each push: the ref, its new commit's subject, and the
// push options.
const noteOptions = `#!/bin/sh
options=$(env | grep '^GIT_PUSH_OPTION_[0-9]' | sort | cut -d= -f2- | tr '\n' ' ')
case $options in refuse=*) echo not today >&2; exit 1;; esac
while read -r old new ref; do echo "$ref $(git log -1 --format=%s $new):$options" >>options; done
`

func (h *gitHost) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		h.mu.Lock()
		allowed := len(h.users) == 0
		for _, u := range h.users {
			allowed = allowed || user == u && password == user
		}
		if allowed && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			h.pushes = append(h.pushes, user)
		}
		h.mu.Unlock()
		if !allowed {
			to.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(to, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(to, r)
	})
}

// options returns what noteOptions noted since it was asked last.
func (h *gitHost) options(t *testing.T) []string {
	t.Helper()
	notes := filepath.Join(h.Dir, "options")
	data, err := os.ReadFile(notes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err = errors.Join(err, os.Remove(notes)); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "refs/heads/")))
	}
	return lines
}

// tenants begins a world with two tenants' objects, to come by load.
func tenants(t *testing.T, tags ...string) *world {
	t.Helper()
	w := newWorld(t, "", nil)
	w.Registry.Push("org/app", tags...)
	return w
}

// loadAll replaces the objects by those of some tenants.
func (w *world) loadAll(all ...tenant) {
	w.t.Helper()
	var objects strings.Builder
	for _, tt := range all {
		objects.WriteString(tt.objects())
	}
	w.Load(objects.String())
}

// all runs a cycle of all automations with a ledger of its own, and returns the
// results by namespace, or, with names, of those namespaces alone.
func (w *world) all(namespaces ...string) map[string]*bot.Result {
	w.t.Helper()
	ledger := w.Remember()
	defer ledger.Close()
	automations := w.Set.Automations[:0:0]
	for _, a := range w.Set.Automations {
		if len(namespaces) == 0 || strings.Contains(strings.Join(namespaces, " "), a.Name.Namespace) {
			automations = append(automations, a)
		}
	}
	results := map[string]*bot.Result{}
	for _, r := range w.bot(ledger).Cycle(w.t.Context(), bot.Push, automations) {
		results[r.Namespace] = r
	}
	return results
}

// shows fails the test unless a tenant's file shows a tag on a branch.
func (h *gitHost) shows(t *testing.T, branch, namespace, tag string) {
	t.Helper()
	if text := h.File(branch, namespace+".yaml"); !strings.Contains(text, ":"+tag+" ") {
		t.Errorf("%s.yaml on %s: %q, want %s", namespace, branch, text, tag)
	}
}

// Two servers on one host are two repositories, whatever their paths.
func TestTwoServersOnOneHost(t *testing.T) {
	w := tenants(t, "1.0.0", "1.1.0")
	one, two := w.newGitHost("a", "b"), w.newGitHost("a", "b")
	w.loadAll(tenant{namespace: "a", url: one.URL}, tenant{namespace: "b", url: two.URL})
	for _, r := range w.all() {
		if r.Err != nil || r.Pushed == nil {
			t.Errorf("%s: pushed %+v, %v", r.Namespace, r.Pushed, r.Err)
		}
	}
	one.shows(t, "main", "a", "1.1.0")
	one.shows(t, "main", "b", "1.0.0")
	two.shows(t, "main", "a", "1.0.0")
	two.shows(t, "main", "b", "1.1.0")
}

// A credential serves its own automation alone.
func TestALoginIsNotLent(t *testing.T) {
	for name, users := range map[string][2]string{"the first has one": {"alice", ""}, "the second has one": {"", "alice"}} {
		t.Run(name, func(t *testing.T) {
			w := tenants(t, "1.0.0", "1.1.0")
			h := w.newGitHost("a", "b")
			h.users = []string{"alice"}
			w.loadAll(tenant{namespace: "a", url: h.URL, user: users[0]}, tenant{namespace: "b", url: h.URL, user: users[1]})
			results := w.all()
			for i, namespace := range []string{"a", "b"} {
				r, want := results[namespace], "1.0.0"
				if users[i] != "" {
					want = "1.1.0"
				}
				h.shows(t, "main", namespace, want)
				if pushed := want == "1.1.0"; (r.Pushed != nil) != pushed || (r.Err == nil) != pushed {
					t.Errorf("%s: pushed %+v, %v", namespace, r.Pushed, r.Err)
				}
			}
			if diff := cmp.Diff([]string{"alice"}, h.pushes); diff != "" {
				t.Errorf("pushes:\n%s", diff)
			}
		})
	}
}

// Two logins to one repository take turns, and each builds on what the other pushed.
// Equal ones share a push.
func TestTwoLoginsPushToTheBase(t *testing.T) {
	for second, pushes := range map[string][]string{"bob": {"alice", "bob"}, "alice": {"alice"}} {
		t.Run(second, func(t *testing.T) {
			w := tenants(t, "1.0.0", "1.1.0")
			h := w.newGitHost("a", "b")
			h.users = []string{"alice", "bob"}
			w.loadAll(tenant{namespace: "a", url: h.URL, user: "alice"}, tenant{namespace: "b", url: h.URL, user: second})
			before := h.Head("main")
			for _, r := range w.all() {
				if r.Err != nil || r.Pushed == nil {
					t.Errorf("%s: pushed %+v, %v", r.Namespace, r.Pushed, r.Err)
				}
			}
			h.shows(t, "main", "a", "1.1.0")
			h.shows(t, "main", "b", "1.1.0")
			if n := h.Git("rev-list", "--count", before+"..main"); n != "2" {
				t.Errorf("%s commits", n)
			}
			if diff := cmp.Diff(pushes, h.pushes); diff != "" {
				t.Errorf("pushes:\n%s", diff)
			}
		})
	}
}

// Where two logins have one push branch, neither drops the other's commit: not when
// both run nor when one runs alone, and not where commits don't say whose they are.
func TestTwoLoginsOnePushBranch(t *testing.T) {
	for name, metadata := range map[string]string{"with trailers": "", "without": "annotations: {pinsetter.dev/trailers: 'false'}"} {
		t.Run(name, func(t *testing.T) {
			w := tenants(t, "1.0.0", "1.1.0")
			h := w.newGitHost("a", "b")
			h.users = []string{"alice", "bob"}
			on := func(namespace, user string) tenant {
				return tenant{namespace: namespace, url: h.URL, user: user, push: "branch: updates", metadata: metadata}
			}
			w.loadAll(on("a", "alice"), on("b", "bob"))
			tags := map[string]string{"a": "1.0.0", "b": "1.0.0"}
			run := func(tag string, namespaces ...string) {
				t.Helper()
				before := h.Head("updates")
				for namespace, r := range w.all(namespaces...) {
					if r.Err != nil {
						t.Errorf("%s: %v", namespace, r.Err)
					}
					tags[namespace] = tag
				}
				for namespace, tag := range tags {
					h.shows(t, "updates", namespace, tag)
				}
				if before != "" {
					h.Git("merge-base", "--is-ancestor", before, "updates") // or the test fails
				}
			}
			run("1.1.0")
			head := h.Head("updates")
			run("1.1.0")
			if h.Head("updates") != head {
				t.Error("a run with nothing to do pushed")
			}
			w.Registry.Push("org/app", "1.2.0")
			run("1.2.0", "a")
			run("1.2.0", "b")
			h.CommitFile("main", "README", "hello", "")
			w.Registry.Push("org/app", "1.3.0")
			run("1.3.0")
			h.Git("update-ref", "refs/heads/main", "updates") // merged: begin again
			w.Registry.Push("org/app", "1.4.0")
			run("1.4.0")
		})
	}
}

// What two automations of one writer may not both write is refused whichever way
// they log in.
func TestConflictsAcrossLogins(t *testing.T) {
	for name, second := range map[string]tenant{
		"from another base": {push: "branch: updates", base: "other"},
		"a pull request's branch": {more: `---
apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata: {name: apps, namespace: NS}
spec: {automationRef: {name: apps}, provider: gitea, address: http://127.0.0.1:1/org/fleet, branch: updates, groupBy: automation, secretRef: {name: git}}
`},
	} {
		t.Run(name, func(t *testing.T) {
			w := tenants(t, "1.0.0", "1.1.0")
			h := w.newGitHost("a", "b")
			h.Git("branch", "other", "main")
			second.namespace, second.url, second.user = "b", h.URL, "bob"
			w.loadAll(tenant{namespace: "a", url: h.URL, user: "alice", push: "branch: updates"}, second)
			results := w.all()
			if r := results["a"]; r.Err != nil || r.Pushed == nil {
				t.Errorf("a: pushed %+v, %v", r.Pushed, r.Err)
			}
			if r := results["b"]; r.Err == nil || !strings.Contains(r.Error, "branch updates") {
				t.Errorf("b: %v", r.Err)
			}
		})
	}
}

// An automation's push options go with its own commits alone; those that have the
// same share a push.
func TestPushOptionsStayWithTheirAutomation(t *testing.T) {
	for _, branch := range []string{"main", "updates"} {
		t.Run(branch, func(t *testing.T) {
			w := tenants(t, "1.0.0", "1.1.0")
			h := w.newGitHost("a", "b", "c", "d")
			on := func(namespace, options string) tenant {
				return tenant{namespace: namespace, url: h.URL, push: "branch: " + branch + options}
			}
			w.loadAll(on("a", ", options: {topic: one}"), on("b", ""), on("c", ", options: {topic: one}"), on("d", ", options: {topic: two}, refspec: 'HEAD:refs/heads/copy'"))
			run := func(tag string, want ...string) {
				t.Helper()
				for _, r := range w.all() {
					if r.Err != nil || (r.Pushed == nil) != (len(want) == 0) {
						t.Errorf("%s: pushed %+v, %v", r.Namespace, r.Pushed, r.Err)
					}
					h.shows(t, branch, r.Namespace, tag)
				}
				if diff := cmp.Diff(want, h.options(t)); diff != "" {
					t.Errorf("%s:\n%s", tag, diff)
				}
			}
			pushed := []string{branch + " c:topic=one", branch + " b:", branch + " d:topic=two", "copy d:topic=two"}
			run("1.1.0", pushed...)
			run("1.1.0")
			w.Registry.Push("org/app", "1.2.0")
			if branch == "main" {
				run("1.2.0", pushed...)
				return
			}
			h.Git("branch", "-D", "copy") // a branch that is built anew is no descendant of it
			run("1.2.0", pushed...)
			if n := h.Git("rev-list", "--count", "main..updates"); n != "4" {
				t.Errorf("%s commits: the branch wasn't built anew", n)
			}
		})
	}
}

// What is taken back of a push branch goes by the options of whose it was.
func TestTakingBackHasItsOwnOptions(t *testing.T) {
	w := tenants(t, "1.0.0", "1.1.0")
	h := w.newGitHost("a", "b")
	h.CommitFile("main", "a.yaml", "nothing: here\n", "")
	w.loadAll(tenant{namespace: "a", url: h.URL, push: "branch: updates, options: {topic: one}"},
		tenant{namespace: "b", url: h.URL, push: "branch: updates, options: {topic: two}"})
	w.all()
	w.Registry.SetTags("org/app", "1.0.0")
	results := w.all()
	if r := results["b"]; r.Err != nil || r.Pushed == nil || r.Pushed.Commit != h.Head("main") || h.Head("updates") != h.Head("main") {
		t.Errorf("pushed %+v, %v", r.Pushed, r.Err)
	}
	if r := results["a"]; r.Err != nil || r.Pushed != nil {
		t.Errorf("a: pushed %+v, %v", r.Pushed, r.Err)
	}
	if diff := cmp.Diff([]string{"updates b:topic=two", "updates Change a.yaml:topic=two"}, h.options(t)); diff != "" {
		t.Error(diff)
	}
}

// Where the second of two pushes is refused, the first stands, and the next run
// makes the other.
func TestTheFirstOfTwoPushesStands(t *testing.T) {
	for _, branch := range []string{"main", "updates"} {
		t.Run(branch, func(t *testing.T) {
			w := tenants(t, "1.0.0", "1.1.0")
			h := w.newGitHost("a", "b")
			w.loadAll(tenant{namespace: "a", url: h.URL, push: "branch: " + branch},
				tenant{namespace: "b", url: h.URL, push: "branch: " + branch + ", options: {refuse: b}"})
			results := w.all()
			h.shows(t, branch, "a", "1.1.0")
			if r := results["a"]; r.Err != nil || r.Pushed == nil {
				t.Errorf("a: pushed %+v, %v", r.Pushed, r.Err)
			}
			if r := results["b"]; r.Err == nil || r.Pushed != nil || len(r.Changes) > 0 || !strings.Contains(r.Error, "not today") {
				t.Errorf("b: pushed %+v, %v", r.Pushed, r.Err)
			}
			w.loadAll(tenant{namespace: "a", url: h.URL, push: "branch: " + branch},
				tenant{namespace: "b", url: h.URL, push: "branch: " + branch + ", options: {topic: b}"})
			if r := w.all()["b"]; r.Err != nil || r.Pushed == nil {
				t.Errorf("b: pushed %+v, %v", r.Pushed, r.Err)
			}
			h.shows(t, branch, "a", "1.1.0")
			h.shows(t, branch, "b", "1.1.0")
		})
	}
}
