package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// unknown reports a field that v's type doesn't have, and what may have been
// meant.
func (d *decoder) unknown(key *yaml.Node, known *structFields, path string) {
	if d.object.full() {
		return
	}
	if d.hollow == nil {
		d.hollow = map[string]bool{}
	}
	d.hollow[path] = true
	text := "the field does not exist"
	if near := suggest(key.Value, known.names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
		d.taint(join(path, near))
	} else if home := d.home(key.Value); home != "" {
		text += fmt.Sprintf("; did you mean %s?", home)
		d.taint(home)
	} else {
		text += "; fields here are " + strings.Join(slices.Sorted(slices.Values(known.names)), ", ")
	}
	d.report(key, codeUnknownField, join(path, key.Value), "%s", text)
}

// home returns the one place in the object's spec that has a field of that name,
// or "".
func (d *decoder) home(name string) string {
	var places []string
	d.places(specType(d.object.kind), "spec", name, 4, &places)
	if len(places) == 1 {
		return places[0]
	}
	return ""
}

func (d *decoder) places(t reflect.Type, path, name string, depth int, places *[]string) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || t == durationType || t == momentType || depth == 0 {
		return
	}
	known := d.schema.fieldsOf(t)
	for _, n := range known.names {
		if n == name {
			*places = append(*places, join(path, n))
		}
		d.places(t.FieldByIndex(known.index[n]).Type, join(path, n), name, depth-1, places)
	}
}

func (d *decoder) taint(path string) {
	if d.tainted == nil {
		d.tainted = map[string]bool{}
	}
	d.tainted[path] = true
}

// blamed reports whether an error of a field follows from one that was reported.
func (d *decoder) blamed(path string) bool {
	if d.hollow[path] && path != "spec" {
		return true
	}
	for path != "" {
		if d.tainted[path] {
			return true
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return false
}
