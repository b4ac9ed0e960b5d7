package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

func gateObject(name, rest string) string {
	return "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: " + name + "}\n" + rest + "\n"
}

// TestGatesFor: a gate that can't be relied on stops every policy that it may
// select, and no other.
func TestGatesFor(t *testing.T) {
	const of = "spec: {imageRepositoryRef: {name: r}, policy: {alphabetical: {}}}"
	objects := object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}") +
		strings.Replace(object("ImagePolicy", "a", of), "name: a}", "name: a, labels: {team: a}}", 1) +
		strings.Replace(object("ImagePolicy", "b", of), "name: b}", "name: b, labels: {team: b}}", 1) +
		strings.Replace(object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}"), "name: r}", "name: r, namespace: other}", 1) +
		strings.Replace(object("ImagePolicy", "c", of), "name: c}", "name: c, namespace: other}", 1)
	const teamA = "policySelector: {matchLabels: {team: a}}"
	tests := []struct {
		name, gates string
		a, b        string // the gates of the policies, or "error" for one
	}{
		{"none", "", "", ""},
		{"no selector selects all", gateObject("g", "spec: {minAge: 1h}"), "g", "g"},
		{"several, sorted", gateObject("z", "spec: {minAge: 1h}") + gateObject("g", "spec: {maxBump: minor, "+teamA+"}"), "g z", "z"},
		{"of another namespace", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "name: g", "name: g, namespace: other", 1), "", ""},
		{"of a namespace without policies", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "name: g", "name: g, namespace: nowhere", 1), "error", "error"},
		{"of a namespace without policies, with a selector", strings.Replace(gateObject("g", "spec: {minAge: 1h, "+teamA+"}"), "name: g", "name: g, namespace: nowhere", 1), "error", ""},
		{"of a namespace where its selector matches nothing", strings.Replace(gateObject("g", "spec: {minAge: 1h, "+teamA+"}"), "name: g", "name: g, namespace: other", 1), "error", ""},
		{"selects nothing", gateObject("g", "spec: {minAge: 1h, policySelector: {matchLabels: {team: c}}}"), "error", "error"},
		{"selects nothing in another namespace", gateObject("g, namespace: other", "spec: {minAge: 1h, policySelector: {matchLabels: {team: c}}}"), "", ""},
		{"selects nothing, and needn't", gateObject("g, annotations: {pinsetter.dev/unused: allowed}", "spec: {minAge: 1h, policySelector: {matchLabels: {team: c}}}"), "", ""},
		{"selects nothing, with another word", gateObject("g, annotations: {pinsetter.dev/unused: 'true'}", "spec: {minAge: 1h, policySelector: {matchLabels: {team: c}}}"), "error", "error"},
		{"null in a selector", gateObject("g", "spec: {minAge: 1h, policySelector: {matchExpressions: [null]}}"), "error", "error"},
		{"null label in a selector", gateObject("g", "spec: {minAge: 1h, policySelector: {matchLabels: {team: }}}"), "error", "error"},
		{"null field", gateObject("g", "spec: {minAge: , maxBump: minor}"), "error", "error"},
		{"broken, with a selector that holds", gateObject("g", "spec: {minAge: 3d, "+teamA+"}"), "error", ""},
		{"broken selector", gateObject("g", "spec: {minAge: 1h, policySelector: {matchLabel: {team: a}}}"), "error", "error"},
		{"misspelt selector", gateObject("g", "spec: {minAge: 1h, policySelektor: {matchLabels: {team: a}}}"), "error", "error"},
		{"given twice, differing", gateObject("g", "spec: {minAge: 1h, "+teamA+"}") + gateObject("g", "spec: {minAge: 1h}"), "error", "error"},
		{"given twice, identical", gateObject("g", "spec: {minAge: 1h, "+teamA+"}") + gateObject("g", "spec: {minAge: 1h, "+teamA+"}"), "g", ""},
		{"selector given twice", gateObject("g", "spec: {minAge: 1h, "+teamA+", policySelector: {}}"), "error", "error"},
		{"unknown version", strings.Replace(gateObject("g", "spec: {"+teamA+"}"), "v1alpha1", "v2", 1), "error", "error"},
		{"misspelt kind", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "Gate", "Gates", 1), "error", "error"},
		{"misspelt kind, nowhere", strings.Replace(gateObject("g, namespace: nowhere", "spec: {minAge: 1h}"), "Gate", "Gates", 1), "error", "error"},
		{"another kind, elsewhere", strings.Replace(gateObject("g, namespace: other", "spec: {minAge: 1h}"), "Gate", "Hold", 1), "", ""},
		{"another kind", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "Gate", "Hold", 1), "error", "error"},
		{"kind in lower case", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "Gate", "gate", 1), "error", "error"},
		{"no kind", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "kind: Gate\n", "", 1), "error", "error"},
		{"kind by a merge key", "---\nx: &x {apiVersion: pinsetter.dev/v1alpha1, kind: Gate}\n<<: *x\nmetadata: {name: g}\nspec: {minAge: 1h}\n", "error", "error"},
		{"version forgotten", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "/v1alpha1", "", 1), "error", "error"},
		{"group forgotten", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "pinsetter.dev/", "", 1), "error", "error"},
		{"v1", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "pinsetter.dev/v1alpha1", "v1", 1), "error", "error"},
		{"another version", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "v1alpha1", "v1beta1", 1), "error", "error"},
		{"group of Flux", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "pinsetter.dev/v1alpha1", "source.toolkit.fluxcd.io/v1", 1), "error", "error"},
		{"colon forgotten", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "apiVersion:", "apiVersion", 1), "error", "error"},
		{"in JSON with escapes", "---\n" + `{"kind": "Gate", "metadata": {"name": "g"}, "spec": {"minAge": "1h"}, "apiVersion": "pinsetter.dev\/v1alpha1"}` + "\n", "error", "error"},
		{"in a list of another version", "---\napiVersion: v2\nkind: List\nitems:\n- {apiVersion: pinsetter.dev/v1alpha1, kind: Gate, metadata: {name: g}, spec: {minAge: 1h}}\n", "g", "g"},
		{"in what is no list", "---\napiVersion: v1\nkind: Lists\nitems:\n- {apiVersion: pinsetter.dev/v1alpha1, kind: Gate, metadata: {name: g}, spec: {minAge: 1h}}\n", "error", "error"},
		{"misspelt kind, elsewhere", strings.Replace(gateObject("g, namespace: other", "spec: {minAge: 1h}"), "Gate", "Gates", 1), "", ""},
		{"misspelt group", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "pinsetter", "pinseter", 1), "error", "error"},
		{"no version", "---\nkind: Gate\nmetadata: {name: g}\nspec: {minAge: 1h}\n", "error", "error"},
		{"no name", "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nspec: {minAge: 1h}\n", "error", "error"},
		{"not YAML", gateObject("g", "spec: {minAge: 1h"), "error", "error"},
		{"in a bare list", "---\n- {apiVersion: pinsetter.dev/v1alpha1, kind: Gate, metadata: {name: g}}\n", "error", "error"},
		{"behind another object, without ---", "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n" + strings.TrimPrefix(gateObject("g", "spec: {minAge: 1h}"), "---\n"), "error", "error"},
		{"behind a repository, without ---", object("GitRepository", "r", "spec: {}") + strings.TrimPrefix(gateObject("g", "spec: {minAge: 1h}"), "---\n"), "error", "error"},
		{"second of JSON lines", "---\n{\"kind\": \"ConfigMap\"}\n" + `{"apiVersion": "pinsetter.dev/v1alpha1", "kind": "Gate", "metadata": {"name": "g"}, "spec": {"minAge": "1h"}}` + "\n", "error", "error"},
		{"in JSON with a comment", "---\n// Ours\n" + `{"apiVersion":"pinsetter.dev/v1alpha1","kind":"Gate","metadata":{"name":"g"},"spec":{"minAge":"1h"}}` + "\n", "error", "error"},
		{"alone as a list's items", "---\napiVersion: v1\nkind: List\nitems: {apiVersion: pinsetter.dev/v1alpha1, kind: Gate, metadata: {name: g}, spec: {minAge: 1h}}\n", "error", "error"},
		{"in a list in a list's items", "---\napiVersion: v1\nkind: List\nitems:\n- - {apiVersion: pinsetter.dev/v1alpha1, kind: Gate, metadata: {name: g}, spec: {minAge: 1h}}\n", "error", "error"},
		{"in a misspelt field of a list", "---\napiVersion: v1\nkind: List\nItems:\n- {apiVersion: pinsetter.dev/v1alpha1, kind: Gate, metadata: {name: g}, spec: {minAge: 1h}}\n", "error", "error"},
		{"empty group", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "pinsetter.dev/", "/", 1), "error", "error"},
		{"unsubstituted group", strings.Replace(gateObject("g", "spec: {minAge: 1h}"), "pinsetter.dev/", "${group}/", 1), "error", "error"},
		{"in a task of a bare list", "---\n- hosts: all\n  tasks: [{k8s: {kind: Gate, api_version: pinsetter.dev/v1alpha1}}]\n", "", ""},
		{"our group in another project's template", "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  labels:\n    {{- include \"x\" . }}\nrules: [{apiGroups: [pinsetter.dev]}]\n", "", ""},
		{"commented out in what is not YAML", "---\n# " + strings.ReplaceAll(strings.TrimPrefix(gateObject("g", "spec: {minAge: 1h}"), "---\n"), "\n", "\n# ") + "\na: [\n", "", ""},
		{"another kind of ours", strings.Replace(gateObject("g", "spec: {}"), "Gate", "PullRequest", 1), "", ""},
		{"somebody else's", strings.Replace(gateObject("g", "spec: {}"), "pinsetter.dev", "example.com", 1), "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := loadText(t, objects+test.gates)
			for name, want := range map[string]string{"a": test.a, "b": test.b} {
				if got := gatesOf(set, name); got != want {
					t.Errorf("policy %s: gates %q, want %q\n%v", name, got, want, set.Findings)
				}
			}
		})
	}
}

