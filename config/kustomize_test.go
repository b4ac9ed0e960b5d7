package config_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
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
	if r.Image != "ghcr.io/a/b" || r.Origin.Path != "base/repository.yaml" || r.Origin.Line != 1 || len(r.Access.DockerConfigs) != 1 {
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

// policyYAML is a policy of the repository r whose range, on line 6, is wrong.
const policyYAML = `# the policy
kind: ImagePolicy
apiVersion: image.toolkit.fluxcd.io/v1
metadata: {name: p}
spec:
  policy: {semver: {range: "no range"}}
  imageRepositoryRef:
    name: r
`

// patchOf returns the patches of a kustomization with these operations.
func patchOf(kind string, operations ...string) string {
	return "patches:\n- target: {kind: " + kind + "}\n  patch: |-\n    - " + strings.Join(operations, "\n    - ") + "\n"
}

// loadKustomized returns the findings about what is built.
func loadKustomized(t *testing.T, dir string) []string {
	t.Helper()
	files, err := config.Kustomize(dir)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, f := range config.Load(files, config.Options{}).Findings {
		said = append(said, f.String())
	}
	return said
}

// TestKustomizeCitesSources: a finding names the file and line that people can mend,
// whatever the build makes of the object.
func TestKustomizeCitesSources(t *testing.T) {
	tests := []struct {
		name, kustomization string
		more                map[string]string // files
		want                string
	}{
		{"as it is", "resources: [p.yaml, r.yaml]", nil, "k/p.yaml:6: ImagePolicy default/p: spec.policy.semver.range: "},
		{"JSON", `{"resources": ["p.yaml", "r.yaml"]}`, nil, "k/p.yaml:6: "},
		{"renamed", "resources: [p.yaml, r.yaml]\nnamePrefix: a-\nnamespace: x", nil, "k/p.yaml:6: ImagePolicy x/a-p: "},
		{"its own metadata", "resources: [p.yaml, r.yaml]\nbuildMetadata: [managedByLabel]", nil, "k/p.yaml:6: "},
		{"ends in a block", "resources: [p.yaml, r.yaml]\npatches:\n- target: {kind: Secret}\n  patch: |-\n    - op: remove\n      path: /x", nil, "k/p.yaml:6: "},
		{"end marker", "resources: [p.yaml, r.yaml]\n...\n", nil, "k/p.yaml:6: "},
		{"a document of several", "resources: [all.yaml]", map[string]string{"k/all.yaml": repositoryYAML + "---\n" + policyYAML}, "k/all.yaml:11: "},
		{"an item of a list", "resources: [list.yaml, r.yaml]", map[string]string{
			"k/list.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: p}}\n" +
				"- apiVersion: image.toolkit.fluxcd.io/v1\n  kind: ImagePolicy\n  metadata: {name: p}\n  spec: {imageRepositoryRef: {name: r}, policy: {semver: {\n    range: no}}}\n",
		}, "k/list.yaml:9: "},
		{"a file above", "resources: [../up/p.yaml, r.yaml]", map[string]string{"up/p.yaml": policyYAML}, "up/p.yaml:6: "},
		{"a base", "resources: [../base, r.yaml]", map[string]string{"base/kustomization.yaml": "resources: [p.yaml]\n", "base/p.yaml": policyYAML}, "base/p.yaml:6: "},
		{"a patched field", "resources: [good.yaml, r.yaml]\npatches:\n- path: ../up/patch.yaml", map[string]string{
			"k/good.yaml":   strings.Replace(policyYAML, "no range", "1.x", 1),
			"up/patch.yaml": policyYAML,
		}, "k/good.yaml:6: "},
		{"a field that a patch adds", "resources: [p.yaml, r.yaml]\n" + patchOf("ImagePolicy", "{op: add, path: /spec/oops, value: 1}", "{op: replace, path: /spec/policy/semver/range, value: 1.x}"), nil, "k/p.yaml:5: ImagePolicy default/p: spec.oops: "},
		{"annotations replaced", "resources: [p.yaml, r.yaml]\n" + patchOf("ImagePolicy", "{op: add, path: /metadata/annotations, value: {a: b}}"), nil, "k/p.yaml:6: "},
		{"generated", "resources: [r.yaml]\nsecretGenerator:\n- name: s\n  literals: [a=b]\n" + patchOf("ImageRepository", "{op: add, path: /spec/secretRef, value: {name: s}}"),
			nil, "k/r.yaml:4: ImageRepository default/r: spec.secretRef.name: Secret default/s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "k/kustomization.yaml", []byte(test.kustomization))
			write(t, "k/p.yaml", []byte(policyYAML))
			write(t, "k/r.yaml", []byte(repositoryYAML))
			for path, data := range test.more {
				write(t, path, []byte(data))
			}
			if said := loadKustomized(t, "k"); len(said) == 0 || !strings.HasPrefix(said[0], test.want) {
				t.Errorf("got %q, want %q", said, test.want)
			}
		})
	}
}

