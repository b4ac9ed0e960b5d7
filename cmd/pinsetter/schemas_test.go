package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

// fluxSchema is what a schema of Flux's image kinds says beside what Go's types do.
type fluxSchema struct {
	kind     string
	spec     reflect.Type
	required map[string]string   // paths of fields that must be there, with a value as YAML; parents first
	values   map[string][]string // of fields that have a few
}

var fluxSchemas = []fluxSchema{
	{
		kind: "ImageRepository", spec: reflect.TypeFor[spec.ImageRepositorySpec](),
		required: map[string]string{"image": "registry.example/org/app", "interval": "5m"},
		values:   map[string][]string{"provider": {"generic", "aws", "azure", "gcp"}},
	},
	{
		kind: "ImagePolicy", spec: reflect.TypeFor[spec.ImagePolicySpec](),
		required: map[string]string{"imageRepositoryRef": "{name: app}", "policy": "{semver: {range: 1.x}}"},
		values: map[string][]string{
			"policy.alphabetical.order": {"asc", "desc"}, "policy.numerical.order": {"asc", "desc"},
			"digestReflectionPolicy": {"Always", "IfNotPresent", "Never"},
		},
	},
	{
		kind: "ImageUpdateAutomation", spec: reflect.TypeFor[spec.ImageUpdateAutomationSpec](),
		required: map[string]string{"interval": "5m", "sourceRef": "{kind: GitRepository, name: fleet}", "git": "{commit: {author: {email: bot@example.com}}}"},
		values: map[string][]string{
			"sourceRef.kind": {"GitRepository"}, "update.strategy": {"Setters"}, "git.commit.signingKey.type": {"gpg", "ssh"},
			"policySelector.matchExpressions[].operator": {"In", "NotIn", "Exists", "DoesNotExist"},
		},
	},
}

// TestFluxSchemas holds the schemas of Flux's image kinds, which editors use, to
// the types. With UPDATE_REFERENCE set it writes them.
func TestFluxSchemas(t *testing.T) {
	comments := fieldComments(t)
	for _, s := range fluxSchemas {
		path := "../../schemas/" + strings.ToLower(s.kind) + ".json"
		text := s.text(t, comments)
		if os.Getenv("UPDATE_REFERENCE") != "" {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got, err := os.ReadFile(path); !bytes.Equal(got, text) {
			t.Errorf("%s is out of date (%v): make update rewrites it", path, err)
		}
	}
}

// TestFluxSchemasDemandWhatIsDemanded: an object needs the required fields, and no
// other.
func TestFluxSchemasDemandWhatIsDemanded(t *testing.T) {
	for _, s := range fluxSchemas {
		demands := func(code string) bool { return code == "missing-field" || code == "policy" }
		if codes := s.findings(""); slices.ContainsFunc(codes, demands) {
			t.Errorf("%s with what the schema requires: %v", s.kind, codes)
		}
		for name := range s.required {
			if codes := s.findings(name); !slices.ContainsFunc(codes, demands) {
				t.Errorf("%s without %s: %v", s.kind, name, codes)
			}
		}
	}
}

// findings returns the codes of loading an object that has the required fields but
// one.
func (s fluxSchema) findings(without string) []string {
	text := "apiVersion: image.toolkit.fluxcd.io/v1\nkind: " + s.kind + "\nmetadata: {name: a}\nspec:\n"
	for name, value := range s.required {
		if name != without {
			text += "  " + name + ": " + value + "\n"
		}
	}
	var codes []string
	for _, f := range config.Load([]source.File{{Path: "a.yaml", Data: []byte(text)}}, config.Options{}).Findings {
		if f.Object.Kind == s.kind && f.Severity == pinsetter.Error {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// object is a JSON object.
type object = map[string]any

// text returns the schema as JSON.
func (s fluxSchema) text(t *testing.T, comments map[string]string) []byte {
	t.Helper()
	name := object{"type": "string", "minLength": 1}
	texts := object{"type": "object", "additionalProperties": object{"type": "string"}}
	node := s.node(comments, s.spec, "")
	var required []string
	for field := range s.required {
		required = append(required, field)
	}
	slices.Sort(required)
	node["required"] = required
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(object{
		"$schema":  "https://json-schema.org/draft/2020-12/schema",
		"title":    s.kind,
		"type":     "object",
		"required": []string{"apiVersion", "kind", "metadata", "spec"},
		"properties": object{
			"apiVersion": object{"enum": []string{"image.toolkit.fluxcd.io/v1", "image.toolkit.fluxcd.io/v1beta2", "image.toolkit.fluxcd.io/v1beta1"}},
			"kind":       object{"const": s.kind},
			"metadata": object{
				"type": "object", "required": []string{"name"},
				"properties": object{"name": name, "namespace": name, "labels": texts, "annotations": texts},
			},
			"spec": node,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// node returns the schema of a type at a path of fields.
func (s fluxSchema) node(comments map[string]string, typ reflect.Type, path string) object {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case s.values[path] != nil:
		return object{"enum": s.values[path]}
	case typ == reflect.TypeFor[spec.Duration]():
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
	case typ == reflect.TypeFor[time.Time](), typ.Kind() == reflect.String:
		return object{"type": "string"}
	case typ.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case typ.Kind() == reflect.Int64:
		return object{"type": "integer"}
	case typ.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	case typ.Kind() == reflect.Slice:
		return object{"type": "array", "items": s.node(comments, typ.Elem(), path+"[]")}
	case typ.Kind() != reflect.Struct:
		panic(fmt.Sprintf("%s: %s", path, typ))
	}
	properties := object{}
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		node := s.node(comments, field.Type, strings.TrimPrefix(path+"."+name, "."))
		if about := comments[typ.Name()+"."+field.Name]; about != "" {
			node["description"] = about
		}
		properties[name] = node
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties}
}
