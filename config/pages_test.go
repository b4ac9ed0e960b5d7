package config_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// beside are objects that the pages name and don't show.
const beside = `
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: labelled, namespace: flux-system, labels: {tier: production}}
spec: {imageRepositoryRef: {name: podinfo}, policy: {semver: {range: 6.x}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Pinsetter, email: bot@git.example}}}
---
apiVersion: v1
kind: Secret
metadata: {name: registry, namespace: flux-system}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"registry.example":{"username":"me","password":"secret"}}}'}
---
apiVersion: v1
kind: Secret
metadata: {name: forge, namespace: flux-system}
stringData: {token: secret}
---
apiVersion: v1
kind: Secret
metadata: {name: artifact-signer, namespace: flux-system}
stringData: {cosign.key: secret, cosign.password: secret}
---
apiVersion: v1
kind: Secret
metadata: {name: pushes, namespace: flux-system}
stringData: {token: secret}
---
apiVersion: v1
kind: Secret
metadata: {name: cosign-keys, namespace: flux-system}
stringData:
  cosign.pub: |
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEx32ZPRip7r0nea/3/HUoApat8CSt
    B54OhTcrhGJfgCCq0phIkzbeO7HZ2DRVqbRGy7XeS34O3/IdSSE4JGyIiw==
    -----END PUBLIC KEY-----
---
apiVersion: v1
kind: Secret
metadata: {name: notation, namespace: flux-system}
stringData:
  trustpolicy.json: '{"version":"1.0","trustPolicies":[{"name":"all","registryScopes":["*"],"signatureVerification":{"level":"strict"},"trustStores":["ca:ours"],"trustedIdentities":["*"]}]}'
  ca.crt: |
    -----BEGIN CERTIFICATE-----
    MIIBjDCCATOgAwIBAgIUbiSRzp/EmsaO60z3ORBJR2Ojnn4wCgYIKoZIzj0EAwIw
    GzEZMBcGA1UEAwwQbm90YXRpb24uZXhhbXBsZTAgFw0yNjEyMDEwMTEyMjNaGA8y
    MTI2MTEwNzAxMTIyM1owGzEZMBcGA1UEAwwQbm90YXRpb24uZXhhbXBsZTBZMBMG
    ByqGSM49AgEGCCqGSM49AwEHA0IABDZYdF0zwf+iBYsr7YHnwnMoICSfrWpeIP0n
    74YRhPptEauswp11hfIg41vQZD7/UFDuo661Z4nZwvWpztdC5nyjUzBRMB0GA1Ud
    DgQWBBTxMXvck3EKci0QH3l1y02gZsjJVTAfBgNVHSMEGDAWgBTxMXvck3EKci0Q
    H3l1y02gZsjJVTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIAG2
    1CCi0neEraBtCBEOvEtvdddEzWhAfTbwh1QwEQ5qAiBgfdQUKxCstdcrZBgGOtVz
    rbk3WheChCSJbjTxyTodIQ==
    -----END CERTIFICATE-----
`

// page is a document, and the blocks of YAML in it.
type page struct {
	path   string
	blocks []block
}

// block is a block of YAML.
type block struct {
	line int
	text string
}

var (
	yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	identity  = regexp.MustCompile(`(?m)^kind: (\S+)[^\n]*\nmetadata: \{name: ([^,}]+)`)
)

// readPages returns the README and the pages of docs.
func readPages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil || len(paths) < 20 {
		t.Fatalf("docs has %d pages: %v", len(paths), err)
	}
	var pages []page
	for _, path := range append(paths, "../README.md") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p := page{path: filepath.ToSlash(path)}
		for _, at := range yamlBlock.FindAllSubmatchIndex(data, -1) {
			p.blocks = append(p.blocks, block{1 + bytes.Count(data[:at[2]], []byte("\n")), string(data[at[2]:at[3]])})
		}
		pages = append(pages, p)
	}
	return pages
}

