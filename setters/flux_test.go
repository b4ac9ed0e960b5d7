package setters_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/fieldmeta"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter/setters"
)

// differences are the golden files in which Flux sees other markers than we do,
// on purpose, and why.
var differences = map[string]string{
	"comment-above-document":           "kyaml gives a lone scalar the comment above its document",
	"multi-line-separators":            "Flux joins the lines",
	"old-empty-with-comments":          "as old-empty",
	"site-with-broken-marker":          "Flux writes block scalars",
	"literal-marked":                   "Flux writes block scalars",
	"folded-marked":                    "Flux writes block scalars",
	"multi-line-plain":                 "Flux joins the lines",
	"multi-line-quoted":                "Flux joins the lines",
	"escaped-marked":                   "Flux unescapes",
	"text-in-quoted":                   "Flux unescapes",
	"tagged-number":                    "Flux leaves the tag, and so an invalid value",
	"properties-on-other-line":         "Flux joins the lines",
	"comment-behind-properties":        "Flux joins the lines",
	"old-empty":                        "the value has no bytes and the comment is the key's: Flux overlooks it",
	"old-empty-nested":                 "as old-empty",
	"old-empty-number":                 "as old-empty",
	"old-empty-at-end-without-newline": "as old-empty",
	"commented-out-lines":              "as old-empty",
	"crlf-block-scalar":                "as old-empty",
	"comment-behind-dash":              "kyaml gives a comment behind a dash to the next item",
	"bad-document-others-go-on":        "Flux passes over the whole file",
	"bad-document-without-marker":      "Flux passes over the whole file",
	"utf16-be":                         "the parser reads UTF-16, but Flux's screen overlooks the file",
	"utf16-le":                         "as utf16-be",
	"near-misses-that-are-none":        "kyaml's reader takes $openapi too, and Flux has no such setter",
	"duplicate-keys":                   "Flux visits the first of them twice",
	"shape-key-twice":                  "as duplicate-keys",
	"shape-fits":                       "as old-empty",
	"shape-suffix":                     "as old-empty",
	"behind-a-comment":                 "Flux reads a marker only if it is the whole comment",

	"commented-out-is-no-excuse-for-words": "as behind-a-comment",
}

// TestFluxSeesTheSameMarkers compares with kyaml's own reader of comments, which
// Flux uses, over every golden file.
func TestFluxSeesTheSameMarkers(t *testing.T) {
	before := fieldmeta.ShortHandRef()
	fieldmeta.SetShortHandRef("$imagepolicy")
	t.Cleanup(func() { fieldmeta.SetShortHandRef(before) })
	inputs, err := filepath.Glob("testdata/*/in")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, in := range inputs {
		name := filepath.Base(filepath.Dir(in))
		t.Run(name, func(t *testing.T) {
			data := read(t, in)
			want := fluxMarkers(data)
			got := map[string]int{}
			for _, site := range setters.Find("in", data).Sites {
				for _, m := range site.Markers {
					got[m.Setter+" "+m.Value]++
				}
			}
			diff := cmp.Diff(want, got)
			if _, known := differences[name]; known != (diff != "") {
				t.Errorf("known difference: %v (-Flux +Pinsetter):\n%s", known, diff)
			}
		})
	}
}

// fluxMarkers counts the setters and values that Flux would write to.
func fluxMarkers(data []byte) map[string]int {
	schema := &spec.Schema{}
	schema.Definitions = spec.Definitions{}
	for policy := range images {
		for _, suffix := range []string{"", ":tag", ":name", ":digest"} {
			name := filepath.Base(policy)
			schema.Definitions[fieldmeta.SetterDefinitionPrefix+"flux-system:"+name+suffix] = spec.Schema{}
		}
	}
	schema.Definitions[fieldmeta.SetterDefinitionPrefix+"flux-system:nobody"] = spec.Schema{}
	found := map[string]int{}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) // as kio.ByteReader does
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			return map[string]int{}
		}
		visit(yaml.NewRNode(&document), schema, found)
	}
}

// visit descends to the values as kyaml's setters do.
func visit(node *yaml.RNode, schema *spec.Schema, found map[string]int) {
	switch node.YNode().Kind {
	case yaml.MappingNode:
		_ = node.VisitFields(func(field *yaml.MapNode) error { visit(field.Value, schema, found); return nil })
	case yaml.SequenceNode:
		_ = node.VisitElements(func(item *yaml.RNode) error { visit(item, schema, found); return nil })
	case yaml.ScalarNode:
		meta := fieldmeta.FieldMeta{SettersSchema: schema}
		if meta.Read(node) != nil || meta.Schema.Ref.String() == "" {
			return
		}
		value := node.YNode().Value
		if node.YNode().Tag == yaml.NodeTagNull {
			value = ""
		}
		setter := filepath.Base(meta.Schema.Ref.String())[len(fieldmeta.SetterDefinitionPrefix):]
		found[setter+" "+value]++
	}
}