// TestKustomizeStaysInside: files of the whole source may be named, and nothing
// outside of it, by no way.
func TestKustomizeStaysInside(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	write(t, "outside/base/kustomization.yaml", []byte("resources: [r.yaml]\n"))
	write(t, "outside/base/r.yaml", []byte(repositoryYAML))
	write(t, "work/common/r.yaml", []byte(repositoryYAML))
	write(t, "work/base/kustomization.yaml", []byte("resources: [r.yaml]\n"))
	write(t, "work/base/r.yaml", []byte(repositoryYAML))
	write(t, "work/.git/HEAD", []byte("ref: refs/heads/main\n"))
	for link, target := range map[string]string{"work/link.yaml": "../outside/base/r.yaml", "work/folder": "../outside/base", "work/inner.yaml": "common/r.yaml", "elsewhere": "work"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ kustomization, refused string }{
		{"resources: [../../common/r.yaml]", ""},
		{"resources: [../../base]", ""},
		{"resources: [../../inner.yaml]", ""},
		{"resources: [" + top + "/work/common/r.yaml]", ""},
		{"resources: [../../base]\npatches: [{path: ../../common/r.yaml}]", ""},
		{"resources: [../../../outside/base]", "outside/base"},
		{"resources: [../../../outside/base/r.yaml]", "outside/base/r.yaml"},
		{"resources: [" + top + "/outside/base/r.yaml]", "outside/base/r.yaml"},
		{"resources: [../../link.yaml]", "outside/base/r.yaml"},
		{"resources: [../../folder]", "outside/base"},
		{"components: [../../folder]", "outside/base"},
		{"resources: [../../base]\npatches: [{path: ../../../outside/base/r.yaml}]", "outside/base/r.yaml"},
		{"resources: [../../base]\nconfigMapGenerator: [{name: x, files: [a=../../../outside/base/r.yaml]}]", "outside/base/r.yaml"},
		{"resources: [../../base]\nopenapi: {path: ../../../outside/base/r.yaml}", "outside/base/r.yaml"},
	}
	for _, test := range tests {
		write(t, "work/deep/k/kustomization.yaml", []byte(test.kustomization))
		for _, dir := range []string{"work/deep/k", "elsewhere/deep/k"} {
			files, err := config.Kustomize(dir)
			switch {
			case test.refused == "" && (err != nil || len(files) != 1):
				t.Errorf("%s: %d files, %v", test.kustomization, len(files), err)
			case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused+" is outside of ")):
				t.Errorf("%s: %v", test.kustomization, err)
			}
		}
	}
}

// TestKustomizeWithoutWorkTree: without Git the source is the current directory,
// or else the folder alone.
func TestKustomizeWithoutWorkTree(t *testing.T) {
	top := t.TempDir()
	write(t, filepath.Join(top, "a/base/kustomization.yaml"), []byte("resources: [r.yaml]\n"))
	write(t, filepath.Join(top, "a/base/r.yaml"), []byte(repositoryYAML))
	write(t, filepath.Join(top, "a/k/kustomization.yaml"), []byte("resources: [../base]\n"))
	write(t, filepath.Join(top, "b/x"), nil)
	t.Chdir(filepath.Join(top, "a"))
	if _, err := config.Kustomize("k"); err != nil {
		t.Error(err)
	}
	t.Chdir(filepath.Join(top, "b"))
	if _, err := config.Kustomize("../a/k"); err == nil || !strings.Contains(err.Error(), "kustomize ../a/k: ../a/base is outside of ") {
		t.Error(err)
	}
}