// TestYAMLOfThePages reads each block of YAML in README and docs by what it is:
// objects are loaded, a line with a marker is found, and an excerpt of an object is
// laid over that object; what goes into a Pod is of its spec. Kustomizations, workflows and values are built and run by
// the tests of package deploy, and only have to be YAML here. There is no other kind
// of block.
func TestYAMLOfThePages(t *testing.T) {
	var quickStart []string
	seen := map[string]int{}
	pages := readPages(t)
	for _, p := range pages {
		for _, b := range p.blocks {
			if strings.Contains(b.text, "\nkind: ImageUpdateAutomation") && p.path == "../README.md" {
				quickStart = strings.Split(b.text, "---\n")
			}
		}
	}
	if len(quickStart) != 4 {
		t.Fatalf("the quick start has %d objects", len(quickStart))
	}
	for _, p := range pages {
		for _, b := range p.blocks {
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(p.path), b.line), func(t *testing.T) {
				for _, d := range strict.Split([]byte(b.text)) {
					if _, err := d.Parse(); err != nil {
						t.Fatal(err)
					}
				}
				kind := kindOf(b.text)
				seen[kind]++
				switch kind {
				case "objects":
					loads(t, b.text, quickStart)
				case "marker":
					findsMarkers(t, b.text)
				case "excerpt":
					i := named(t, b.text, quickStart)
					loads(t, laidOver(b.text, quickStart[i]), slices.Delete(slices.Clone(quickStart), i, i+1))
				case ofDeploy:
					if !slices.Contains(guides, filepath.Base(p.path)) {
						t.Errorf("the tests of deploy don't read this page")
					}
				case "pod":
					if err := yaml.UnmarshalStrict([]byte(b.text), &corev1.PodSpec{}); err != nil {
						t.Error(err)
					}
				case "":
					t.Errorf("nobody knows what this is:\n%s", b.text)
				}
			})
		}
	}
	for _, kind := range []string{"objects", "marker", "excerpt", ofDeploy} {
		if seen[kind] == 0 {
			t.Errorf("no block is of the kind %q: this test reads none", kind)
		}
	}
}

// ofDeploy are the blocks that the tests of package deploy build and run, and guides
// the pages that have some.
const ofDeploy = "of deploy"

var guides = []string{"kubernetes.md", "scaling-out.md", "github-actions.md", "from-flux.md", "plain-manifests.md"}

// kindOf returns what a block is.
func kindOf(text string) string {
	text = "\n" + text
	has := func(line string) bool { return strings.Contains(text, "\n"+line) }
	switch {
	case has("apiVersion: kustomize.config.k8s.io/"), has("jobs:"), has("objects:"), has("patches:"), strings.HasPrefix(strings.TrimSpace(text), "- run: "):
		return ofDeploy
	case has("apiVersion:"):
		return "objects"
	case strings.Contains(text, "$imagepolicy"):
		return "marker"
	case has("containers:"):
		return "pod"
	case has("metadata:"):
		return "excerpt"
	}
	return ""
}

// loads loads objects, with those of the quick start that they don't replace. No
// error and no warning is found.
func loads(t *testing.T, text string, quickStart []string) {
	t.Helper()
	all := text
	for _, object := range slices.Concat(quickStart, strings.Split(beside, "\n---\n")) {
		if id := identity.FindStringSubmatch(object); id != nil && !has(text, id[1], id[2]) {
			all += "\n---\n" + object
		}
	}
	for _, f := range config.Load([]source.File{{Path: "page.yaml", Data: []byte(all)}}, config.Options{Notifications: config.NotificationsChecked}).Findings {
		t.Errorf("%s", f)
	}
	findsMarkers(t, text)
}

// findsMarkers holds that each marker of a text is read.
func findsMarkers(t *testing.T, text string) {
	t.Helper()
	file := setters.Find("page.yaml", []byte(text))
	found := 0
	for _, site := range file.Sites {
		found += len(site.Markers)
		if misfit := setters.Unfit(site, ""); misfit != nil {
			t.Error(misfit.Reason)
		}
	}
	if len(file.Findings) > 0 || found != strings.Count(text, "$imagepolicy") {
		t.Errorf("%d markers are found, and %v", found, file.Findings)
	}
}

// named returns the index of the automation that an excerpt's metadata names.
func named(t *testing.T, excerpt string, quickStart []string) int {
	t.Helper()
	name := regexp.MustCompile(`(?m)^  name: (\S+)$`).FindStringSubmatch(excerpt)
	i := slices.IndexFunc(quickStart, func(object string) bool {
		return name != nil && has(object, "ImageUpdateAutomation", name[1])
	})
	if i < 0 {
		t.Fatalf("no object of the quick start has the name of\n%s", excerpt)
	}
	return i
}

// laidOver returns an object with other metadata.
func laidOver(metadata, object string) string {
	return regexp.MustCompile(`(?m)^metadata: .*\n`).ReplaceAllLiteralString(object, metadata+"  namespace: flux-system\n")
}

// has reports whether text has an object.
func has(text, kind, name string) bool {
	for _, id := range identity.FindAllStringSubmatch(text, -1) {
		if id[1] == kind && id[2] == name {
			return true
		}
	}
	return false
}
