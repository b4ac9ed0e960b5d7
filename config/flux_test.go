package config_test

import (
	"reflect"
	"strings"
	"testing"

	autov1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pinsetter/pinsetter/spec"
)

// TestSpecsAreFlux holds the specs that Flux owns to its API modules: the same
// fields, in order, of the same names and kinds.
func TestSpecsAreFlux(t *testing.T) {
	fields := 0
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[spec.ImageRepositorySpec](), reflect.TypeFor[imagev1.ImageRepositorySpec]()},
		{reflect.TypeFor[spec.ImagePolicySpec](), reflect.TypeFor[imagev1.ImagePolicySpec]()},
		{reflect.TypeFor[spec.ImageUpdateAutomationSpec](), reflect.TypeFor[autov1.ImageUpdateAutomationSpec]()},
	} {
		fields += compareTypes(t, pair[1].Name(), pair[0], pair[1])
	}
	if fields < 60 {
		t.Errorf("%d fields were compared", fields)
	}
	for ours, flux := range map[any]any{
		spec.ReflectAlways: imagev1.ReflectAlways, spec.ReflectIfNotPresent: imagev1.ReflectIfNotPresent, spec.ReflectNever: imagev1.ReflectNever,
		spec.UpdateStrategySetters: autov1.UpdateStrategySetters, spec.SigningKeyTypeGPG: autov1.SigningKeyTypeGPG, spec.SigningKeyTypeSSH: autov1.SigningKeyTypeSSH,
		spec.LabelIn: metav1.LabelSelectorOpIn, spec.LabelNotIn: metav1.LabelSelectorOpNotIn,
		spec.LabelExists: metav1.LabelSelectorOpExists, spec.LabelDoesNotExist: metav1.LabelSelectorOpDoesNotExist,
	} {
		if a, b := reflect.ValueOf(ours).String(), reflect.ValueOf(flux).String(); a != b {
			t.Errorf("%T %q is %q in Flux", ours, a, b)
		}
	}
}

// newer are the last fields of types, where they are of a newer module than that
// which Go 1.26 builds.
var newer = map[string]string{
	"ImageUpdateAutomationSpec": "PolicyChangeDelay",
	"ImageRepositorySpec":       "Credential",
}

// compareTypes returns how many fields of structs it compared.
func compareTypes(t *testing.T, path string, ours, flux reflect.Type) int {
	t.Helper()
	if ours.Kind() != flux.Kind() || ours.Name() != flux.Name() {
		t.Errorf("%s: %s, and Flux has %s", path, ours, flux)
		return 0
	}
	switch ours.Kind() {
	case reflect.Pointer, reflect.Slice:
		return compareTypes(t, path, ours.Elem(), flux.Elem())
	case reflect.Map:
		return compareTypes(t, path, ours.Key(), flux.Key()) + compareTypes(t, path, ours.Elem(), flux.Elem())
	case reflect.Struct:
	default:
		return 0
	}
	count := ours.NumField()
	if newer[path] != "" && ours.Field(count-1).Name == newer[path] {
		count--
	}
	if count != flux.NumField() {
		t.Errorf("%s: %d fields, and Flux has %d", path, count, flux.NumField())
		return 0
	}
	fields := 0
	for i := range count {
		a, b := ours.Field(i), flux.Field(i)
		if a.Name != b.Name || nameInJSON(a) != nameInJSON(b) {
			t.Errorf("%s: field %s %q, and Flux has %s %q", path, a.Name, a.Tag, b.Name, b.Tag)
			continue
		}
		fields += 1 + compareTypes(t, path+"."+a.Name, a.Type, b.Type)
	}
	return fields
}

func nameInJSON(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
