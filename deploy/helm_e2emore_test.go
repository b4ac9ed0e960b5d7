//go:build e2emore

package deploy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pinsetter/pinsetter/parts"
)

// helm runs it with settings of its own.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), parts.Need(t, "helm"), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// rendered returns the objects of a release of the chart in namespace
// flux-system.
func rendered(t *testing.T, chart, values string, args ...string) string {
	t.Helper()
	out, err := helm(t, append([]string{"template", "pinsetter", chart, "--namespace", "flux-system", "--values", values}, args...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return out
}

func TestTheChartRendersWhatItDid(t *testing.T) {
	for _, name := range folders(t, "testdata/chart") {
		t.Run(name, func(t *testing.T) {
			dir := "testdata/chart/" + name
			if out, err := helm(t, "lint", "--strict", "chart", "--values", dir+"/values.yaml"); err != nil || strings.Contains(out, "[WARNING]") {
				t.Errorf("%v: %s", err, out)
			}
			golden(t, dir+"/want.yaml", rendered(t, "chart", dir+"/values.yaml"))
		})
	}
}

func TestTheChartRefuses(t *testing.T) {
	sources := `objects.sources={git+https://git.example/org/fleet.git//clusters}`
	for _, tt := range []struct{ set, want string }{
		{"mode=cronjob", "say where the objects are"},
		{sources + ",mode=shards", "needs a state that pods share"},
		{sources + ",mode=serve,serve.replicas=2", "needs a state that pods share"},
		{sources + ",mode=serve,serve.ingress.enabled=true", "needs a host"},
		{sources + ",mode=daemon", "mode"},
		{sources + ",secret=x", "additional properties 'secret' not allowed"},
		{sources + ",schedule.timeout=9", "timeout"},
		{sources + ",image.digest=latest", "digest"},
		{"objects.sources={https://git.example/org/fleet}", "sources"},
	} {
		if out, err := helm(t, "template", "pinsetter", "chart", "--set", tt.set); err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v, want %q:\n%s", tt.set, err, tt.want, out)
		}
	}
}

// TestTheNotesNameWhatMustBeThere reads the notes that helm prints at
// installation.
func TestTheNotesNameWhatMustBeThere(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"cronjob", "create job --from=cronjob/pinsetter"},
		{"serve", "https://hooks.example/hook/"},
		{"shards", "in 16 shards"},
		{"objects", "apps-deploy-key, which objects call apps/deploy-key"},
	} {
		out, err := helm(t, "install", "pinsetter", "chart", "--dry-run=client", "--namespace", "flux-system", "--values", "testdata/chart/"+tt.name+"/values.yaml")
		if _, notes, _ := strings.Cut(out, "NOTES:"); err != nil || !strings.Contains(notes, tt.want) {
			t.Errorf("%s: %v: no %q in\n%s", tt.name, err, tt.want, notes)
		}
	}
}

// TestTheChartRuns plays the output of helm in all modes.
func TestTheChartRuns(t *testing.T) {
	f := newFleet(t, 3)
	values := filepath.Join(t.TempDir(), "values.yaml")
	write(t, values, fmt.Sprintf("objects: {sources: [%q]}\ngit: {host: %q}\n", f.source(), f.git.Addr))
	m := newMachine(t)
	m.secrets["flux-system"] = login
	m.job(decode(t, rendered(t, "chart", values)))
	f.pushed(1)
	f.release()
	m.secrets["pinsetter-state"] = map[string]string{"dsn": parts.NewPostgres(t).URL("postgres") + "?sslmode=disable"}
	m.job(decode(t, rendered(t, "chart", values, "--set", "mode=shards,state.type=postgres,shards.count=5")))
	f.pushed(2)
	f.release()
	m.secrets["pinsetter-users"] = map[string]string{"htpasswd": "ada:$2y$05$abcdefghijklmnopqrstuuIhvpCNsNDSJxaPV0DYH3nULWR1L1yXO\n"}
	objects := decode(t, rendered(t, "chart", values, "--set", "mode=serve,state.type=postgres,serve.replicas=2"))
	serve(t, m, objects)
	serve(t, m, objects)
	parts.Until(t, "a push to each", func() bool { return len(f.apps[0].Pushes())+len(f.apps[1].Pushes())+len(f.apps[2].Pushes()) == 9 })
	f.pushed(3)
}

// TestEveryNumberOfShards plays a run with each number of shards: every
// repository is pushed to once.
func TestEveryNumberOfShards(t *testing.T) {
	database := parts.NewPostgres(t)
	f := newFleet(t, 40)
	m := newMachine(t)
	m.secrets["flux-system"] = login
	m.secrets["pinsetter-state"] = map[string]string{"dsn": database.URL("postgres") + "?sslmode=disable"}
	for runs, count := range []int{1, 2, 3, 5, 8, 16, 33, 64} {
		if runs > 0 {
			f.release()
		}
		objects := decode(t, kustomized(t, inShards(count)+f.settings()))
		check(t, objects, "flux-system")
		f.registry.Log.Reset()
		m.job(objects)
		f.pushed(runs + 1)
		// Once in each shard that has a repository of the image's.
		if listings, most := f.registry.Log.Count(http.MethodGet, "/tags/list"), min(count, len(f.apps)); listings < 1 || listings > most {
			t.Errorf("%d shards list the image %d times, want %d at most", count, listings, most)
		}
	}
}

