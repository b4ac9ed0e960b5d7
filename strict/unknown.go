package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Unknown reports a field that v's type doesn't have, and what may have been
// meant.
func (d *Decoder) Unknown(key *Node, known *Struct, path string) {
	if d.To.Full() {
		return
	}
	if d.hollow == nil {
		d.hollow = map[string]bool{}
	}
	d.hollow[path] = true
	text := "the field does not exist"
	if near := Suggest(key.Value, known.Names); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
		d.Taint(Join(path, near))
	} else if home := d.home(key.Value); home != "" {
		text += fmt.Sprintf("; did you mean %s?", home)
		d.Taint(home)
	} else {
		text += "; fields here are " + strings.Join(slices.Sorted(slices.Values(known.Names)), ", ")
		if path != "" {
			text += d.Newer
		}
	}
	d.Report(key, CodeUnknownField, Join(path, key.Value), "%s", text)
}

// home returns the one place in the object's spec that has a field of that name,
// or "".
func (d *Decoder) home(name string) string {
	var places []string
	d.places(d.Root, d.RootPath, name, 4, &places)
	if len(places) == 1 {
		return places[0]
	}
	return ""
}

func (d *Decoder) places(t reflect.Type, path, name string, depth int, places *[]string) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || Atomic(t) || depth == 0 {
		return
	}
	known := d.Schema.fieldsOf(t)
	for _, n := range known.Names {
		if n == name {
			*places = append(*places, Join(path, n))
		}
		d.places(t.FieldByIndex(known.index[n]).Type, Join(path, n), name, depth-1, places)
	}
}

// Taint notes that a field was reported: what follows from it isn't.
func (d *Decoder) Taint(path string) {
	if d.tainted == nil {
		d.tainted = map[string]bool{}
	}
	d.tainted[path] = true
}

// Blamed reports whether an error of a field follows from one that was reported.
func (d *Decoder) Blamed(path string) bool {
	if d.hollow[path] && path != d.RootPath {
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
