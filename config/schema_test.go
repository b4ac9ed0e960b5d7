package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/spec"
)

// schemaNode is what is read of a JSON schema.
type schemaNode struct {
	Schema      string                `json:"$schema"`
	Const       string                `json:"const"`
	Description string                `json:"description"`
	Type        string                `json:"type"`
	Enum        []string              `json:"enum"`
	Examples    []string              `json:"examples"`
	Pattern     string                `json:"pattern"`
	Required    []string              `json:"required"`
	Properties  map[string]schemaNode `json:"properties"`
	Items       *schemaNode           `json:"items"`
	Additional  any                   `json:"additionalProperties"`
	AnyOf       []schemaNode          `json:"anyOf"`
}

func readSchema(t *testing.T, name string) schemaNode {
	t.Helper()
	data, err := os.ReadFile("../schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestSchema holds the schemas to the Go types, field by field.
func TestSchema(t *testing.T) {
	for file, s := range map[string]reflect.Type{
		"artifactautomation.json": reflect.TypeFor[spec.ArtifactAutomationSpec](),
		"gate.json":               reflect.TypeFor[spec.GateSpec](),
		"chartrepository.json":    reflect.TypeFor[spec.ChartRepositorySpec](),
		"pullrequest.json":        reflect.TypeFor[spec.PullRequestSpec](),
	} {
		t.Run(file, func(t *testing.T) {
			root := readSchema(t, file)
			kind := strings.TrimSuffix(s.Name(), "Spec")
			if root.Properties["apiVersion"].Const != "pinsetter.dev/v1alpha1" || root.Properties["kind"].Const != kind {
				t.Errorf("it is for %q of %q", root.Properties["kind"].Const, root.Properties["apiVersion"].Const)
			}
			if !strings.HasPrefix(root.Schema, "https://json-schema.org/") {
				t.Errorf("$schema is %q", root.Schema)
			}
			compareSchema(t, "spec", root.Properties["spec"], s)
		})
	}
}

func compareSchema(t *testing.T, path string, node schemaNode, typ reflect.Type) {
	t.Helper()
	if node.Description == "" {
		t.Errorf("%s: no description", path)
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object"}[typ.Kind()]
	if typ == reflect.TypeFor[spec.Duration]() || typ == reflect.TypeFor[time.Time]() {
		want = "string"
	}
	if node.Type != want && node.Enum == nil {
		t.Errorf("%s: type %q, want %q", path, node.Type, want)
	}
	switch {
	case want == "array" && node.Items == nil:
		t.Errorf("%s: no items", path)
	case want == "array" && typ.Elem().Kind() == reflect.Struct:
		compareSchema(t, path+"[]", *node.Items, typ.Elem())
	case want == "object" && typ.Kind() == reflect.Struct:
		compareFields(t, path, node, typ)
	}
}

func compareFields(t *testing.T, path string, node schemaNode, typ reflect.Type) {
	t.Helper()
	if node.Additional != false {
		t.Errorf("%s: additionalProperties is %v, and unknown fields are errors", path, node.Additional)
	}
	fields := map[string]bool{}
	for _, field := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = true
		property, found := node.Properties[name]
		if !found {
			t.Errorf("%s.%s: not in the schema", path, name)
			continue
		}
		compareSchema(t, path+"."+name, property, field.Type)
	}
	for name := range node.Properties {
		if !fields[name] {
			t.Errorf("%s.%s: not in the Go type", path, name)
		}
	}
	for _, name := range node.Required {
		if !fields[name] {
			t.Errorf("%s: requires %s, which isn't there", path, name)
		}
	}
}

// TestGateSchemaValues: what the schema offers is what is read, and what it demands
// is demanded.
func TestGateSchemaValues(t *testing.T) {
	s := readSchema(t, "gate.json").Properties["spec"]
	accepts := func(text string) bool {
		set := loadText(t, gateObject("g", "spec: "+text))
		return len(set.Findings) == 0
	}
	for _, size := range append(s.Properties["maxBump"].Enum, "huge") {
		if got, want := accepts("{maxBump: "+size+"}"), size != "huge"; got != want {
			t.Errorf("maxBump %s: %v", size, got)
		}
	}
	for _, from := range append(s.Properties["minAgeFrom"].Enum, "pushed") {
		if got, want := accepts("{minAge: 1h, minAgeFrom: "+from+"}"), from != "pushed" && from != "signature"; got != want { // which needs verify
			t.Errorf("minAgeFrom %s: %v", from, got)
		}
	}
	platform := s.Properties["platforms"].Items
	for _, p := range append(platform.Examples, "linux/arm/v7", "amd64", "Linux/amd64", "linux/amd64/", "") {
		matches := regexp.MustCompile(platform.Pattern).MatchString(p)
		if got := accepts(fmt.Sprintf("{platforms: [%q]}", p)); got != matches {
			t.Errorf("platform %q: read %v, by the schema %v", p, got, matches)
		}
	}
	age := s.Properties["minAge"]
	for _, d := range append(age.Examples, "1h30m", "3d", "90", "-1h") {
		matches := regexp.MustCompile(age.Pattern).MatchString(d)
		if got := accepts(fmt.Sprintf("{minAge: %q}", d)); got != matches {
			t.Errorf("minAge %q: read %v, by the schema %v", d, got, matches)
		}
	}
	idle := map[string]bool{"policySelector": true, "minAgeFrom": true}
	for _, alone := range s.AnyOf {
		idle[alone.Required[0]] = true
	}
	for name := range s.Properties {
		if !idle[name] {
			t.Errorf("%s is not in anyOf", name)
		}
	}
}

// TestPullRequestSchemaValues is the same for pull requests.
func TestPullRequestSchemaValues(t *testing.T) {
	s := readSchema(t, "pullrequest.json").Properties["spec"]
	automation := object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}}}") +
		object("GitRepository", "g", "spec: {url: 'https://git.example.com/acme/fleet'}")
	accepts := func(field, value string) bool {
		defaults := map[string]string{"automationRef": "{name: a}", "provider": "gitea"}
		defaults[field] = value
		text := ""
		for name, value := range defaults {
			text += name + ": " + value + ", "
		}
		set := loadText(t, automation+fmt.Sprintf("---\napiVersion: pinsetter.dev/v1alpha1\nkind: PullRequest\nmetadata: {name: p}\nspec: {%s}\n", text))
		return len(set.Findings) == 0
	}
	for _, field := range []string{"groupBy", "provider"} {
		for _, value := range append(s.Properties[field].Enum, "image") {
			if got, want := accepts(field, value), value != "image"; got != want {
				t.Errorf("%s %s: %v", field, value, got)
			}
		}
	}
	address := s.Properties["address"]
	for _, a := range append(address.Examples, "http://127.0.0.1:3000/a/b", "git.example.com/a/b", "ssh://git@git.example.com/a/b", "https://git.example.com/", "https://me@git.example.com/a") {
		matches := regexp.MustCompile(address.Pattern).MatchString(a)
		if got := accepts("address", fmt.Sprintf("%q", a)); got != matches {
			t.Errorf("address %q: read %v, by the schema %v", a, got, matches)
		}
	}
}
