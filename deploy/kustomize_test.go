package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kustomized builds the kustomization that text is. It may name the folders of
// deploy/kustomize below ../kustomize, and a file images.yaml.
func kustomized(t *testing.T, text string) string {
	t.Helper()
	files := filesys.MakeFsInMemory()
	err := filepath.WalkDir("kustomize", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return files.WriteFile("/"+filepath.ToSlash(path), []byte(read(t, path)))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"kustomization.yaml": text, "images.yaml": "kind: ImagePolicy\n"} {
		if err := files.WriteFile("/mine/"+name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/mine")
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	out, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// everyOverlay returns a kustomization of each overlay with each set of components that
// fits it, by name.
func everyOverlay(t *testing.T) map[string]string {
	t.Helper()
	all, components := map[string]string{}, folders(t, "kustomize/components")
	for _, overlay := range folders(t, "kustomize") {
		if overlay == "base" || overlay == "components" {
			continue
		}
		for bits := range 1 << len(components) {
			name, text := overlay, "namespace: flux-system\nresources: [../kustomize/"+overlay+"]\ncomponents:\n"
			for i, c := range components {
				if bits&(1<<i) != 0 {
					name += "+" + c
					text += "- ../kustomize/components/" + c + "\n"
				}
			}
			if strings.Contains(name, "prometheus") && overlay != "serve" || overlay == "shards" && strings.Contains(name, "postgres") {
				continue // there is nothing to scrape; it is there already
			}
			all[name] = text
		}
	}
	return all
}

// TestEveryOverlayWithEveryComponent builds all that can be combined.
func TestEveryOverlayWithEveryComponent(t *testing.T) {
	for name, text := range everyOverlay(t) {
		t.Run(name, func(t *testing.T) {
			m := decode(t, kustomized(t, text))
			check(t, m, "flux-system")
			if image := m.workload(t).container().Image; !strings.HasPrefix(image, "ghcr.io/pinsetter/pinsetter:v") {
				t.Errorf("image %s", image)
			}
		})
	}
}

// TestOverlaysNeedNoMoreThanThemselves builds the folders as kubectl apply -k
// does.
func TestOverlaysNeedNoMoreThanThemselves(t *testing.T) {
	for _, overlay := range []string{"cronjob", "serve", "shards"} {
		built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "kustomize/"+overlay)
		if err != nil {
			t.Fatal(err)
		}
		text, err := built.AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		check(t, decode(t, string(text)), "flux-system")
	}
}