// TestKustomizeMakesOne: as Flux's kustomize-controller does, but for a file that
// is no object, which fails the whole build there and is a finding here.
func TestKustomizeMakesOne(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "k/p.yaml", []byte(policyYAML))
	write(t, "k/deep/r.yml", []byte(repositoryYAML))
	write(t, "k/github.com/x.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"))
	write(t, "k/values.yaml", []byte("replicas: 3\n"))
	write(t, "k/broken.yaml", []byte("a: [\n"))
	write(t, "k/.github/workflows/x.yaml", []byte("on: push\n"))
	write(t, "k/.sops.yaml", []byte("creation_rules: []\n"))
	write(t, "k/passed.json", []byte("{"))
	write(t, "k/own/kustomization.yaml", []byte("namespace: own\nresources: [r.yaml]\n"))
	write(t, "k/own/r.yaml", []byte(repositoryYAML))
	write(t, "k/own/unused.yaml", []byte("no object\n"))
	said := strings.Join(loadKustomized(t, "k"), "\n")
	for _, want := range []string{"k/broken.yaml: this is no Kubernetes object", "k/values.yaml: this is no Kubernetes object", "k/p.yaml:6: "} {
		if !strings.Contains(said, want) {
			t.Errorf("%s is missing in\n%s", want, said)
		}
	}
	if n := strings.Count(said, "\n"); n != 2 {
		t.Errorf("%d findings:\n%s", n+1, said)
	}
	files, err := config.Kustomize("k")
	if err != nil {
		t.Fatal(err)
	}
	set := config.Load(files, config.Options{})
	if got, want := describe(set), "\nImageRepository default/r: ok\nImageRepository own/r: ok\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s", got)
	}
	write(t, "k/gate.yaml", []byte("apiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: x}\nspec: {minAge: [\n"))
	files, err = config.Kustomize("k")
	if err != nil {
		t.Fatal(err)
	}
	if set := config.Load(files, config.Options{}); len(set.Missing) == 0 {
		t.Error("a Gate that can't be read is lost")
	}
	write(t, "empty/README.md", nil)
	if _, err := config.Kustomize("empty"); err == nil || !strings.Contains(err.Error(), "no kustomization.yaml in it, and no Kubernetes object") {
		t.Error(err)
	}
}

// TestKustomizeLikeKustomize compares a build with kustomize's own, which knows
// nothing of origins.
func TestKustomizeLikeKustomize(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "base/kustomization.yaml", []byte("resources: [r.yaml]\nsecretGenerator: [{name: s, literals: [a=b]}]\nnamePrefix: base-\n"))
	write(t, "base/r.yaml", []byte(repositoryYAML))
	write(t, "k/kustomization.yaml", []byte("resources: [../base, p.yaml]\nnamespace: team\nnameSuffix: -x\ncommonAnnotations: {a: b}\n"+
		patchOf("ImageRepository", "{op: add, path: /spec/secretRef, value: {name: s}}")))
	write(t, "k/p.yaml", []byte(policyYAML))
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // as `kustomize build` has it
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), "k")
	if err != nil {
		t.Fatal(err)
	}
	want, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	files, err := config.Kustomize("k")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, string(f.Data))
	}
	if diff := cmp.Diff(string(want), strings.Join(got, "---\n")); diff != "" {
		t.Errorf("-kustomize +ours:\n%s", diff)
	}
}

