package claim_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

func TestGuardOf(t *testing.T) {
	const gate, proposal, either = fleet.GuardGate, fleet.GuardPullRequest, claim.AnyGuard
	for _, tt := range []struct {
		apiVersion, kind string
		want             fleet.Guard
	}{
		{"pinsetter.dev/v1alpha1", "Gaet", gate},
		{"pinsetter.dev/v1alpha1", "Hold", either},
		{"pinsetter.dev/v1alpha1", "ArtifactAutomations", 0},
		{"pinseter.dev/v1alpha1", "Gate", gate},
		{"v1alpha1/pinsetter.dev", "PullRequest", proposal},
		{"", "GateList", gate},
		{"image.toolkit.fluxcd.io/v1", "Gate", gate},
		{"fluxcd.io/v1", "Gate", gate},
		{"${GROUP}/v1alpha1", "Gate", gate},
		{"{{ .Values.api }}/v1alpha1", "PullRequest", proposal},
		{"https://pinsetter.dev/v1alpha1", "Gate", gate},
		{"ENC[AES256_GCM,data:QQ==]", "ENC[AES256_GCM,data:QQ==]", either},
		{"example.com/v1", "Gate", 0},
		{"apps/v1", "Deployment", 0},
	} {
		if got := claim.GuardOf(tt.apiVersion, tt.kind); got != tt.want {
			t.Errorf("%s %s: %d, not %d", tt.apiVersion, tt.kind, got, tt.want)
		}
	}
}

// A guard in an object of another kind is found by our group: what only refers to one
// is none.
// What aliases make endless, or too long to search, isn't gone through.
func TestGuardWithinIsBounded(t *testing.T) {
	long := strings.Repeat("kind: x\\n", 20_000)
	for name, text := range map[string]string{
		"a circle":   "a: &a {b: [*a]}",
		"long texts": "x: &x \"" + long + "\"\nitems: [" + strings.Repeat("*x, ", 1000) + "*x]",
	} {
		n, failure := strict.Document{Data: []byte(text), Line: 1}.Parse()
		if failure != nil {
			t.Fatal(failure.Err)
		}
		left := 1_000_000
		if claim.GuardWithin(n, &left); left >= 0 {
			t.Errorf("%s: %d nodes are left", name, left)
		}
	}
}

func TestGuardWithin(t *testing.T) {
	for text, want := range map[string]bool{
		"spec: {values: {extra: [{apiVersion: pinsetter.dev/v1alpha1, kind: Gate, spec: {}}]}}": true,
		"items: [{kind: Gate}]":                     true,
		"items: [\"kind: Gate\\nmetadata: {}\\n\"]": true,
		"spec: {kind: Gate, metadata: {}}":          false,
		"metadata: {ownerReferences: [{apiVersion: pinsetter.dev/v1alpha1, kind: Gate, name: a, uid: b}]}":   false,
		"spec: {names: {kind: Gate}, group: pinsetter.dev}":                                                  false,
		"data: {gate.yaml: \"apiVersion: pinsetter.dev/v1alpha1\\nkind: Gate\\n\"}":                          false,
		"spec: {template: {apiVersion: pinsetter.dev/v1alpha1, kind: ChartRepository, metadata: {name: a}}}": false,
	} {
		n, failure := strict.Document{Data: []byte(text), Line: 1}.Parse()
		if failure != nil {
			t.Fatal(failure.Err)
		}
		left := 1000
		if got := claim.GuardWithin(n, &left) != 0; got != want {
			t.Errorf("%s: %t", text, got)
		}
		if left = 1; claim.GuardWithin(n, &left) != 0 {
			t.Errorf("%s: more nodes are visited than are left", text)
		}
	}
}
