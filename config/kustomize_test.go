package config_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/config"
)

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestKustomize(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "base/kustomization.yaml", []byte("resources: [repository.yaml]\n"))
	write(t, "base/repository.yaml", []byte(repositoryYAML))
	write(t, "overlay/kustomization.yaml", []byte(`namespace: team
resources: [../base]
secretGenerator:
- name: auth
  type: kubernetes.io/dockerconfigjson
  files: [.dockerconfigjson=auth.json]
  options: {disableNameSuffixHash: true}
patches:
- patch: |-
    - {op: add, path: /spec/secretRef, value: {name: auth}}
    - {op: replace, path: /spec/image, value: ghcr.io/a/b}
  target: {kind: ImageRepository}
- target: {kind: ImageRepository}
  patch: |-
    - op: add
      path: /metadata/annotations
      value: {home: "https://example.com"}
`))
	write(t, "overlay/auth.json", []byte(`{"auths":{}}`))
	files, err := config.Kustomize("overlay")
	if err != nil {
		t.Fatal(err)
	}
	set := config.Load(files, config.Options{})
	if got, want := describe(set), "ImageRepository team/r: ok\n"; got != want {
		t.Fatalf("got %s, want %s\n%s", got, want, files[0].Data)
	}
	r := set.Repositories[0]
	if r.Image != "ghcr.io/a/b" || r.Origin.Path != "kustomize:overlay" || len(r.Access.DockerConfigs) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestKustomizeLosesNoGuard: kustomize drops what is annotated as local, which is
// an error where a Gate would be lost, and nobody's affair elsewhere.
func TestKustomizeLosesNoGuard(t *testing.T) {
	t.Chdir(t.TempDir())
	local := func(kind string) []byte {
		return []byte("apiVersion: pinsetter.dev/v1alpha1\nkind: " + kind + "\nmetadata:\n  name: g\n  annotations: {config.kubernetes.io/local-config: \"true\"}\n")
	}
	write(t, "k/kustomization.yaml", []byte("resources: [repository.yaml, g.yaml]\n"))
	write(t, "k/repository.yaml", []byte(repositoryYAML))
	for _, kind := range []string{"Gate", "PullRequest", "gates"} {
		write(t, "k/g.yaml", local(kind))
		_, err := config.Kustomize("k")
		if err == nil || !strings.Contains(err.Error(), "k/g.yaml: kustomize leaves out") || !strings.Contains(err.Error(), "name it with -f") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	write(t, "k/g.yaml", []byte(strings.Replace(string(local("ConfigMap")), "pinsetter.dev/v1alpha1", "v1", 1)))
	if _, err := config.Kustomize("k"); err != nil {
		t.Error(err)
	}
}

// TestKustomizeRemote: nothing is fetched. A server that is asked fails the test.
func TestKustomizeRemote(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the server was asked for %s", r.URL)
	}))
	defer server.Close()
	generator := "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\nfiles: [SERVER/a]\n"
	tests := []struct {
		name, kustomization, other, want string
	}{
		{"resource", "resources: [SERVER/a.yaml]", "", `kustomize k: k/kustomization.yaml:1: "SERVER/a.yaml" is remote`},
		{"after a local one", "resources:\n- other.yaml\n- SERVER/a?ref=main", repositoryYAML, `kustomize k: k/kustomization.yaml:3: "SERVER/a?ref=main" is remote`},
		{"key in another case", "Resources: [SERVER/a.yaml]", "", "is remote"},
		{"base", "bases: ['github.com/org/repo//base']", "", `"github.com/org/repo//base" is remote`},
		{"scp", "resources: ['git@example.com:org/repo']", "", "is remote"},
		{"component", "components: ['ssh://example.com/repo']", "", "is remote"},
		{"password", "resources: ['https://me:hunter2@example.com/repo']", "", `"https://me:xxxxx@example.com/repo" is remote`},
		{"generator's file", "configMapGenerator:\n- name: x\n  files: [key=SERVER/a]", "", "is remote"},
		{"generator's env", "configMapGenerator: [{name: x, env: SERVER/a}]", "", "is remote"},
		{"patch", "patches: [{path: SERVER/a}]", "", "is remote"},
		{"openapi", "openapi: {path: SERVER/a}", "", "is remote"},
		{"crds", "crds: [SERVER/a]", "", "is remote"},
		{"anchor", "commonAnnotations: {a: &a SERVER/a}\nresources: [*a]", "", "is remote"},
		{"base64", "resources: [!!binary aHR0cHM6Ly9leGFtcGxlLmNvbS9hLnlhbWw=]", "", "is remote"},
		{"plugin's file", "generators: [other.yaml]", generator, `kustomize k: k/other.yaml:4: "SERVER/a" is remote`},
		{"inline plugin", "generators:\n- |-\n  " + strings.ReplaceAll(generator, "\n", "\n  "), "", "is remote"},
		{"chart", "helmCharts: [{name: x, repo: 'https://example.com', version: '1'}]", "", "must specify --enable-helm"},
		{"exec plugin", "transformers: [other.yaml]", "apiVersion: example.com/v1\nkind: X\nmetadata: {name: x, annotations: {config.kubernetes.io/function: '{exec: {path: ./x}}'}}", "plugins"},
		{"missing file", "resources: [nowhere.yaml]", "", "nowhere.yaml"},
		{"not YAML", "resources: [", "", "kustomize k: k/kustomization.yaml:1:"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			here := func(s string) string { return strings.ReplaceAll(s, "SERVER", server.URL) }
			write(t, "k/kustomization.yaml", []byte(here(test.kustomization)))
			if test.other != "" {
				write(t, "k/other.yaml", []byte(here(test.other)))
			}
			files, err := config.Kustomize("k")
			if err == nil || !strings.HasPrefix(err.Error(), "kustomize k: ") || !strings.Contains(err.Error(), here(test.want)) {
				t.Errorf("got %v, want %s", err, here(test.want))
			}
			if len(files) > 0 || err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("%d files, err %v", len(files), err)
			}
		})
	}
}
