package deploy_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// guides are the pages about installing.
var guides = []string{"install.md", "kubernetes.md", "scaling-out.md", "cron-and-systemd.md", "github-actions.md", "from-flux.md", "argocd.md",
	"plain-manifests.md"}

// blocks returns what a page shows as code of a language.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	var all []string
	for _, found := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(read(t, "../docs/"+page), -1) {
		all = append(all, found[1])
	}
	return all
}

// remote is the URL of a folder of deploy in a release.
var remote = regexp.MustCompile(`https://github\.com/pinsetter/pinsetter//deploy/(\S+)\?ref=(v\S+)`)

// TestKustomizationsOfTheDocs builds the kustomizations of the pages from the
// files of this commit instead of a release's. A block of patches is added to
// the page's first one.
func TestKustomizationsOfTheDocs(t *testing.T) {
	for page, want := range map[string]int{"kubernetes.md": 5, "scaling-out.md": 1} {
		first, shown := "", 0
		for _, text := range blocks(t, page, "yaml") {
			switch {
			case strings.HasPrefix(text, "patches:"):
				text = first + text
			case !strings.Contains(text, "kind: Kustomization"):
				continue
			case first == "":
				first = text
			}
			shown++
			m := decode(t, kustomized(t, remote.ReplaceAllString(text, "../$1")))
			check(t, m, "flux-system")
			variables(t, m)
			for _, release := range remote.FindAllStringSubmatch(text, -1) {
				if _, tag, _ := strings.Cut(m.workload(t).container().Image, ":"); tag != release[2] {
					t.Errorf("%s: the manifests are of %s, the image of %s", page, release[2], tag)
				}
			}
		}
		if shown != want {
			t.Errorf("%s shows %d kustomizations, want %d", page, shown, want)
		}
	}
}

// TestFluxsControllersAreStopped builds the patch of the page on what a bootstrap
// makes, as far as it matters.
func TestFluxsControllersAreStopped(t *testing.T) {
	files := filesys.MakeFsInMemory()
	var components strings.Builder
	names := []string{"image-automation-controller", "image-reflector-controller", "kustomize-controller"}
	for _, name := range names {
		components.WriteString("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: flux-system}\nspec: {replicas: 1}\n")
	}
	for path, text := range map[string]string{
		"kustomization.yaml":   blocks(t, "from-flux.md", "yaml")[0],
		"gotk-components.yaml": components.String(),
		"gotk-sync.yaml":       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sync}\n",
	} {
		if err := files.WriteFile("/flux-system/"+path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/flux-system")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		found, err := built.GetById(resid.NewResIdWithNamespace(resid.NewGvk("apps", "v1", "Deployment"), name, "flux-system"))
		if err != nil {
			t.Fatal(err)
		}
		if replicas, err := found.GetFieldValue("spec.replicas"); err != nil || replicas != []any{0, 0, 1}[i] {
			t.Errorf("%s has %v replicas, %v", name, replicas, err)
		}
	}
}

// workflow is one of GitHub's, as far as it is read here.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Uses string
			With map[string]string
		}
	}
}

// TestWorkflowsOfTheDocsUseTheAction checks their inputs against action.yml,
// and their arguments against the command line.
func TestWorkflowsOfTheDocsUseTheAction(t *testing.T) {
	var action struct{ Inputs map[string]any }
	if err := yaml.Unmarshal([]byte(read(t, "../action.yml")), &action); err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, text := range blocks(t, "github-actions.md", "yaml") {
		var w workflow
		if !strings.Contains(text, "\njobs:") {
			continue // a step
		}
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatal(err)
		}
		for name, job := range w.Jobs {
			for _, step := range job.Steps {
				if !strings.HasPrefix(step.Uses, "pinsetter/pinsetter@") {
					continue
				}
				used++
				for input := range step.With {
					if _, ok := action.Inputs[input]; !ok {
						t.Errorf("%s: the Action has no input %s", name, input)
					}
				}
				command := append([]string{step.With["command"]}, strings.Fields(step.With["args"])...)
				if command[0] == "" {
					command[0] = "run"
				}
				if out, err := exec.CommandContext(t.Context(), program(t), append(command, "--help")...).CombinedOutput(); err != nil {
					t.Errorf("%s: %v: %s", name, err, out)
				}
				if "@"+step.With["version"] != strings.TrimPrefix(step.Uses, "pinsetter/pinsetter") {
					t.Errorf("%s: %s installs %s", name, step.Uses, step.With["version"])
				}
			}
		}
	}
	if used != 2 {
		t.Errorf("the Action is used %d times", used)
	}
}

// TestCommandsOfTheDocs checks their syntax, and that the files that they name
// exist and are in the archives of a release.
func TestCommandsOfTheDocs(t *testing.T) {
	archives := read(t, "../cmd/release/archive.go")
	for _, page := range guides {
		for _, text := range blocks(t, page, "sh") {
			shell := exec.CommandContext(t.Context(), "bash", "-n")
			shell.Stdin = strings.NewReader(text)
			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s in\n%s", page, err, out, text)
			}
			for _, file := range regexp.MustCompile(`\bdeploy/(?:systemd|cron|pinsetter)\S+`).FindAllString(text, -1) {
				read(t, "../"+file)
				if !strings.Contains(archives, `"`+file+`"`) {
					t.Errorf("%s: no archive has %s", page, file)
				}
			}
		}
	}
	if !slices.ContainsFunc(blocks(t, "cron-and-systemd.md", "sh"), func(s string) bool { return strings.Contains(s, "deploy/systemd/pinsetter.timer") }) {
		t.Error("nobody installs the timer")
	}
}
