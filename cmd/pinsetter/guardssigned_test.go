package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/notary"
)

// signedGuards are Gates that ask who signed, by file, without their Secrets. The image
// is signed by CI, and nobody attests anything.
var signedGuards = map[string]string{
	"d.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: signed
  namespace: d
spec:
  verify:
  - provider: cosign
    secretRef:
      name: release
`,
	"e.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: built
  namespace: e
spec:
  verify:
  - provider: cosign
    secretRef:
      name: ci
    attestations:
    - predicateType: https://slsa.dev/provenance/v1
      source: https://git.example.test/org/app
`,
	"f.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: aged
  namespace: f
spec:
  minAge: 72h
  minAgeFrom: signature
  verify:
  - provider: cosign
    secretRef:
      name: ci
`,
	"n.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: notation
  namespace: n
spec:
  verify:
  - provider: notation
    secretRef:
      name: notation
`,
	"h.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: charts
  namespace: h
spec:
  maxBump: patch
`,
	"namespace.yaml": guards["namespace.yaml"],
}

// meantOfSigned are changes of these that people may mean, and that lift the guard.
var meantOfSigned = []string{
	"e.yaml spec.verify[0].attestations removed", // that CI signed is enough
}

// TestChangedGuardsOfSignatures changes one field or file at a time of Gates that ask
// who signed, of the Secrets that these name, and of a Gate for a chart.
func TestChangedGuardsOfSignatures(t *testing.T) {
	namespaces := []string{"d", "e", "f", "h", "n"}
	g := newGuardedFleet(t, namespaces...)
	release, ci := parts.NewSigner(t), parts.NewSigner(t)
	g.reg.Sign("org/app", g.reg.Digest("org/app", "1.1.0"), ci)
	g.chart(t, "h")
	files := maps.Clone(signedGuards)
	files["d-keys.yaml"] = secretOf(t, "d", "release", map[string]string{"cosign.pub": release.PublicKey})
	files["e-keys.yaml"] = secretOf(t, "e", "ci", map[string]string{"cosign.pub": ci.PublicKey})
	files["f-keys.yaml"] = secretOf(t, "f", "ci", map[string]string{"cosign.pub": ci.PublicKey})
	files["n-keys.yaml"] = secretOf(t, "n", "notation", map[string]string{
		"a.crt": string(notary.New(t).PEM()),
		"trustpolicy.json": `{"version":"1.0","trustPolicies":[{"name":"all","registryScopes":["*"],"signatureVerification":{"level":"strict"},` +
			`"trustStores":["ca:ours"],"trustedIdentities":["*"]}]}`,
	})
	g.write(t, files)
	if written := g.run(t, append(namespaces, "free")...); !slices.Equal(written, []string{"free"}) {
		t.Fatalf("without a change %q are written", written)
	}
	g.write(t, map[string]string{"namespace.yaml": files["namespace.yaml"]})
	if written := g.run(t, namespaces...); !slices.Equal(written, namespaces) {
		t.Fatalf("without guards %q are written", written)
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if file == "namespace.yaml" {
			continue
		}
		for _, m := range mutations(t, files, file) {
			isSecret := strings.HasSuffix(file, "-keys.yaml")
			if strings.Contains(m.name, "namespace=") || strings.HasSuffix(m.name, ".bak") || isSecret && !strings.Contains(m.name, " stringData") && !strings.Contains(m.name, "removed") {
				continue // TestChangedGuards tells these apart
			}
			g.write(t, m.files)
			if m.then != nil {
				m.then(t, g.dir)
			}
			if written := g.run(t, file[:1]); slices.Contains(meantOfSigned, m.name) != (len(written) > 0) {
				t.Errorf("%s: %q are written", m.name, written)
			}
		}
	}
}

// chart lets the policy of a namespace follow a chart of the registry.
func (g *guardedFleet) chart(t *testing.T, namespace string) {
	t.Helper()
	path := filepath.Join(g.dir, "objects.yaml")
	before := strings.NewReplacer("NS", namespace, "REG", g.reg.Addr).Replace(`kind: ImageRepository
metadata: {name: app, namespace: NS}
spec: {image: REG/org/app, interval: 5m, insecure: true}
`)
	after := strings.NewReplacer("NS", namespace, "REG", g.reg.Addr).Replace(`kind: ChartRepository
metadata: {name: app, namespace: NS}
spec: {sourceRef: {name: charts}, chart: app, interval: 5m}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: NS}
spec: {type: oci, url: "oci://REG/org", insecure: true}
`)
	all, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(all), before) {
		t.Fatal("there is no such ImageRepository", err)
	}
	write(t, path, strings.Replace(string(all), "apiVersion: image.toolkit.fluxcd.io/v1\n"+before, "apiVersion: pinsetter.dev/v1alpha1\n"+after, 1))
}

func secretOf(t *testing.T, namespace, name string, data map[string]string) string {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]string{"name": name, "namespace": namespace}, "stringData": data,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
