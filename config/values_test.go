package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

func loadText(t *testing.T, text string) *fleet.Set {
	t.Helper()
	return config.Load([]source.File{{Path: "in.yaml", Data: []byte(withKeys(text))}}, config.Options{})
}

func mustLoad(t *testing.T, text string) *fleet.Set {
	t.Helper()
	set := loadText(t, text)
	if len(set.Findings) > 0 {
		t.Fatalf("findings: %v", set.Findings)
	}
	return set
}

func object(kind, name, rest string) string {
	group := "image"
	if kind == "GitRepository" {
		group = "source"
	}
	return fmt.Sprintf("---\napiVersion: %s.toolkit.fluxcd.io/v1\nkind: %s\nmetadata: {name: %s}\n%s\n", group, kind, name, rest)
}

func TestDefaults(t *testing.T) {
	set := mustLoad(t, object("ImageRepository", "r", "spec: {image: alpine, interval: 100ms, exclusionList: []}")+
		object("ImageRepository", "timeout", "spec: {image: alpine, interval: 1h, timeout: 2m}")+
		object("ImagePolicy", "p", "spec: {imageRepositoryRef: {name: r}, policy: {alphabetical: {}}}")+
		object("ImagePolicy", "n", "spec: {imageRepositoryRef: {name: r}, policy: {numerical: {order: desc}}}")+
		object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}, signingKey: {secretRef: {name: key}}}}}")+
		object("GitRepository", "g", "spec: {url: 'https://example.com/x'}")+
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {git.asc: KEY}\n")

	r := set.Repository(pinsetter.Name{Namespace: "default", Name: "r"})
	if len(r.Exclude) != 1 || !r.Exclude[0].MatchString("sha256-abc.sig") || r.Spec.Provider != "generic" || r.Timeout != time.Second {
		t.Errorf("repository: exclude %v, provider %q, timeout %v", r.Exclude, r.Spec.Provider, r.Timeout)
	}
	if got := set.Repository(pinsetter.Name{Namespace: "default", Name: "timeout"}).Timeout; got != 2*time.Minute {
		t.Errorf("timeout %v", got)
	}
	p := set.Policy(pinsetter.Name{Namespace: "default", Name: "p"})
	if p.Spec.Policy.Alphabetical.Order != "asc" || p.Spec.DigestReflectionPolicy != spec.ReflectNever || p.Repository != r {
		t.Errorf("policy: %+v", p)
	}
	if got := set.Policy(pinsetter.Name{Namespace: "default", Name: "n"}).Spec.Policy.Numerical.Order; got != "desc" {
		t.Errorf("order %q", got)
	}
	a := set.Automation(pinsetter.Name{Namespace: "default", Name: "a"})
	if a.Spec.Update.Strategy != "Setters" || a.Spec.SourceRef.Kind != "GitRepository" || !a.Trailers || a.PushBranch != "master" {
		t.Errorf("automation: %+v", a)
	}
	if a.Git.Timeout != time.Minute || a.Git.Auth.Set || a.SigningKey.Type != "gpg" || a.SigningKey.Key.Reveal() != gpgKey {
		t.Errorf("git %+v, key %+v", a.Git, a.SigningKey)
	}
	if !a.Selects(p) {
		t.Error("an automation without policySelector selects every policy of its namespace")
	}
	if set.Policy(pinsetter.Name{Namespace: "default", Name: "none"}) != nil {
		t.Error("a policy that isn't there was found")
	}
}

// TestBranches: what is checked out and where it is pushed.
func TestBranches(t *testing.T) {
	tests := []struct {
		name, source, checkout, push string
		base                         fleet.GitRef
		branch                       string
	}{
		{"nothing", "{}", "", "", fleet.GitRef{Branch: "master"}, "master"},
		{"of the source", "{ref: {branch: main}}", "", "", fleet.GitRef{Branch: "main"}, "main"},
		{"checkout replaces the whole ref", "{ref: {tag: v1, branch: main}}", "{ref: {branch: dev}}", "", fleet.GitRef{Branch: "dev"}, "dev"},
		{"push branch", "{ref: {branch: main}}", "", "{branch: updates}", fleet.GitRef{Branch: "main"}, "updates"},
		{"name of a branch", "{ref: {name: refs/heads/a/b}}", "", "", fleet.GitRef{Name: "refs/heads/a/b"}, "a/b"},
		{"name of another ref", "{ref: {name: refs/pull/1/head}}", "", "", fleet.GitRef{Name: "refs/pull/1/head"}, ""},
		{"commit on a branch", "{ref: {branch: main, commit: abc}}", "", "", fleet.GitRef{Branch: "main", Commit: "abc"}, "main"},
		{"semver", "{ref: {semver: 1.x}}", "", "", fleet.GitRef{SemVer: "1.x"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			git := "commit: {author: {email: a@b.c}}"
			if test.checkout != "" {
				git += ", checkout: " + test.checkout
			}
			if test.push != "" {
				git += ", push: " + test.push
			}
			set := loadText(t, object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {"+git+"}}")+
				object("GitRepository", "g", "spec: "+strings.Replace(test.source, "{", "{url: 'https://example.com/x', ", 1)))
			a := set.Automations[0]
			if diff := cmp.Diff(test.base, a.Base); diff != "" || a.PushBranch != test.branch {
				t.Errorf("push branch %q, base (-want +got):\n%s", a.PushBranch, diff)
			}
			if (a.Err != nil) != (test.branch == "") {
				t.Errorf("Err %v", a.Err)
			}
		})
	}
}

