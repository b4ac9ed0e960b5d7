package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
)

// artifactAutomation returns an ArtifactAutomation with the rest of its spec.
func artifactAutomation(spec string) string {
	return strings.ReplaceAll(object("ArtifactAutomation", "a", "spec: {"+spec+"}"), "image.toolkit.fluxcd.io/v1", "pinsetter.dev/v1alpha1")
}

func ociRepository(spec string) string {
	return strings.ReplaceAll(object("OCIRepository", "o", "spec: {"+spec+"}"), "image.toolkit", "source.toolkit")
}

func TestArtifactAutomation(t *testing.T) {
	const (
		base  = "sourceRef: {name: o}, interval: 5m, "
		push  = "repository: 'oci://ghcr.io/org/live', tag: '{{ .SourceTag }}-{{ .Hash }}'"
		whole = base + "push: {" + push + "}"
	)
	right := ociRepository("url: oci://ghcr.io/org/app, interval: 1m, ref: {tag: main}")
	pullRequest := strings.ReplaceAll(object("PullRequest", "p", "spec: {automationRef: {name: a}, provider: gitea}"), "image.toolkit.fluxcd.io/v1", "pinsetter.dev/v1alpha1")
	git := object("GitRepository", "g", "spec: {url: 'https://git.example/a', ref: {branch: main}}")
	git = strings.ReplaceAll(git, "image.toolkit", "source.toolkit")
	other := object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {kind: GitRepository, name: g}, git: {commit: {author: {email: a@example.test}}}}")
	secret := func(keys string) string {
		return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {" + keys + "}\n"
	}
	for _, test := range []struct{ name, text, want string }{
		{"whole", right + artifactAutomation(whole), ""},
		{"everything", right + secret("cosign.key: KEY, cosign.password: x, ca.crt: x") + artifactAutomation("sourceRef: {kind: OCIRepository, name: o, apiVersion: source.toolkit.fluxcd.io/v1}, interval: 5m, suspend: true, "+
			"policySelector: {matchLabels: {a: b}}, update: {path: ./apps, strategy: Setters}, push: {"+push+", moveTags: [live, latest], provider: generic, insecure: true, timeout: 10s}, sign: {secretRef: {name: s}}, annotations: {org.example/a: b}"), ""},
		{"before its source", artifactAutomation(whole) + right, ""},
		{"unknown field", right + artifactAutomation(whole+", git: {}"), "spec.git"},
		{"no spec", right + strings.ReplaceAll(object("ArtifactAutomation", "a", ""), "image.toolkit.fluxcd.io/v1", "pinsetter.dev/v1alpha1"), "spec: is missing"},
		{"no push", right + artifactAutomation("sourceRef: {name: o}, interval: 5m"), "spec.push.repository: is missing"},
		{"no tag", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/live'}"), "spec.push.tag: is missing"},
		{"no interval", right + artifactAutomation("sourceRef: {name: o}, push: {"+push+"}"), "spec.interval: is missing"},
		{"no source", right + artifactAutomation("interval: 5m, push: {"+push+"}"), "spec.sourceRef.name: is missing"},
		{"source of Git", right + artifactAutomation("sourceRef: {kind: GitRepository, name: o}, interval: 5m, push: {"+push+"}"), `"GitRepository" is not a kind that an artifact is built on: write OCIRepository`},
		{"nowhere", artifactAutomation(whole), "OCIRepository default/o was not given"},
		{"wrong source", ociRepository("url: 'https://ghcr.io/a'") + artifactAutomation(whole), "does not begin with oci://"},
		{"source without address", ociRepository("interval: 1m") + artifactAutomation(whole), "spec.url: is missing"},
		{"source without its Secret", ociRepository("url: oci://ghcr.io/org/app, secretRef: {name: gone}") + artifactAutomation(whole), "Secret default/gone was not given"},
		{"wrong source that nobody uses", ociRepository("url: 'https://ghcr.io/a', secretRef: {name: gone}") + object("ImageRepository", "i", "spec: {image: alpine, interval: 5m}"), ""},
		{"wrong source beside the used one", right + strings.Replace(ociRepository("url: 'https://ghcr.io/a', secretRef: {name: gone}"), "name: o}", "name: x}", 1) + artifactAutomation(whole), ""},
		{"two sources of one name", right + ociRepository("url: oci://ghcr.io/org/app, ref: {tag: dev}") + artifactAutomation(whole), "is also at in.yaml:"},
		{"scheme", right + artifactAutomation(base+"push: {repository: ghcr.io/org/live, tag: '{{ .Hash }}'}"), `spec.push.repository: "ghcr.io/org/live" does not begin with oci://`},
		{"tag in the address", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/live:1', tag: '{{ .Hash }}'}"), "spec.push.tag says which"},
		{"tag without hash", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/live', tag: '{{ .SourceTag }}'}"), "two artifacts of one source would have the same tag, and a tag of the bot is never overwritten: add {{ .Hash }}"},
		{"tag that is no template", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/live', tag: '{{ .Hash'}"), "spec.push.tag: "},
		{"tag with a wrong field", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/live', tag: '{{ .Hsah }}'}"), "spec.push.tag: "},
		{"tag that is none", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/live', tag: 'a/{{ .Hash }}'}"), "is not a tag: it begins with"},
		{"moved tag", right + artifactAutomation(base+"push: {"+push+", moveTags: [a/b]}"), `spec.push.moveTags[0]: "a/b" is not a tag`},
		{"moved twice", right + artifactAutomation(base+"push: {"+push+", moveTags: [a, a]}"), "is in the list twice"},
		{"provider", right + artifactAutomation(base+"push: {"+push+", provider: quay}"), `spec.push.provider: "quay" is not a provider`},
		{"push Secret", right + artifactAutomation(base+"push: {"+push+", secretRef: {name: gone}}"), "spec.push.secretRef.name: Secret default/gone was not given"},
		{"certificates", right + artifactAutomation(base+"push: {"+push+", certSecretRef: {name: gone}}"), "spec.push.certSecretRef.name: Secret default/gone was not given"},
		{"key", right + artifactAutomation(whole+", sign: {secretRef: {name: gone}}"), "spec.sign.secretRef.name: Secret default/gone was not given"},
		{"no key in it", right + secret("a: b") + artifactAutomation(whole+", sign: {secretRef: {name: s}}"), "cosign.key"},
		{"own annotation", right + artifactAutomation(whole+", annotations: {pinsetter.dev/base: x}"), "is an annotation that the bot writes itself"},
		{"schedule", right + strings.Replace(artifactAutomation(whole), "name: a}", "name: a, annotations: {pinsetter.dev/schedule: never}}", 1), "metadata.annotations.pinsetter.dev/schedule"},
		{"one name in both kinds", right + git + artifactAutomation(whole) + other, "ImageUpdateAutomation default/a: has the name of ArtifactAutomation default/a (in.yaml:"},
		{"a pull request", right + artifactAutomation(whole) + pullRequest, "delivers artifacts, which have no pull requests, and delivers none while this object names it"},
		{"moves the source's tag", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/app', tag: '{{ .Hash }}', moveTags: [main]}"), `spec.push.moveTags: "main" is what OCIRepository default/o reads, so that the bot would build on what it made itself`},
		{"moves another tag beside the source", right + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/app', tag: 'live-{{ .Hash }}', moveTags: [live]}"), ""},
		{"moves the tag that no ref means", ociRepository("url: oci://ghcr.io/org/app") + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/app', tag: '{{ .Hash }}', moveTags: [latest]}"), `"latest" is what`},
		{"pushes into the range", ociRepository("url: oci://docker.io/org/app, ref: {semver: '>=0.0.0-0'}") + artifactAutomation(base+"push: {repository: 'oci://index.docker.io/org/app', tag: '{{ .SourceTag }}-{{ .Hash }}'}"), "spec.push.tag: makes tags such as"},
		{"pushes beside a digest", ociRepository("url: oci://ghcr.io/org/app, ref: {digest: sha256:"+strings.Repeat("a", 64)+"}") + artifactAutomation(base+"push: {repository: 'oci://ghcr.io/org/app', tag: '{{ .Hash }}', moveTags: [latest]}"), ""},
		{"two move one tag", right + artifactAutomation(base+"push: {"+push+", moveTags: [live]}") + strings.Replace(artifactAutomation(base+"push: {"+push+", moveTags: [live]}"), "name: a}", "name: b}", 1), "ArtifactAutomation default/a (in.yaml:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(test.text)}}, config.Options{})
			var said strings.Builder
			for _, f := range set.Findings {
				said.WriteString(f.String() + "\n")
			}
			for _, a := range set.Automations {
				if a.Err != nil {
					said.WriteString(a.Err.Error() + "\n")
				}
			}
			if test.want == "" && said.Len() > 0 || !strings.Contains(said.String(), test.want) {
				t.Errorf("want %q:\n%s", test.want, said.String())
			}
		})
	}
}

// TestArtifactAutomationReady: what is loaded is ready to use, and a PullRequest that
// names it stops it.
func TestArtifactAutomationReady(t *testing.T) {
	text := ociRepository("url: oci://ghcr.io/org/app, ref: {tag: main}, verify: {provider: cosign, secretRef: {name: keys}}") +
		artifactAutomation("sourceRef: {name: o}, interval: 5m, update: {path: ./apps/}, push: {repository: 'oci://ghcr.io/org/live', tag: 'x-{{ .Hash }}', moveTags: [live], insecure: true}")
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(text)}}, config.Options{})
	a := set.Automation(pinsetter.Name{Namespace: "default", Name: "a"})
	if a == nil || a.Err != nil || a.Delivery == nil {
		t.Fatalf("%+v, %v", a, set.Findings)
	}
	got := []any{a.Kind(), a.Object().APIVersion, a.Path, a.Delivery.Repository.Image, a.Delivery.Repository.Access.Insecure, a.Delivery.MoveTags, a.Delivery.Source.Repository.Image, a.Delivery.Source.Enclosing.Secret, len(set.Artifacts)}
	want := []any{"ArtifactAutomation", "pinsetter.dev/v1alpha1", "apps", "ghcr.io/org/live", true, []string{"live"}, "ghcr.io/org/app", "keys", 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := set.Missing.StopsAutomation(a); err != nil {
		t.Error(err)
	}
	text += strings.ReplaceAll(object("PullRequest", "p", "spec: {automationRef: {name: a}, provider: gitea}"), "image.toolkit.fluxcd.io/v1", "pinsetter.dev/v1alpha1")
	set = config.Load([]source.File{{Path: "in.yaml", Data: []byte(text)}}, config.Options{})
	if err := set.Missing.StopsAutomation(set.Automations[0]); err == nil || !strings.Contains(err.Error(), "ArtifactAutomation default/a") {
		t.Errorf("a PullRequest that names it lets it push: %v", err)
	}
}

// TestArtifactAutomationIsReferredTo: a Receiver wakes it by its name or its source's,
// and an Alert tells of it.
func TestArtifactAutomationIsReferredTo(t *testing.T) {
	notification := func(text string) string {
		return "---\napiVersion: notification.toolkit.fluxcd.io/v1beta3\n" + text + "\n"
	}
	receiver := notification("kind: Receiver\nmetadata: {name: r}\nspec: {type: generic, secretRef: {name: s}, resources: [{kind: OCIRepository, name: o}, {kind: ArtifactAutomation, name: a}]}") +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: x}\n"
	alert := notification("kind: Provider\nmetadata: {name: p}\nspec: {type: generic, address: 'https://example.test/'}") +
		notification("kind: Alert\nmetadata: {name: l}\nspec: {providerRef: {name: p}, eventSources: [{kind: ArtifactAutomation, name: '*'}]}")
	automation := ociRepository("url: oci://ghcr.io/org/app, ref: {tag: main}") +
		artifactAutomation("sourceRef: {name: o}, interval: 5m, push: {repository: 'oci://ghcr.io/org/live', tag: 'x-{{ .Hash }}'}")
	load := func(text string) *fleet.Set {
		return config.Load([]source.File{{Path: "in.yaml", Data: []byte(text)}}, config.Options{Notifications: config.NotificationsUsed})
	}
	set := load(automation + receiver + alert)
	if len(set.Findings) > 0 {
		t.Error(set.Findings)
	}
	want := []pinsetter.Object{{Kind: "ArtifactAutomation", Namespace: "default", Name: "a"}, {Kind: "OCIRepository", Namespace: "default", Name: "o"}}
	if diff := cmp.Diff(want, set.Receivers[0].Resources); diff != "" {
		t.Error(diff)
	}
	if !set.Alerts[0].Selects(set.Automations[0].Object()) {
		t.Error("the Alert doesn't tell of it")
	}

	// Where no automation reads an OCIRepository, a Receiver may name any, as before.
	alone := strings.Replace(receiver, ", {kind: ArtifactAutomation, name: a}", ", {kind: ImageRepository, name: i}", 1)
	set = load(alone + object("ImageRepository", "i", "spec: {image: alpine, interval: 5m}"))
	if len(set.Findings) > 0 {
		t.Error(set.Findings)
	}
}
