package links_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/links"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/source"
)

const (
	ociPatch     = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: app}\nspec:\n  verify: {provider: cosign}\n"
	releasePatch = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: app}\nspec: {chart: {spec: {verify: {provider: cosign}}}}\n"
	fluxHead     = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\nspec:\n"
)

// inline indents a text below a key.
func inline(text, by string) string {
	return "|\n" + by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// TestPatches: which patches give a verify to an OCIRepository app of namespace
// apps, and to a HelmRelease of that name, and at which lines.
func TestPatches(t *testing.T) {
	objects := links.Read(source.File{Path: "objects.yaml", Data: []byte(
		sourceOf("OCIRepository", "name: app, namespace: apps", "url: oci://r/app, ref: {tag: 1.0.0}") +
			release("name: app, namespace: apps", "chart: {spec: {chart: app, version: 1.0.0, sourceRef: {kind: HelmRepository, name: r}}}") +
			sourceOf("HelmRepository", "name: app, namespace: apps", "url: https://x"))})
	json := func(op string) string { return "patches:\n- target: {name: app}\n  patch: '[" + op + "]'\n" }
	for _, row := range []struct{ name, file, text, want string }{
		{"merged", "kustomization.yaml", "patches:\n- patch: " + inline(ociPatch, "    "), "OCIRepository k/kustomization.yaml:7"},
		{"merged, for a target", "kustomization.yaml", "patches:\n- target: {kind: OCIRepository, name: a.*}\n  patch: " + inline(ociPatch, "    "), "OCIRepository k/kustomization.yaml:8"},
		{"merged, for any release", "Kustomization", "patches:\n- target: {kind: HelmRelease}\n  patch: " + inline(releasePatch, "    "), "HelmRelease k/Kustomization:7"},
		{"in a file", "kustomization.yml", "patches:\n- path: patch.yaml\n", "OCIRepository k/patch.yaml:5"},
		{"in a file, as of old", "kustomization.yaml", "patchesStrategicMerge: [patch.yaml]\n", "OCIRepository k/patch.yaml:5"},
		{"inline, as of old", "kustomization.yaml", "patchesStrategicMerge:\n- " + inline(releasePatch, "  "), "HelmRelease k/kustomization.yaml:6"},
		{"operation", "kustomization.yaml", json(`{"op": "add", "path": "/spec/verify", "value": {"provider": "cosign"}}`), "OCIRepository k/kustomization.yaml:3"},
		{"operation below it", "kustomization.yaml", json(`{"op": "replace", "path": "/spec/verify/secretRef/name", "value": "other"}`), "OCIRepository k/kustomization.yaml:3"},
		{"operation above it", "kustomization.yaml", json(`{"op": "add", "path": "/spec/chart/spec", "value": {"verify": {}}}`), "HelmRelease k/kustomization.yaml:3"},
		{"operation on the whole", "kustomization.yaml", json(`{"op": "replace", "path": "", "value": {"spec": {"verify": {}}}}`), "OCIRepository k/kustomization.yaml:3"},
		{"operations, as of old", "kustomization.yaml", "patchesJson6902:\n- target: {kind: OCIRepository, name: app}\n  patch: " + inline("- op: add\n  path: /spec/verify\n  value: {}\n", "    "), "OCIRepository k/kustomization.yaml:5"},
		{"of Flux", "apps.yaml", fluxHead + "  patches:\n  - patch: " + inline(ociPatch, "      ") + "    target: {kind: OCIRepository}\n", "OCIRepository k/apps.yaml:11"},
		{"of Flux, behind another", "apps.yaml", "a: 1\n---\n" + fluxHead + "  patchesStrategicMerge:\n  - " + strings.ReplaceAll(ociPatch, "\n", "\n    "), "OCIRepository k/apps.yaml:12"},

		{"another name", "kustomization.yaml", "patches:\n- patch: " + inline(strings.ReplaceAll(ociPatch, "app}", "apple}"), "    "), ""},
		{"another target", "kustomization.yaml", "patches:\n- target: {kind: OCIRepository, name: ap}\n  patch: " + inline(ociPatch, "    "), ""},
		{"another kind", "kustomization.yaml", "patches:\n- target: {kind: HelmRelease, name: app}\n  patch: " + inline(ociPatch, "    "), ""},
		{"another namespace", "kustomization.yaml", "patches:\n- target: {kind: OCIRepository, namespace: other}\n  patch: " + inline(ociPatch, "    "), ""},
		{"no pattern", "kustomization.yaml", "patches:\n- target: {name: '('}\n  patch: " + inline(ociPatch, "    "), ""},
		{"no name", "kustomization.yaml", "patches:\n- patch: " + inline(strings.ReplaceAll(ociPatch, "name: app", ""), "    "), ""},
		{"taken away", "kustomization.yaml", "patches:\n- patch: " + inline(strings.ReplaceAll(ociPatch, "{provider: cosign}", "null"), "    "), ""},
		{"deleted", "kustomization.yaml", "patches:\n- patch: " + inline(strings.ReplaceAll(ociPatch, "{provider: cosign}", "{$patch: delete}"), "    "), ""},
		{"removed", "kustomization.yaml", json(`{"op": "remove", "path": "/spec/verify"}`), ""},
		{"another field", "kustomization.yaml", json(`{"op": "add", "path": "/spec/verifyNot", "value": {}}`), ""},
		{"operations without a target", "kustomization.yaml", "patches:\n- patch: '[{\"op\": \"add\", \"path\": \"/spec/verify\", \"value\": {}}]'\n", ""},
		{"no kustomization", "other.yaml", "patches:\n- patch: " + inline(ociPatch, "    "), ""},
		{"no YAML", "kustomization.yaml", "patches:\n- patch: " + inline(ociPatch+"[", "    "), ""},
		{"nothing of it", "kustomization.yaml", "patches: 3\npatchesStrategicMerge: {a: 1}\n", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			patches, files := links.Patches(source.File{Path: "k/" + row.file, Data: []byte(row.text)})
			for _, f := range files {
				patches = append(patches, f.Read(source.File{Path: "k/" + f.Path, Data: []byte(ociPatch)})...)
			}
			var got []string
			for _, p := range patches {
				for _, o := range objects {
					if p.Fits(o) {
						got = append(got, fmt.Sprintf("%s %s:%d", o.Kind, p.Path, p.Line))
					}
				}
			}
			if said := strings.Join(got, ", "); said != row.want {
				t.Errorf("%q, not %q", said, row.want)
			}
		})
	}
}

// FuzzPatches: whatever is in a file, each patch has a line of it.
func FuzzPatches(f *testing.F) {
	f.Add("patches:\n- patch: " + inline(ociPatch, "    "))
	f.Add(fluxHead + "  patchesStrategicMerge:\n  - " + strings.ReplaceAll(ociPatch, "\n", "\n    "))
	f.Add("patches: [{target: {}, patch: '[{op: add, path: /spec/verify}, {path: \"\", value: {spec: &a {verify: *a}}}]'}]")
	f.Fuzz(func(t *testing.T, text string) {
		budget.Affords(t, len(text), func() {
			patches, files := links.Patches(source.File{Path: "kustomization.yaml", Data: []byte(text)})
			for _, p := range files {
				patches = append(patches, p.Read(source.File{Path: "kustomization.yaml", Data: []byte(text)})...)
			}
			object := &links.Object{Kind: links.KindOCI, Pulls: []int{1}}
			for _, p := range patches {
				if p.Fits(object); p.Path != "kustomization.yaml" || p.Line < 1 {
					t.Errorf("%+v", p)
				}
			}
		})
	})
}
