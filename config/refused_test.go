package config_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

// TestRefusedByFlux: what Flux's schemas refuse is found, and its neighbours that
// they take are not.
func TestRefusedByFlux(t *testing.T) {
	repository := func(rest string) string {
		return object("ImageRepository", "x", "spec:\n  image: alpine\n  interval: 5m\n  "+rest)
	}
	policy := func(rest string) string {
		return object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}") + object("ImagePolicy", "x", "spec:\n  imageRepositoryRef: {name: r}\n  "+rest)
	}
	git := func(rest string) string { return object("GitRepository", "g", "spec:\n  interval: 5m\n  "+rest) }
	automation := func(kind, rest, gitRest string) string {
		return object("ImageUpdateAutomation", "x", "spec:\n  interval: 5m\n  sourceRef: {name: g"+kind+"}\n  git: {commit: {author: {email: a@b.c}"+gitRest+"}\n  "+rest) +
			git("url: https://example.com/x\n  ref: {branch: main}")
	}
	alert := func(rest, sources string) string {
		return strings.NewReplacer("image.toolkit.fluxcd.io/v1", "notification.toolkit.fluxcd.io/v1beta3").Replace(
			object("Alert", "x", "spec:\n  providerRef: {name: p}\n  eventSources: ["+sources+"]\n  "+rest)) +
			"---\napiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\nmetadata: {name: p}\nspec: {type: generic, address: 'https://x.test'}\n"
	}
	const all = "{kind: ImagePolicy, name: '*'}"
	for _, test := range []struct{ name, text, want string }{
		{"provider", repository(`provider: ""`), "error in.yaml:8: ImageRepository default/x: spec.provider: is empty, which Flux refuses: write generic, or leave it out"},
		{"provider null", repository(`provider:`), ""},
		{"provider generic", repository(`provider: generic`), ""},
		{"null pattern", repository(`exclusionList: [null]`), "error in.yaml:8: ImageRepository default/x: spec.exclusionList[0]: is empty (null)"},
		{"empty pattern", repository(`exclusionList: [""]`), `warning in.yaml:8: ImageRepository default/x: spec.exclusionList[0]: "" matches everything`},
		{"pattern for all", repository(`exclusionList: [a, ".*"]`), `warning in.yaml:8: ImageRepository default/x: spec.exclusionList[1]: ".*" matches everything`},
		{"no patterns", repository(`exclusionList: []`), ""},
		{"patterns", repository(`exclusionList: ["^.*-rc", "^$", "^[a-z]*$"]`), ""},
		{"alphabetical", policy(`policy: {alphabetical: {order: ""}}`), "error in.yaml:12: ImagePolicy default/x: spec.policy.alphabetical.order: is empty, which Flux refuses: write asc or desc"},
		{"numerical", policy(`policy: {numerical: {order: ""}}`), "spec.policy.numerical.order: is empty"},
		{"order", policy(`policy: {numerical: {}}`), ""},
		{"digests", policy("policy: {numerical: {}}\n  digestReflectionPolicy: ''"), "spec.digestReflectionPolicy: is empty"},
		{"empty filter", policy("policy: {numerical: {}}\n  filterTags: {pattern: '', extract: ''}"), ""},
		{"automation", automation("", "", "}"), ""},
		{"strategy", automation("", `update: {strategy: ""}`, "}"), "error in.yaml:9: ImageUpdateAutomation default/x: spec.update.strategy: is empty, which Flux refuses: write Setters"},
		{"path", automation("", `update: {path: ""}`, "}"), ""},
		{"kind of the source", automation(`, kind: ""`, "", "}"), "spec.sourceRef.kind: is empty"},
		{"key", automation("", "", `, signingKey: {type: "", secretRef: {name: key}}}`), "spec.git.commit.signingKey.type: is empty"},
		{"checkout", automation("", "", "}, checkout: {}"), "error in.yaml:8: ImageUpdateAutomation default/x: spec.git.checkout.ref: is missing"},
		{"checkout of null", automation("", "", "}, checkout: {ref: }"), "spec.git.checkout.ref: is missing"},
		{"checkout of nothing", automation("", "", "}, checkout: {ref: {}}"), ""},
		{"no checkout", automation("", "", "}, checkout: "), ""},
		{"provider of Git", git("url: https://example.com/x\n  provider: ''"), "warning in.yaml:8: GitRepository default/g: spec.provider: is empty"},
		{"provider of Git, null", git("url: https://example.com/x\n  provider:"), ""},
		{"scheme", git("url: HTTPS://example.com/x"), "warning in.yaml:7: GitRepository default/g: spec.url: has a scheme that Flux refuses: write https:// in lower case"},
		{"scheme, mixed", git("url: Ssh://git@example.com/x"), "write ssh://"},
		{"host in upper case", git("url: https://EXAMPLE.com/X"), ""},
		{"severity", alert(`eventSeverity: ""`, all), "error in.yaml:8: Alert default/x: spec.eventSeverity: is empty, which Flux refuses: write info or error"},
		{"alert", alert("", all+", {kind: Kustomization, name: '*'}, {kind: OCIRepository, name: x}"), ""},
		{"kind", alert("", "{kind: Deployment, name: x}, "+all), `warning in.yaml:7: Alert default/x: spec.eventSources[0].kind: "Deployment" is none of the kinds that Flux 2.9 allows here, and is passed over: write one of ImageRepository, ImagePolicy`},
		{"kind misspelt", alert("", "{kind: ImagePolicies, name: x}, "+all), "error in.yaml:7: Alert default/x: spec.eventSources[0].kind: \"ImagePolicies\" is no kind; did you mean"},
		{"null source", alert("", "null, "+all), "error in.yaml:7: Alert default/x: spec.eventSources[0]: is empty (null)"},
		{"alert's null pattern", alert("exclusionList: [null]", all), "error in.yaml:8: Alert default/x: spec.exclusionList[0]: is empty (null)"},
		{"alert's empty pattern", alert("exclusionList: ['x', '']", all), `warning in.yaml:8: Alert default/x: spec.exclusionList[1]: "" matches everything`},
		{"alert's inclusion", alert("inclusionList: ['']", all), ""},
	} {
		set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(test.text)}}, config.Options{Notifications: config.NotificationsUsed})
		var got []string
		for _, f := range set.Findings {
			got = append(got, string(f.Severity)+" "+f.String())
		}
		said := strings.Join(got, "\n")
		if test.want == "" && len(got) > 0 || test.want != "" && !strings.Contains(said, test.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, said, test.want)
		}
	}
}

// TestGitRepositoryWithoutInterval: only lint speaks of it, since nobody here reads
// it.
func TestGitRepositoryWithoutInterval(t *testing.T) {
	file := []source.File{{Path: "in.yaml", Data: []byte(object("GitRepository", "g", "spec: {url: https://git.example/g}"))}}
	if found := config.Load(file, config.Options{}).Findings; len(found) > 0 {
		t.Errorf("a run says %v", found)
	}
	found := config.Load(file, config.Options{FluxNeeds: true}).Findings
	if len(found) != 1 || !strings.HasPrefix(found[0].String(), "in.yaml:5: GitRepository default/g: spec.interval: is missing, which Flux refuses") || found[0].Severity != pinsetter.Warning {
		t.Errorf("lint says %v", found)
	}
}

// TestNullOfAnAccount: Kubernetes' own kinds take null in lists.
func TestNullOfAnAccount(t *testing.T) {
	mustLoad(t, object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}")+"---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa}\nimagePullSecrets: [null]\n")
}
