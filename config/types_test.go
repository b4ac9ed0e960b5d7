package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/strict"
)

// TestDecodableTypes: Flux's API modules grow, and package strict must know every
// type that a spec holds.
func TestDecodableTypes(t *testing.T) {
	for _, kind := range append(claim.ImageKinds, claim.OwnKinds...) {
		checkDecodable(t, specType(kind), kind)
	}
	checkDecodable(t, reflect.TypeFor[gitSpec](), claim.KindGitRepository)
}

func checkDecodable(t *testing.T, typ reflect.Type, path string) {
	t.Helper()
	if strict.Atomic(typ) {
		return
	}
	switch typ.Kind() {
	case reflect.String, reflect.Bool, reflect.Int64:
	case reflect.Pointer, reflect.Slice, reflect.Map:
		checkDecodable(t, typ.Elem(), path+"[]")
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(typ) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" && !f.Anonymous {
				checkDecodable(t, f.Type, path+"."+name)
			}
		}
	default:
		t.Errorf("%s: strict doesn't know %s", path, typ)
	}
}