// TestRenamingKustomizations: -f reads files as they are written, and says where a
// build would have given them another namespace or name.
func TestRenamingKustomizations(t *testing.T) {
	tests := []struct{ name, path, kustomization, want string }{
		{"namespace", "overlay/kustomization.yaml", "resources: [../base]\nnamespace: team\n",
			`d/overlay/kustomization.yaml:2: this kustomization sets namespace "team" for ImageRepository default/r (d/base/r.yaml:1), and -f reads files as they are written: build it instead (-k d/overlay)`},
		{"names", "base/kustomization.yml", "namePrefix: a-\nnameSuffix: -b\nresources: [r.yaml]\n", `sets namePrefix "a-" and nameSuffix "-b" for`},
		{"the namespace that it has", "overlay/kustomization.yaml", "resources: [../base]\nnamespace: default\n", ""},
		{"of others", "overlay/kustomization.yaml", "resources: [../bas]\nnamespace: team\n", ""},
		{"no kustomization", "overlay/values.yaml", "resources: [../base]\nnamespace: team\n", ""},
		{"neither", "overlay/kustomization.yaml", "resources: [../base]\nlabels: []\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := []source.File{
				{Path: "d/" + test.path, Data: []byte(test.kustomization)},
				{Path: "d/base/r.yaml", Data: []byte(repositoryYAML)},
			}
			var said []string
			for _, f := range config.Load(files, config.Options{}).Findings {
				said = append(said, f.String())
			}
			if got := strings.Join(said, "\n"); !strings.Contains(got, test.want) || (got == "") != (test.want == "") || len(said) > 1 {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestKustomizeIsMeasured: what a build would need too much memory or time for is
// refused before kustomize reads it. Text with the characters of aliases isn't.
func TestKustomizeIsMeasured(t *testing.T) {
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	nested := object + "x0: &x0 [1,1,1,1,1,1,1,1,1,1]\n"
	for i := range 7 {
		nested += fmt.Sprintf("x%d: &x%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d,", i), 10), ","))
	}
	var many, items strings.Builder
	items.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	for i := range 2001 {
		fmt.Fprintf(&many, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\n", i)
		fmt.Fprintf(&items, "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a%d}}\n", i)
	}
	var some strings.Builder
	for i := range 100 {
		fmt.Fprintf(&some, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\ndata: {a: b}\n", i)
	}
	large := "apiVersion: v1\nkind: Large\nmetadata: {name: large}\ndata: {a: " + strings.Repeat("x", 100_000) + "}\n"
	const (
		generator = "resources: [r.yaml]\nconfigMapGenerator: [{name: x, files: [a.yaml]}]"
		patched   = "resources: [r.yaml, a.yaml]\npatches: [{path: p.yaml}]"
		objects   = "a.yaml: up to this file the build has more than 2000 objects, for which kustomize takes minutes: build smaller kustomizations, or build it yourself"
	)
	for name, test := range map[string]struct{ kustomization, file, refused string }{
		"aliases that nest":      {patched, nested, "a.yaml:1: the document has too many values or levels, its aliases expanded"},
		"the same in a patch":    {"resources: [r.yaml]\npatches: [{path: a.yaml}]", nested, "a.yaml:1: the document has too many"},
		"the same, generated of": {generator, nested, "a.yaml:1: the document has too many"},
		"many values":            {patched, object + "x:\n" + strings.Repeat("- 1\n", 60_000), "a.yaml: up to this file the build has more than 100000 values"},
		"many objects":           {patched, many.String(), objects},
		"a list of them":         {"resources: [r.yaml, a.yaml]", items.String(), objects},
		"a large file":           {generator, strings.Repeat("x", 9<<20), "a.yaml has more than 8 MiB"},
		"one file many times":    {"resources: [r.yaml, one, two, three]", object + "x:\n" + strings.Repeat("- 1\n", 20_000), "a.yaml: up to this file the build has more than 100000 values"},
		"many keys":              {patched, object + "x: {" + strings.Repeat("a,", 5001) + "b}\n", "a.yaml:1: the document has too many values or levels, its aliases expanded, or more than 5000 keys"},
		"a patch of all":         {"resources: [r.yaml, a.yaml]\npatches: [{path: l.yaml, target: {kind: ConfigMap}}]", many.String(), "a.yaml: up to this file the build has more than 100000 values"},
		"the same of one":        {"resources: [r.yaml, c.yaml]\npatches: [{path: l.yaml, target: {kind: ConfigMap, name: c}}]", "", ""},
		"labels of all":          {"resources: [r.yaml, a.yaml]\npatches: []\ncommonLabels: {" + strings.Repeat("l,", 60) + "m}", many.String(), "a.yaml: up to this file the build has more than 100000 values"},
		"a script":               {generator, "a && b\nls *.x\n", ""},
		"an alias":               {patched, object + "data: {a: &a b, c: *a}\n", ""},
		"foreign objects":        {"resources: [r.yaml, a.yaml]", many.String(), ""},
		"a large replacement": {"resources: [r.yaml, a.yaml]\nreplacements: [{source: {kind: Large, name: large}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]}]",
			large + some.String(), "a.yaml: up to this file the build's replacements may copy more than 8 MiB"},
		"the same in a file": {"resources: [r.yaml, a.yaml]\nreplacements: [{path: t.yaml}]", large + some.String(), "a.yaml: up to this file the build's replacements"},
		"a small replacement": {"resources: [r.yaml, a.yaml]\nreplacements: [{source: {kind: ConfigMap, name: a1}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data], options: {create: true}}]}]",
			large + some.String(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "kustomization.yaml", []byte(test.kustomization))
			for _, overlay := range []string{"one", "two", "three"} {
				write(t, overlay+"/kustomization.yaml", []byte("resources: [../base]\nnamePrefix: "+overlay+"\nimages: []\ngeneratorOptions: {}\n"))
			}
			write(t, "base/kustomization.yaml", []byte("resources: [../base/a.yaml]\n"))
			write(t, "base/a.yaml", []byte(test.file))
			write(t, "r.yaml", []byte(repositoryYAML))
			write(t, "p.yaml", []byte("apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: r}\nspec: {interval: 6m}\n"))
			write(t, "l.yaml", []byte(object+"data: {x: ["+strings.Repeat("1,", 60)+"1]}\n"))
			write(t, "t.yaml", []byte("- {source: {kind: Large, fieldPath: data.a}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]}\n"))
			write(t, "c.yaml", []byte(strings.ReplaceAll(object, "name: a", "name: c")))
			write(t, "a.yaml", []byte(test.file))
			files, err := config.Kustomize(".")
			if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("error %v, want %q", err, test.refused)
			}
			if err == nil && len(files) == 0 {
				t.Error("the ImageRepository is missing")
			}
		})
	}
}