// inShards is a kustomization with so many shards, as docs/scaling-out.md shows it.
func inShards(count int) string {
	return fmt.Sprintf(`resources: [../kustomize/shards]
patches:
- target: {kind: CronJob, name: pinsetter}
  patch: |
    apiVersion: batch/v1
    kind: CronJob
    metadata: {name: pinsetter}
    spec:
      jobTemplate:
        spec:
          completions: %[1]d
          parallelism: %[1]d
          template:
            spec:
              containers:
              - name: pinsetter
                env: [{name: PINSETTER_SHARD, value: /%[1]d}]
`, count)
}

// TestKubernetesKnowsEveryField checks all that is installed against the API's
// own description, of the release whose types go.mod names.
func TestKubernetesKnowsEveryField(t *testing.T) {
	schemas := kubernetesSchemas(t)
	files := []string{}
	for _, overlay := range []string{"cronjob", "serve", "shards"} {
		text := "namespace: flux-system\nresources: [../kustomize/" + overlay + "]\ncomponents: [../kustomize/components/network-policy]\n"
		file := filepath.Join(t.TempDir(), overlay+".yaml")
		write(t, file, kustomized(t, text))
		files = append(files, file)
	}
	for _, name := range folders(t, "testdata/chart") {
		files = append(files, "testdata/chart/"+name+"/want.yaml")
	}
	args := append([]string{
		"-strict", "-summary", "-skip", "ServiceMonitor,PrometheusRule", // the operator's
		"-schema-location", schemas + "/{{.ResourceKind}}{{.KindSuffix}}.json",
	}, files...)
	out, err := exec.CommandContext(t.Context(), parts.Need(t, "kubeconform"), args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Invalid: 0, Errors: 0") {
		t.Errorf("%v: %s", err, out)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	write(t, wrong, strings.Replace(read(t, "testdata/chart/cronjob/want.yaml"), "concurrencyPolicy:", "concurrentPolicy:", 1))
	if out, err := exec.CommandContext(t.Context(), parts.Need(t, "kubeconform"), append(args[:6:6], wrong)...).CombinedOutput(); err == nil || !strings.Contains(string(out), "concurrentPolicy") {
		t.Errorf("a misspelt field is let in: %s", out)
	}
}

// kubernetes is the release whose API is described.
const kubernetes = "k8s.io/kubernetes@v1.36.3"

// kubernetesSchemas writes the API's description as kubeconform reads it, a
// file a kind, and returns the folder.
func kubernetesSchemas(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", kubernetes).Output()
	if err != nil {
		t.Fatalf("download %s: %v: %s", kubernetes, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	var api struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(module.Dir, "api/openapi-spec/swagger.json"))), &api); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, definition := range api.Definitions {
		closed(definition)
		switch name {
		case "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity":
			api.Definitions[name] = map[string]any{"type": []string{"string", "number"}}
		}
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		for _, kind := range kinds {
			k := kind.(map[string]any)
			group := strings.Split(k["group"].(string), ".")[0]
			file := strings.ToLower(strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", k["kind"], group, k["version"])), "-"))
			write(t, filepath.Join(dir, file+".json"), fmt.Sprintf(`{"$ref": "definitions.json#/definitions/%s"}`, name))
		}
	}
	all, err := json.Marshal(map[string]any{"definitions": api.Definitions})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "definitions.json"), strings.ReplaceAll(string(all), `"#/definitions/`, `"definitions.json#/definitions/`))
	return dir
}

// closed lets no other fields into an object than those that are described.
func closed(definition map[string]any) {
	if _, described := definition["properties"]; described {
		definition["additionalProperties"] = false
	}
}

// TestValuesOfTheDocs renders the values that the pages show, by themselves or in an
// Application of Argo CD.
func TestValuesOfTheDocs(t *testing.T) {
	shown := 0
	for _, page := range guides {
		for _, text := range blocks(t, page, "yaml") {
			text = valuesOf(t, text)
			if !strings.Contains("\n"+text, "\nobjects:") {
				continue
			}
			shown++
			values := filepath.Join(t.TempDir(), "values.yaml")
			write(t, values, text)
			check(t, decode(t, rendered(t, "chart", values)), "flux-system")
		}
	}
	if shown != 5 {
		t.Errorf("the pages show values %d times", shown)
	}
}

// valuesOf returns the values in an Application that installs the chart. Any other
// text is returned as it is.
func valuesOf(t *testing.T, text string) string {
	t.Helper()
	var application struct {
		Spec struct {
			Source struct {
				RepoURL, Chart string
				Helm           struct{ ValuesObject map[string]any }
			}
		}
	}
	if !strings.Contains(text, "kind: Application\n") || yaml.Unmarshal([]byte(text), &application) != nil || application.Spec.Source.Chart != "pinsetter" {
		return text
	}
	if got := application.Spec.Source.RepoURL; got != "ghcr.io/pinsetter/charts" {
		t.Errorf("the chart comes from %s", got)
	}
	values, err := yaml.Marshal(application.Spec.Source.Helm.ValuesObject)
	if err != nil {
		t.Fatal(err)
	}
	return string(values)
}

// TestWorkflowsOfTheDocs lets actionlint read them.
func TestWorkflowsOfTheDocs(t *testing.T) {
	for i, text := range slices.Concat(blocks(t, "github-actions.md", "yaml"), blocks(t, "plain-manifests.md", "yaml")) {
		if !strings.Contains(text, "\njobs:") {
			continue
		}
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.yaml", i))
		write(t, file, text)
		if out, err := exec.CommandContext(t.Context(), parts.Need(t, "actionlint"), file).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
