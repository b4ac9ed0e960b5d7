package config

import (
	"reflect"
	"testing"
)

// TestDecodableTypes: Flux's API modules grow, and decode must know every type
// that a spec holds.
func TestDecodableTypes(t *testing.T) {
	for _, kind := range append(imageKinds, ownKinds...) {
		checkDecodable(t, specType(kind), kind)
	}
	checkDecodable(t, reflect.TypeFor[gitSpec](), kindGit)
}

func checkDecodable(t *testing.T, typ reflect.Type, path string) {
	t.Helper()
	if typ == durationType {
		return
	}
	switch typ.Kind() {
	case reflect.String, reflect.Bool:
	case reflect.Pointer, reflect.Slice, reflect.Map:
		checkDecodable(t, typ.Elem(), path+"[]")
	case reflect.Struct:
		known := schema{}.fieldsOf(typ)
		for _, name := range known.names {
			checkDecodable(t, typ.FieldByIndex(known.index[name]).Type, path+"."+name)
		}
	default:
		t.Errorf("%s: decode doesn't know %s", path, typ)
	}
}

func TestSuggest(t *testing.T) {
	fields := []string{"range", "interval", "imageRepositoryRef"}
	tests := map[string]string{"rnage": "range", "Range": "range", "intervall": "interval", "imageRepoRef": "", "imageRepositoriRef": "imageRepositoryRef", "x": ""}
	for word, want := range tests {
		if got := suggest(word, fields); got != want {
			t.Errorf("suggest(%q) = %q, want %q", word, got, want)
		}
	}
}