func gatesOf(set *fleet.Set, policy string) string {
	gates, err := set.GatesFor(set.Policy(pinsetter.Name{Namespace: "default", Name: policy}))
	if err != nil {
		if !strings.Contains(err.Error(), "in.yaml:") {
			return "error without a place: " + err.Error()
		}
		return "error"
	}
	var names []string
	for _, g := range gates {
		names = append(names, g.Name.Name)
	}
	return strings.Join(names, " ")
}

// TestGateInUTF16: a file that isn't read may hold a gate for any policy.
func TestGateInUTF16(t *testing.T) {
	var wide []byte
	for _, b := range []byte(gateObject("g", "spec: {minAge: 1h}")) {
		wide = append(wide, b, 0)
	}
	set := config.Load([]source.File{{Path: "in.yaml", Data: append([]byte{0xff, 0xfe}, wide...)}}, config.Options{})
	if _, err := set.GatesFor(&fleet.Policy{}); err == nil {
		t.Error("a gate in a file that isn't UTF-8 counts for nothing")
	}
}

func TestGateValues(t *testing.T) {
	set := mustLoad(t, gateObject("g", `spec: {minAge: 1h30m, freeze: {from: 2026-12-20T00:00:00+01:00, to: "2027-01-05T00:00:00Z", reason: x}}`))
	g := set.Gate(pinsetter.Name{Namespace: "default", Name: "g"})
	want := spec.GateSpec{
		MinAge: &spec.Duration{Duration: 90 * time.Minute}, MinAgeFrom: spec.AgeFromFirstSeen,
		Freeze: &spec.GateFreeze{From: time.Date(2026, 12, 19, 23, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC), Reason: "x"},
	}
	if diff := cmp.Diff(want, g.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

// TestNulls: a value that was forgotten opens nothing: neither an image to every
// namespace, nor a policy to every tag.
func TestNulls(t *testing.T) {
	elsewhere := strings.Replace(object("ImagePolicy", "p", "spec: {imageRepositoryRef: {name: r, namespace: default}, policy: {alphabetical: {}}}"), "name: p}", "name: p, namespace: other}", 1)
	for _, s := range []string{
		"accessFrom: {namespaceSelectors: [null]}",
		"accessFrom: {namespaceSelectors: [{matchLabels: }]}",
		"accessFrom: {namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: }}]}",
		"accessFrom: {namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: other}}], x: null}",
		"accessFrom: {namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: other}}]}, exclusionList: [null]",
		"accessFrom: {namespaceSelectors: [~]}",
		"accessFrom: ",
	} {
		set := loadText(t, object("ImageRepository", "r", "spec: {image: alpine, interval: 5m, "+s+"}")+elsewhere)
		if set.Policies[0].Err == nil {
			t.Errorf("%s: the policy of another namespace may use the image", s)
		}
	}
	set := loadText(t, object("ImageRepository", "r", "spec: {image: alpine, interval: 5m, accessFrom: {namespaceSelectors: [{}]}}")+elsewhere)
	if err := set.Policies[0].Err; err != nil {
		t.Errorf("an empty selector is every namespace: %v", err)
	}
}

// TestMinAgeFromSignatureNeedsVerify: without a rule no signature would count.
func TestMinAgeFromSignatureNeedsVerify(t *testing.T) {
	for text, want := range map[string]string{
		"{minAge: 1h, minAgeFrom: signature}":                                                        "spec.verify: is missing, and minAgeFrom: signature counts from a signature that it verified",
		"{minAge: 1h, minAgeFrom: signature, verify: [{provider: cosign, secretRef: {name: keys}}]}": "",
	} {
		set := loadText(t, gateObject("g", "spec: "+text)+keySecret("keys", "cosign.pub", publicKey(t)))
		said := ""
		for _, f := range set.Findings {
			said += f.String() + "\n"
		}
		if want == "" && strings.Contains(said, "minAge") || !strings.Contains(said, want) {
			t.Errorf("%s: %q, want %q", text, said, want)
		}
	}
}