// TestSecretValues: what is read from Secrets, and that it never shows.
func TestSecretValues(t *testing.T) {
	secret := func(name, rest string) string {
		return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\n" + rest + "\n"
	}
	automation := object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}}}")
	set := mustLoad(t, object("ImageRepository", "r", "spec: {image: alpine, interval: 5m, serviceAccountName: sa, secretRef: {name: docker}, proxySecretRef: {name: proxy}}")+
		"---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa}\nimagePullSecrets: [{name: old}]\n"+
		secret("docker", "type: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: bm90IHVzZWQ=}\nstringData: {.dockerconfigjson: '{\"auths\":{\"hunter2\":{}}}'}")+
		secret("old", "type: kubernetes.io/dockercfg\ndata: {.dockercfg: eyJoIjp7fX0=}")+
		secret("proxy", "stringData: {address: 'http://proxy:1', username: u, password: \"hunter2\\n\"}")+
		automation+object("GitRepository", "g", "spec: {url: 'ssh://git@example.com/x', timeout: 10s, secretRef: {name: ssh}, proxySecretRef: {name: proxy}}")+
		secret("ssh", "stringData: {identity: KEY, known_hosts: hosts, password: hunter2}"))

	access := set.Repositories[0].Access
	var documents []string
	for _, document := range access.DockerConfigs {
		documents = append(documents, document.Reveal())
	}
	if diff := cmp.Diff([]string{`{"auths":{"hunter2":{}}}`, `{"auths":{"h":{}}}`}, documents); diff != "" {
		t.Errorf("docker configs (-want +got):\n%s", diff)
	}
	if p := access.Proxy; p.Address != "http://proxy:1" || p.Username != "u" || p.Password.Reveal() != "hunter2" {
		t.Errorf("proxy %+v", p)
	}
	git := set.Automations[0].Git
	if auth := git.Auth; !auth.Set || auth.Identity.Reveal() != sshKey || string(auth.KnownHosts) != "hosts" ||
		auth.IdentityPassword.Reveal() != "hunter2" || auth.Proxy == nil || git.Timeout != 10*time.Second {
		t.Errorf("git %+v", git)
	}
	if shown := fmt.Sprintf("%+v %+v %#v", *access.Proxy, git.Auth, access.DockerConfigs); strings.Contains(shown, "hunter2") {
		t.Errorf("a secret shows: %s", shown)
	}
	if shown := fmt.Sprint(access.Proxy.Password); shown != "[Secret default/proxy, key password]" {
		t.Errorf("a secret shows as %s", shown)
	}
}

func TestSelects(t *testing.T) {
	set := mustLoad(t, object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}}, policySelector: {matchLabels: {team: a}, matchExpressions: [{key: off, operator: DoesNotExist}]}}")+
		object("GitRepository", "g", "spec: {url: 'https://example.com/x'}"))
	tests := []struct {
		name   string
		policy fleet.Policy
		want   bool
	}{
		{"labels match", fleet.Policy{Name: pinsetter.Name{Namespace: "default"}, Labels: map[string]string{"team": "a"}}, true},
		{"an expression doesn't", fleet.Policy{Name: pinsetter.Name{Namespace: "default"}, Labels: map[string]string{"team": "a", "off": ""}}, false},
		{"no labels", fleet.Policy{Name: pinsetter.Name{Namespace: "default"}}, false},
		{"another namespace", fleet.Policy{Name: pinsetter.Name{Namespace: "other"}, Labels: map[string]string{"team": "a"}}, false},
	}
	for _, test := range tests {
		if got := set.Automations[0].Selects(&test.policy); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// TestCodes: every code that a golden file shows is explained.
func TestCodes(t *testing.T) {
	for code, explanation := range config.Codes {
		if code != strings.ToLower(code) || explanation == "" || strings.Contains(explanation, "\n") {
			t.Errorf("code %q: %q", code, explanation)
		}
	}
}

func TestNamespaceOption(t *testing.T) {
	set := config.Load([]source.File{{Path: "x", Data: []byte(object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}"))}},
		config.Options{Namespace: "team"})
	if set.Repository(pinsetter.Name{Namespace: "team", Name: "r"}) == nil {
		t.Error("an object without namespace is not in Options.Namespace")
	}
}
