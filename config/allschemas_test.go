package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/spec"
)

// schemaOf is what is read of a JSON schema here.
type schemaOf struct {
	Ref        string              `json:"$ref"`
	Const      string              `json:"const"`
	Pattern    string              `json:"pattern"`
	Enum       []string            `json:"enum"`
	Properties map[string]schemaOf `json:"properties"`
	Items      *schemaOf           `json:"items"`
	AllOf      []struct {
		If, Then schemaOf
	} `json:"allOf"`
}

func schemaAt(t *testing.T, name string) schemaOf {
	t.Helper()
	data, err := os.ReadFile("../schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var s schemaOf
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// TestTheSchemasHaveEveryKind: each kind that is read has a schema, and all.json leads
// an object to that of its group and kind.
func TestTheSchemasHaveEveryKind(t *testing.T) {
	want := slices.Concat(claim.ImageKinds, claim.OwnKinds, []string{claim.KindGitRepository, claim.KindOCIRepository, claim.KindHelmRepository, "HelmChart", claim.KindSecret, "Alert", "Provider", "Receiver"})
	var led []string
	for _, rule := range schemaAt(t, "all.json").AllOf {
		s, kind := schemaAt(t, rule.Then.Ref), rule.If.Properties["kind"].Const
		led = append(led, kind)
		if got := s.Properties["kind"].Const; got != kind || rule.Then.Ref != strings.ToLower(kind)+".json" {
			t.Errorf("all.json leads %s to %s, which is of %s", kind, rule.Then.Ref, got)
		}
		asked, has := rule.If.Properties["apiVersion"], s.Properties["apiVersion"]
		versions := has.Enum
		if has.Const != "" {
			versions = []string{has.Const}
		}
		for _, version := range versions {
			if asked.Const != version && (asked.Pattern == "" || !regexp.MustCompile(asked.Pattern).MatchString(version)) {
				t.Errorf("all.json doesn't lead %s of %s to its schema", kind, version)
			}
			if how := claim.Classify(version, kind); how != claim.ReadObject && kind != "HelmChart" {
				t.Errorf("the schema of %s is for %s, which is read as %v", kind, version, how)
			}
		}
	}
	slices.Sort(want)
	if slices.Sort(led); !slices.Equal(led, want) {
		t.Errorf("all.json has %q, want %q", led, want)
	}
	files, err := filepath.Glob("../schemas/*.json")
	if err != nil || len(files) != len(want)+1 {
		t.Errorf("%d files for %d kinds and all.json, %v", len(files), len(want), err)
	}
}

// TestTheSchemasHaveWhatIsRead: each field of Flux's kinds that is read is one of Flux's.
func TestTheSchemasHaveWhatIsRead(t *testing.T) {
	for name, read := range map[string]reflect.Type{
		"gitrepository.json":  reflect.TypeFor[gitSpec](),
		"ocirepository.json":  reflect.TypeFor[spec.OCIRepositorySpec](),
		"helmrepository.json": reflect.TypeFor[helmSpec](),
		"provider.json":       reflect.TypeFor[providerSpec](),
		"receiver.json":       reflect.TypeFor[receiverSpec](),
		"alert.json":          reflect.TypeFor[alertSpec](),
	} {
		schemaHas(t, name, schemaAt(t, name).Properties["spec"], read)
	}
}

func schemaHas(t *testing.T, path string, node schemaOf, typ reflect.Type) {
	t.Helper()
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		if typ.Kind() == reflect.Slice && node.Items != nil {
			node = *node.Items
		}
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[spec.Duration]() {
		return
	}
	for _, field := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		below, found := node.Properties[name]
		if name == "" || name == "-" || path == "alert.json.eventSources" && name == "filter" { // of a Receiver alone
			continue
		}
		if !found {
			t.Errorf("%s has no %s, which is read", path, name)
			continue
		}
		schemaHas(t, path+"."+name, below, field.Type)
	}
}
