package config

import (
	"errors"
	"reflect"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// specType returns the type of a strict kind's spec, nil for other kinds.
func specType(kind string) reflect.Type {
	switch kind {
	case claim.KindImageRepository:
		return reflect.TypeFor[spec.ImageRepositorySpec]()
	case claim.KindImagePolicy:
		return reflect.TypeFor[spec.ImagePolicySpec]()
	case claim.KindImageUpdateAutomation:
		return reflect.TypeFor[spec.ImageUpdateAutomationSpec]()
	case claim.KindGate:
		return reflect.TypeFor[spec.GateSpec]()
	case claim.KindChartRepository:
		return reflect.TypeFor[spec.ChartRepositorySpec]()
	case claim.KindArtifactAutomation:
		return reflect.TypeFor[spec.ArtifactAutomationSpec]()
	case claim.KindPullRequest:
		return reflect.TypeFor[spec.PullRequestSpec]()
	}
	return nil
}

// topFields are those of an object of a strict kind.
var topFields = &strict.Struct{Names: []string{"apiVersion", "kind", "metadata", "spec", "status"}}

// strictSpec decodes the spec of an object whose every field must be known. The
// decoder remembers what was wrong.
func (l reader) strictSpec(o *index.Object, n *strict.Node, out any) *decoder {
	d := l.decoder(o)
	if o.Outdated {
		d.Taint("spec")
		return d
	}
	seen := map[string]int{}
	for _, f := range strict.Fields(o.Node) {
		name := f.Key.Value
		if line, found := seen[name]; found {
			d.Report(f.Key, codeDuplicateKey, name, "the key is already on line %d: remove one of them", line)
		}
		seen[name] = f.Key.Line + o.Offset
		if !slices.Contains(topFields.Names, name) {
			d.Unknown(f.Key, topFields, "")
		}
	}
	if n == nil || n.Kind == strict.Scalar && n.Tag == "!!null" {
		d.missing("spec")
		d.Taint("spec")
		return d
	}
	d.Decode(n, reflect.ValueOf(out).Elem(), "spec")
	return d
}

// fail reports an error of a field, unless it follows from one that was reported.
func (d *decoder) fail(code, path, format string, args ...any) {
	if !d.Blamed(path) {
		d.object.Fail(code, path, format, args...)
	}
}

// missing reports a required field that is not there.
func (d *decoder) missing(path string) { d.fail(codeMissingField, path, "is missing") }

// require reports a required text that is empty.
func (d *decoder) require(path, value string) bool {
	if value == "" {
		d.missing(path)
	}
	return value != ""
}

// reference checks the name in a reference to another object.
func (d *decoder) reference(path, name string) {
	if d.require(path, name) && !index.ValidName(name) {
		d.fail(index.CodeName, path, "%q is not a name: write lower-case letters, digits, - and .%s", name, d.object.Hint(name))
	}
}

// optionalReference checks the name in a reference that may be left out.
func (d *decoder) optionalReference(path string, ref *spec.LocalObjectReference) {
	if ref != nil {
		d.reference(path+".name", ref.Name)
	}
}

// namespace checks the namespace in a reference, which may be empty.
func (d *decoder) namespace(path, name string) {
	if name != "" && !index.ValidName(name) {
		d.fail(index.CodeName, path, "%q is not a name: write lower-case letters, digits and -%s", name, d.object.Hint(name))
	}
}

// wrong reports what compiling a spec found.
func (d *decoder) wrong(code string, err error) {
	if err == nil {
		return
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			d.wrong(code, e)
		}
		return
	}
	var field *spec.FieldError
	if !errors.As(err, &field) {
		d.fail(code, "spec", "%v", err)
		return
	}
	if field.Severity == pinsetter.Warning {
		d.object.Warn(code, field.Field, "%v", field.Err)
		return
	}
	d.fail(code, field.Field, "%v", field.Err)
}
