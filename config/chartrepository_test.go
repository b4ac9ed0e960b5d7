package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

func TestChartRepository(t *testing.T) {
	chart := func(spec string) string {
		return strings.ReplaceAll(object("ChartRepository", "c", "spec: {"+spec+"}"), "image.toolkit.fluxcd.io/v1", "pinsetter.dev/v1alpha1")
	}
	helm := func(spec string) string {
		return strings.ReplaceAll(object("HelmRepository", "h", "spec: {"+spec+"}"), "image.toolkit", "source.toolkit")
	}
	const whole = "sourceRef: {kind: HelmRepository, name: h}, chart: app, interval: 5m"
	right := helm("url: https://charts.example.com/Stable, passCredentials: true, newer: 1")
	login := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: default}\nstringData: {username: bob, password: s3cret}\n"
	policy := object("ImagePolicy", "p", "spec: {imageRepositoryRef: {name: c}, policy: {semver: {range: 1.x}}}")
	for _, test := range []struct{ name, text, want string }{
		{"whole", right + chart(whole+", deprecated: true, suspend: false") + policy, ""},
		{"unknown field", right + chart(whole+", version: 1"), "spec.version"},
		{"no chart", right + chart("sourceRef: {name: h}, interval: 5m"), "spec.chart: is missing"},
		{"no interval", right + chart("sourceRef: {name: h}, chart: app"), "spec.interval: is missing"},
		{"no source", right + chart("chart: app, interval: 5m"), "spec.sourceRef.name: is missing"},
		{"name of a chart", right + chart("sourceRef: {name: h}, chart: a/b, interval: 5m"), `spec.chart: "a/b" is not the name of a chart`},
		{"kind", right + chart("sourceRef: {kind: OCIRepository, name: h}, chart: app, interval: 5m"), `"OCIRepository" is not HelmRepository: a chart that an OCIRepository pulls is followed by an ImageRepository`},
		{"nowhere", chart(whole), "HelmRepository default/h was not given"},
		{"oci", helm("type: oci, url: oci://ghcr.io/charts/, passCredentials: true") + chart(whole) +
			strings.Replace(policy, "policy:", "digestReflectionPolicy: IfNotPresent, policy:", 1), ""},
		{"oci without its type", helm("url: oci://ghcr.io/charts") + chart(whole), "is of an OCI registry: write type: oci there"},
		{"type oci of http", helm("type: oci, url: https://ghcr.io/charts") + chart(whole), "is of type oci and does not begin with oci://"},
		{"another type", helm("type: OCI, url: oci://ghcr.io/charts") + chart(whole), `spec.type of HelmRepository default/h (in.yaml:2) is "OCI": write oci or default`},
		{"oci, name of a chart", helm("type: oci, url: oci://ghcr.io/charts") + chart(strings.Replace(whole, "app", "App", 1)), `is "ghcr.io/charts/App", which`},
		{"oci, deprecated", helm("type: oci, url: oci://ghcr.io/charts") + chart(whole+", deprecated: true"), "spec.deprecated: has no effect"},
		{"oci, provider", helm("type: oci, url: oci://ghcr.io/charts, provider: aliyun") + chart(whole), `HelmRepository default/h: spec.provider: "aliyun" is not a provider`},
		{"oci, credential", helm("type: oci, url: oci://ghcr.io/charts, credential: {provider: kubernetes, type: x509}") + chart(whole), `spec.credential.type: "x509" is not supported`},
		{"oci, provider and secret", helm("type: oci, url: oci://ghcr.io/charts, provider: aws, secretRef: {name: login}") + login + chart(whole), "aws is ignored beside spec.secretRef, as in Flux"},
		{"oci, half a login", helm("type: oci, url: oci://ghcr.io/charts, secretRef: {name: login}") + strings.Replace(login, ", password: s3cret", "", 1) + chart(whole), `has no key password`},
		{"scheme", helm("url: ftp://x/y") + chart(whole), "is not an http or https URL"},
		{"user", helm("url: https://a:b@x/y") + chart(whole), "holds a user"},
		{"secret", helm("url: https://x/y, secretRef: {name: gone}") + chart(whole), "Secret default/gone was not given"},
		{"wrong source", helm("url: [a]") + chart(whole), "HelmRepository default/h has errors"},
		{"wrong source that nobody uses", helm("url: [a], secretRef: {name: gone}") + object("ImageRepository", "i", "spec: {image: alpine, interval: 5m}"), ""},
		{"template that nobody uses", strings.Replace(helm("url: x"), "name: h", "name: '{{ .Values.x }}'", 1) + object("ImageRepository", "i", "spec: {image: alpine, interval: 5m}"), ""},
		{"both kinds", right + chart(whole) + object("ImageRepository", "c", "spec: {image: alpine, interval: 5m}"), "ImageRepository default/c: has the name of ChartRepository default/c (in.yaml:"},
		{"digests", right + chart(whole) + strings.Replace(policy, "policy: {", "digestReflectionPolicy: IfNotPresent, policy: {", 1), "spec.digestReflectionPolicy: the digest that an index has"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said := ""
			set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(test.text)}}, config.Options{})
			for _, f := range set.Findings {
				said += f.String() + "\n"
			}
			if !strings.Contains(said, test.want) || test.want == "" && said != "" {
				t.Errorf("said %q, not %q", said, test.want)
			}
			if strings.Contains(said, "a:b") {
				t.Error("it shows a password")
			}
		})
	}
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(
		helm("type: oci, url: oci://harbor.example:8443/team/charts/, timeout: 5s, insecure: true, suspend: true, secretRef: {name: login}") + login + chart(whole) + policy)}}, config.Options{})
	r := set.Repositories[0]
	if r.Err != nil || r.Kind() != "ChartRepository" || r.Image != "harbor.example:8443/team/charts/app" || r.Index != nil || !r.Suspended || r.Timeout != 5*time.Second ||
		!r.Access.Insecure || len(r.Exclude) != 1 || len(r.Access.DockerConfigs) != 1 ||
		r.Access.DockerConfigs[0].Reveal() != `{"auths":{"harbor.example:8443":{"username":"bob","password":"s3cret"}}}` {
		t.Errorf("a chart of a registry is read as %+v", r)
	}
	names := map[string]bool{}
	for _, url := range []string{"https://charts.example.com/stable", "https://charts.example.com/Stable", "http://charts.example.com/stable", "https://charts.example.com/stable?x=1", "https://charts.example.com/a_b", "https://charts.example.com/a-b"} {
		set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(helm("url: '"+url+"'") + chart(whole))}}, config.Options{})
		if len(set.Repositories) != 1 || set.Repositories[0].Err != nil || names[set.Repositories[0].Image] {
			t.Errorf("%s: %+v", url, set.Repositories)
			continue
		}
		names[set.Repositories[0].Image] = true
	}
	if !names["charts.example.com/stable/app"] {
		t.Errorf("%v", names)
	}
}
