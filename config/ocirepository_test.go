package config_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

// oci is an OCIRepository with that spec.
func oci(spec string) string {
	return strings.ReplaceAll(object("OCIRepository", "x", "spec:\n  "+spec), "image.toolkit", "source.toolkit")
}

func TestOCIRepository(t *testing.T) {
	const url = "url: oci://ghcr.io/org/app\n  "
	for _, test := range []struct{ name, text, want string }{
		{"whole", oci(url + "interval: 5m\n  ref: {digest: 'sha256:" + strings.Repeat("0", 64) + "', semver: 1.x, semverFilter: '^v', tag: v1.0.0}\n  " +
			"layerSelector: {mediaType: a, operation: copy}\n  provider: generic\n  ignore: |\n    /*\n  verify: {provider: notation, secretRef: {name: n}, matchOIDCIdentity: []}\n  newer: 1"), ""},
		{"a patch without spec", strings.Replace(oci(""), "spec:\n  ", "", 1), ""},
		{"a patch", oci("ref: {tag: 1.0.0}"), ""},
		{"scheme", oci("url: ghcr.io/org/app"), `error in.yaml:6: OCIRepository default/x: spec.url: "ghcr.io/org/app" does not begin with oci://`},
		{"tag in url", oci("url: oci://ghcr.io/org/app:v1"), `has a tag: remove ":v1"; spec.ref says which`},
		{"digest in url", oci("url: oci://ghcr.io/org/app@sha256:0"), `and keep "ghcr.io/org/app"; spec.ref says which`},
		{"variable", oci("url: oci://${registry}/app"), "a Flux Kustomization's postBuild would substitute"},
		{"digest", oci(url + "ref: {digest: sha256:0}"), `spec.ref.digest: "sha256:0" is not a digest`},
		{"tag", oci(url + "ref: {tag: a+b}"), `spec.ref.tag: "a+b" is not a tag`},
		{"range", oci(url + "ref: {semver: x y z}"), `error in.yaml:7: OCIRepository default/x: spec.ref.semver: parse range "x y z"`},
		{"filter", oci(url + "ref: {semver: 1.x, semverFilter: '('}"), "spec.ref.semverFilter: error parsing regexp"},
		{"operation", oci(url + "layerSelector: {operation: move}"), `spec.layerSelector.operation: "move" is neither extract nor copy`},
		{"verify", oci(url + "verify: {provider: pgp}"), `spec.verify.provider: "pgp" is neither cosign nor notation`},
		{"provider", oci(url + "provider: ibm"), `spec.provider: "ibm" is not a provider`},
		{"credential", oci(url + "serviceAccountName: puller\n  credential: {provider: kubernetes, type: jwt, audiences: [ghcr.io]}"), ""},
		{"credential of spiffe", oci(url + "credential: {provider: spiffe, type: jwt}"), `spec.credential.provider: "spiffe" is not supported`},
		{"type", oci(url + "ref: 1.0.0"), `spec.ref: is the text "1.0.0", and should be a mapping`},
		{"old version", strings.Replace(oci(url), "/v1\n", "/v1beta2\n", 1), "warning in.yaml:2: OCIRepository default/x: apiVersion: source.toolkit.fluxcd.io/v1beta2 is no longer served"},
		{"very old version", strings.Replace(oci(url), "/v1\n", "/v1alpha1\n", 1), `error in.yaml:2: OCIRepository default/x: apiVersion: "source.toolkit.fluxcd.io/v1alpha1" is not read`},
		{"secret", oci(url + "secretRef: {name: gone}"), ""},
		{"twins", oci(url+"ref: {tag: a}") + oci(url+"ref: {tag: b}"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := []source.File{{Path: "in.yaml", Data: []byte(test.text)}}
			said := ""
			set := config.Load(files, config.Options{Artifacts: true})
			for _, f := range set.Findings {
				said += string(f.Severity) + " " + f.String() + "\n"
			}
			if !strings.Contains(said, test.want) || test.want == "" && said != "" {
				t.Errorf("said %q, not %q", said, test.want)
			}
			if len(set.Artifacts) != 1 {
				t.Errorf("%d artifacts", len(set.Artifacts))
			}
			if silent := config.Load(files, config.Options{}); len(silent.Findings)+len(silent.Artifacts) > 0 {
				t.Errorf("it wasn't asked for, and: %v", silent.Findings)
			}
		})
	}
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(oci("ref: {tag: 1.0.0}"))}}, config.Options{Artifacts: true})
	if err := set.Artifacts[0].Err; err == nil || !strings.Contains(err.Error(), "in.yaml:2: OCIRepository default/x: spec.url: is missing") {
		t.Errorf("who asks is told %v", err)
	}
	set = config.Load([]source.File{{Path: "in.yaml", Data: []byte(oci(url+"secretRef: {name: gone}") + oci(url))}}, config.Options{Artifacts: true})
	if err := set.Artifacts[0].Err; err == nil || !strings.Contains(err.Error(), "Secret default/gone was not given") || !strings.Contains(err.Error(), "is also at") {
		t.Errorf("who asks is told %v", err)
	}
}
