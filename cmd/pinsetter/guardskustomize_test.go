package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kustomizedGuards are a Gate for b that a component adds, and one for c that a patch
// makes strict.
var kustomizedGuards = map[string]string{
	"kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- c.yaml
components:
- component
patches:
- path: patch.yaml
`,
	"component/kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
- b.yaml
`,
	"component/b.yaml": guards["b.yaml"],
	"c.yaml":           strings.Replace(guards["c.yaml"], "maxBump: patch", "maxBump: minor", 1),
	"patch.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: careful
  namespace: c
spec:
  maxBump: patch
`,
}

// meantInKustomizations are changes there that people may mean, and that lift a guard:
// Flux builds the same without it.
var meantInKustomizations = []string{
	"component/b.yaml metadata.namespace=a", // it attaches there
	"component/b.yaml metadata.namespace=c",
	"component/b.yaml metadata.namespace=free",
	"component/b.yaml spec.hold[0].tags[0]=zzz",
	"component/kustomization.yaml resources=[]",
	"kustomization.yaml components removed",
	"kustomization.yaml components=null", // its items are commented out
	"kustomization.yaml components=[]",
	"kustomization.yaml patches removed",
	"kustomization.yaml patches=null",
	"kustomization.yaml patches=[]",
	"patch.yaml spec.maxBump removed", // it patches nothing
	"patch.yaml spec removed",
}

// TestChangedGuardsInKustomizations changes one field or the bytes of one file of a
// kustomization with guards at a time. Nothing is written then that would have been
// held before.
func TestChangedGuardsInKustomizations(t *testing.T) {
	g := newGuardedFleet(t)
	g.kustomized = true
	g.write(t, kustomizedGuards)
	if written := g.run(t, "b", "c", "free"); !slices.Equal(written, []string{"free"}) {
		t.Fatalf("without a change %q are written", written)
	}
	met := 0
	for _, file := range slices.Sorted(maps.Keys(kustomizedGuards)) {
		text := kustomizedGuards[file]
		for _, change := range slices.Concat(fieldChanges(t, text), textChanges(text)) {
			files := maps.Clone(kustomizedGuards)
			files[file] = change.text
			g.write(t, files)
			name := filepath.ToSlash(file) + " " + change.name
			lifts := slices.Contains(meantInKustomizations, name)
			if lifts {
				met++
			}
			if written := g.run(t, "b", "c"); lifts != (len(written) > 0) {
				t.Errorf("%s: %q are written", name, written)
			}
		}
	}
	if met != len(meantInKustomizations) {
		t.Errorf("%d of %d changes that are meant are tried", met, len(meantInKustomizations))
	}
}
