package deploy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestWhatTheChartRenders checks the golden files, which `make e2e-more`
// compares with the output of helm.
func TestWhatTheChartRenders(t *testing.T) {
	for _, name := range folders(t, "testdata/chart") {
		t.Run(name, func(t *testing.T) {
			m := decode(t, read(t, "testdata/chart/"+name+"/want.yaml"))
			check(t, m, "flux-system")
			variables(t, m)
		})
	}
}

// schema is JSON Schema, as far as the chart's has it.
type schema struct {
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
}

// TestTheSchemaHasEveryValue compares the fields of values.yaml with those of
// its schema. The schema must refuse all others.
func TestTheSchemaHasEveryValue(t *testing.T) {
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(read(t, "chart/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal([]byte(read(t, "chart/values.schema.json")), &root); err != nil {
		t.Fatal(err)
	}
	delete(root.Properties, "global") // helm's own
	compare(t, "", root, values)
}

func compare(t *testing.T, path string, s schema, values map[string]any) {
	t.Helper()
	if s.AdditionalProperties != false {
		t.Errorf("%s: the schema lets any field in", path)
	}
	var fields []string
	for field, below := range s.Properties {
		fields = append(fields, field)
		if object, ok := values[field].(map[string]any); ok && below.Properties != nil {
			compare(t, path+"."+field, below, object)
		}
	}
	slices.Sort(fields)
	var have []string
	for field := range values {
		have = append(have, field)
	}
	if slices.Sort(have); !slices.Equal(fields, have) {
		t.Errorf("%s: the schema has %q, values.yaml %q", path, fields, have)
	}
}

// TestVersionsArePlaceholders checks the versions that cmd/release replaces.
func TestVersionsArePlaceholders(t *testing.T) {
	chart := read(t, "chart/Chart.yaml")
	for _, line := range []string{"\nversion: 0.0.0 ", "\nappVersion: v0.0.0\n"} {
		if !strings.Contains(chart, line) {
			t.Errorf("Chart.yaml has no line %q", strings.TrimSpace(line))
		}
	}
	if base := read(t, "kustomize/base/kustomization.yaml"); !strings.Contains(base, "newTag: v0.0.0 ") {
		t.Error("the base has another tag than v0.0.0")
	}
}
