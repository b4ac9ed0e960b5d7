//go:build e2emore

package spec_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The modules whose CRDs are described, of Flux 2.9.
const (
	sourceController       = "github.com/fluxcd/source-controller@v1.9.5"
	notificationController = "github.com/fluxcd/notification-controller@v1.9.3"
)

// described are the kinds of Flux whose schemas are made of its CRDs: all that is read,
// but for the image kinds, which cmd/pinsetter makes of their Go types.
var described = []struct{ module, crd string }{
	{sourceController, "source.toolkit.fluxcd.io_gitrepositories.yaml"},
	{sourceController, "source.toolkit.fluxcd.io_helmcharts.yaml"},
	{sourceController, "source.toolkit.fluxcd.io_helmrepositories.yaml"},
	{sourceController, "source.toolkit.fluxcd.io_ocirepositories.yaml"},
	{notificationController, "notification.toolkit.fluxcd.io_alerts.yaml"},
	{notificationController, "notification.toolkit.fluxcd.io_providers.yaml"},
	{notificationController, "notification.toolkit.fluxcd.io_receivers.yaml"},
}

// object is a JSON object.
type object = map[string]any

// TestSchemasAreFluxs holds the schemas of Flux's other kinds to its CRDs. With
// UPDATE_SCHEMAS set it writes them.
func TestSchemasAreFluxs(t *testing.T) {
	for _, d := range described {
		data, err := os.ReadFile(filepath.Join(module(t, d.module), "config", "crd", "bases", d.crd))
		if err != nil {
			t.Fatal(err)
		}
		var crd definition
		if err := yaml.Unmarshal(data, &crd); err != nil {
			t.Fatalf("%s: %v", d.crd, err)
		}
		path := "../schemas/" + strings.ToLower(crd.Spec.Names.Kind) + ".json"
		text := crd.schema(t)
		if os.Getenv("UPDATE_SCHEMAS") != "" {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got, err := os.ReadFile(path); !bytes.Equal(got, text) {
			t.Errorf("%s is out of date (%v): UPDATE_SCHEMAS=1 go test ./spec -tags e2emore -run TestSchemasAreFluxs rewrites it", path, err)
		}
	}
}

// module returns the folder of a module.
func module(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", name).Output()
	if err != nil {
		t.Fatalf("download %s: %v: %s", name, err, out)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found.Dir
}

// definition is a CustomResourceDefinition, as far as it is read here.
type definition struct {
	Spec struct {
		Group    string
		Names    struct{ Kind string }
		Versions []struct {
			Name    string
			Storage bool
			Served  bool
			Schema  struct {
				Open struct {
					Properties object `json:"properties"`
				} `json:"openAPIV3Schema"`
			}
		}
	}
}

// credential returns the schema of a field that Flux's RFC 0014 adds, and that is read
// already: as ImageRepositories have it.
func credential(t *testing.T) any {
	t.Helper()
	data, err := os.ReadFile("../schemas/imagerepository.json")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties struct{ Spec struct{ Properties object } }
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s.Properties.Spec.Properties["credential"]
}

// schema returns the JSON Schema of the version that is stored. Unknown fields are
// refused, as the API does for clients that ask for it.
func (d definition) schema(t *testing.T) []byte {
	t.Helper()
	var versions []string
	var spec object
	for _, v := range d.Spec.Versions {
		if v.Served {
			versions = append(versions, d.Spec.Group+"/"+v.Name)
		}
		if v.Storage {
			spec, _ = v.Schema.Open.Properties["spec"].(object)
		}
	}
	if spec == nil {
		t.Fatalf("%s has no version that is stored", d.Spec.Names.Kind)
	}
	slices.Sort(versions)
	shut(spec)
	if kind := d.Spec.Names.Kind; kind == "OCIRepository" || kind == "HelmRepository" {
		spec["properties"].(object)["credential"] = credential(t)
	}
	name := object{"type": "string", "minLength": 1}
	texts := object{"type": "object", "additionalProperties": object{"type": "string"}}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": d.Spec.Names.Kind, "type": "object",
		"required": []string{"apiVersion", "kind", "metadata", "spec"},
		"properties": object{
			"apiVersion": object{"enum": versions},
			"kind":       object{"const": d.Spec.Names.Kind},
			"metadata": object{
				"type": "object", "required": []string{"name"},
				"properties": object{"name": name, "namespace": name, "labels": texts, "annotations": texts},
			},
			"spec": spec,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shut lets no field into an object but those that are described, and drops what
// JSON Schema doesn't know.
func shut(node object) {
	for key := range maps.Clone(node) {
		if strings.HasPrefix(key, "x-kubernetes-") || key == "nullable" {
			delete(node, key)
		}
	}
	if properties, found := node["properties"].(object); found {
		if node["additionalProperties"] == nil {
			node["additionalProperties"] = false
		}
		for _, below := range properties {
			shut(below.(object))
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if below, found := node[key].(object); found {
			shut(below)
		}
	}
}