// TestKustomizeBesideForeignObjects: what is wanted is the same, with its lines, whether
// foreign objects beside it are handed to kustomize or not, and what is wrong with
// those that are no objects is still said.
func TestKustomizeBesideForeignObjects(t *testing.T) {
	const foreign = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, file := range map[string]string{
		"before and behind": foreign + "---\n" + repositoryYAML + "---\n" + strings.ReplaceAll(foreign, "name: a", "name: c"),
		"only foreign":      foreign,
		"cut by dots":       foreign + "...\n---\n" + repositoryYAML,
		"escaped":           "apiVersion: image.toolkit.fluxcd.io/v1\nkind: \"Image\\x52epository\"\nmetadata: {name: e}\nspec: {image: alpine, interval: 5m}\n",
		"carriage returns":  strings.ReplaceAll(foreign+"---\n"+repositoryYAML, "\n", "\r\n"),
		"malformed":         foreign + "---\na: [\n",
		"no object":         foreign + "---\na: b\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "a.yaml", []byte(file))
			write(t, "b.yaml", []byte(strings.ReplaceAll(repositoryYAML, "name: r", "name: b")))
			build := func(more string) (string, error) {
				write(t, "kustomization.yaml", []byte("resources: [a.yaml, b.yaml]\nnamespace: team\n"+more))
				files, err := config.Kustomize(".")
				var said strings.Builder
				for _, f := range files {
					fmt.Fprintf(&said, "%s %v\n%s", f.Path, f.Lines, f.Data)
				}
				return said.String(), err
			}
			whole, wholeErr := build("patches: []\n")
			got, err := build("")
			if diff := cmp.Diff(whole, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wholeErr) {
				t.Errorf("error %v, want %v (-whole +got):\n%s", err, wholeErr, diff)
			}
		})
	}
}
