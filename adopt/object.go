package adopt

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// Object is an object to write. Spec is one of package spec's, or made of
// map[string]any.
type Object struct {
	APIVersion  string
	Kind        string
	Name        pinsetter.Name
	Labels      map[string]string
	Annotations map[string]string
	Spec        any
}

// The versions that are written.
const (
	imageVersion  = "image.toolkit.fluxcd.io/v1"
	sourceVersion = "source.toolkit.fluxcd.io/v1"
	ourVersion    = "pinsetter.dev/v1alpha1"
)

// interval is that of new objects, unless somebody says another.
const interval = time.Hour

// Repository returns an ImageRepository of an image, such as "ghcr.io/a/app".
func Repository(name pinsetter.Name, s spec.ImageRepositorySpec) Object {
	if s.Interval.Duration == 0 {
		s.Interval = spec.Duration{Duration: interval}
	}
	return Object{APIVersion: imageVersion, Kind: "ImageRepository", Name: name, Spec: s}
}

// Policy returns an ImagePolicy.
func Policy(name pinsetter.Name, s spec.ImagePolicySpec) Object {
	if s.DigestReflectionPolicy == spec.ReflectAlways && s.Interval == nil {
		s.Interval = &spec.Duration{Duration: interval}
	}
	return Object{APIVersion: imageVersion, Kind: "ImagePolicy", Name: name, Spec: s}
}

// GitRepository returns a GitRepository of a branch.
func GitRepository(name pinsetter.Name, url, branch string) Object {
	return Object{APIVersion: sourceVersion, Kind: "GitRepository", Name: name, Spec: map[string]any{
		"interval": "10m",
		"ref":      map[string]any{"branch": branch},
		"url":      url,
	}}
}

// Automation returns an ImageUpdateAutomation.
func Automation(name pinsetter.Name, s spec.ImageUpdateAutomationSpec) Object {
	return Object{APIVersion: imageVersion, Kind: "ImageUpdateAutomation", Name: name, Spec: s}
}

// Gate returns a Gate.
func Gate(name pinsetter.Name, s spec.GateSpec) Object {
	return Object{APIVersion: ourVersion, Kind: "Gate", Name: name, Spec: s}
}

// PullRequest returns a PullRequest.
func PullRequest(name pinsetter.Name, s spec.PullRequestSpec) Object {
	return Object{APIVersion: ourVersion, Kind: "PullRequest", Name: name, Spec: s}
}

// order is the order of kinds in a file, from those that are asked to those that
// write: the objects of a list stand together, by their names.
var order = [][]string{
	{"ImageRepository", "ChartRepository", "ImagePolicy"},
	{"Gate", "GitRepository"},
	{"ImageUpdateAutomation", "PullRequest"},
}

// compare orders objects: those of an image together, and each beside its policy.
func compare(a, b Object) int {
	list, at := a.place()
	otherList, otherAt := b.place()
	return cmp.Or(list-otherList, a.Name.Compare(b.Name), at-otherAt)
}

// place returns the list of the object's kind, and its place in it.
func (o Object) place() (list, at int) {
	for list, kinds := range order {
		if at := slices.Index(kinds, o.Kind); at >= 0 {
			return list, at
		}
	}
	return 0, -1
}

// Render returns the objects as documents of a file, sorted. The same objects
// give the same bytes.
func Render(objects []Object) ([]byte, error) {
	var b bytes.Buffer
	for i, o := range slices.SortedStableFunc(slices.Values(objects), compare) {
		if i > 0 {
			b.WriteString("---\n")
		}
		document, err := o.render()
		if err != nil {
			return nil, fmt.Errorf("write %s %s: %w", o.Kind, o.Name, err)
		}
		b.Write(document)
	}
	return b.Bytes(), nil
}

func (o Object) render() ([]byte, error) {
	metadata := map[string]any{"name": o.Name.Name, "namespace": o.Name.Namespace}
	if len(o.Labels) > 0 {
		metadata["labels"] = plainOf(reflect.ValueOf(o.Labels))
	}
	if len(o.Annotations) > 0 {
		metadata["annotations"] = plainOf(reflect.ValueOf(o.Annotations))
	}
	return strict.Encode(map[string]any{
		"apiVersion": o.APIVersion,
		"kind":       o.Kind,
		"metadata":   metadata,
		"spec":       plainOf(reflect.ValueOf(o.Spec)),
	})
}

// Append returns a file of objects with those that it lacks behind its own. An
// object of the same kind, namespace and name stays as it is there. Bytes of the
// file don't change. Namespace is that of the file's objects without one.
func Append(file []byte, objects []Object, namespace string) ([]byte, error) {
	there := Names(file, namespace)
	missing := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return there[o.id()] })
	if len(missing) == 0 {
		return file, nil
	}
	more, err := Render(missing)
	if err != nil || len(bytes.TrimSpace(file)) == 0 {
		return slices.Concat(file, more), err
	}
	between := "---\n"
	if !bytes.HasSuffix(file, []byte("\n")) {
		between = "\n" + between
	}
	return slices.Concat(file, []byte(between), more), nil
}

// id identifies an object in a file.
func (o Object) id() pinsetter.Object {
	return pinsetter.Object{Kind: o.Kind, Namespace: o.Name.Namespace, Name: o.Name.Name}
}

// Names returns the kinds and names of a file's objects. Namespace is that of
// objects without one.
func Names(file []byte, namespace string) map[pinsetter.Object]bool {
	names := map[pinsetter.Object]bool{}
	for _, document := range strict.Split(file) {
		root, _ := document.Parse()
		if root == nil {
			continue
		}
		metadata := strict.Child(root, "metadata")
		o := pinsetter.Object{
			Kind:      strict.Text(strict.Child(root, "kind")),
			Namespace: strict.Text(strict.Child(metadata, "namespace")),
			Name:      strict.Text(strict.Child(metadata, "name")),
		}
		if o.Namespace == "" {
			o.Namespace = namespace
		}
		names[o] = true
	}
	return names
}

var (
	durationType = reflect.TypeFor[spec.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

// plainOf returns a value as maps, lists, texts, numbers and truth values, by the
// json tags of structs. What omitempty and omitzero leave out is left out, and
// empty texts are: to Flux they mean the same as none.
func plainOf(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plainOf(v.Elem())
	case v.Type() == durationType:
		return durationText(v.Interface().(spec.Duration).Duration)
	case v.Type() == timeType:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339)
	}
	switch v.Kind() {
	case reflect.Struct:
		return fieldsOf(v)
	case reflect.Map:
		m := map[string]any{}
		for _, key := range v.MapKeys() {
			m[key.String()] = plainOf(v.MapIndex(key))
		}
		return m
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainOf(v.Index(i))
		}
		return list
	case reflect.String:
		return v.String()
	default:
		return v.Interface()
	}
}

func fieldsOf(v reflect.Value) map[string]any {
	m := map[string]any{}
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		field := v.Field(i)
		empty := field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0
		if empty && (strings.Contains(options, "omit") || field.Kind() == reflect.String) {
			continue
		}
		m[name] = plainOf(v.Field(i))
	}
	return m
}

// durationText is "1h30m" for what String calls "1h30m0s".
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
