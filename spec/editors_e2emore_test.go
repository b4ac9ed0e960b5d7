//go:build e2emore

package spec_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// inEditor returns what an editor says of a file whose first line names all.json.
func inEditor(t *testing.T, files ...string) (string, error) {
	t.Helper()
	schemas, err := filepath.Abs("../schemas/all.json")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-summary", "-output", "pretty", "-schema-location", schemas}, files...)
	out, err := exec.CommandContext(t.Context(), parts.Need(t, "kubeconform"), args...).CombinedOutput()
	return string(out), err
}

// TestEditorsAcceptWhatThePagesShow: the objects of the pages are right by the schemas.
func TestEditorsAcceptWhatThePagesShow(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, files := t.TempDir(), []string{}
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")
	object := regexp.MustCompile(`(?m)^apiVersion: (\S+toolkit\.fluxcd\.io|pinsetter\.dev)/`)
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, found := range block.FindAllStringSubmatch(string(text), -1) {
			if !object.MatchString(found[1]) || strings.Contains(found[1], "…") {
				continue
			}
			file := filepath.Join(dir, fmt.Sprintf("%s-%d.yaml", filepath.Base(page), i))
			if err := os.WriteFile(file, []byte(found[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	if out, err := inEditor(t, files...); err != nil || len(files) < 20 {
		t.Errorf("%d blocks: %v: %s", len(files), err, out)
	}
}

// TestEditorsRefuse: one mistake in each kind is seen.
func TestEditorsRefuse(t *testing.T) {
	const meta = "metadata: {name: a}\n"
	wrong := map[string]string{
		"misspelt field":        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n" + meta + "spec: {url: https://git.example/a, interval: 1m, branch: main}\n",
		"bad duration":          "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\n" + meta + "spec: {image: registry.example/a, interval: 5 minutes}\n",
		"unknown provider":      "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\n" + meta + "spec: {type: smoke-signals}\n",
		"unknown receiver":      "apiVersion: notification.toolkit.fluxcd.io/v1\nkind: Receiver\n" + meta + "spec: {type: fax, resources: [{kind: ImageRepository, name: a}], secretRef: {name: a}}\n",
		"no provider":           "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\n" + meta + "spec: {eventSources: [{kind: GitRepository, name: a}]}\n",
		"no spec":               "apiVersion: pinsetter.dev/v1alpha1\nkind: Gate\n" + meta,
		"http artifact":         "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n" + meta + "spec: {url: https://registry.example/a, interval: 1m}\n",
		"text in a Secret":      "apiVersion: v1\nkind: Secret\n" + meta + "data: {password: not base64}\n",
		"a chart without chart": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\n" + meta + "spec: {interval: 1m, sourceRef: {kind: HelmRepository, name: a}}\n",
	}
	right := "apiVersion: apps/v1\nkind: Deployment\n" + meta + "spec: {anything: goes}\n"
	file := filepath.Join(t.TempDir(), "object.yaml")
	for name, text := range wrong {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := inEditor(t, file); err == nil || !strings.Contains(out, "Invalid: 1, Errors: 0") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	if err := os.WriteFile(file, []byte(right), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := inEditor(t, file); err != nil {
		t.Errorf("another kind: %v: %s", err, out)
	}
}
