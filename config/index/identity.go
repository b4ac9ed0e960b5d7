package index

import (
	"cmp"
	"reflect"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/strict"
)

// metadata is what is read of an object's metadata.
type metadata struct {
	Name         string            `json:"name"`
	GenerateName string            `json:"generateName"`
	Namespace    string            `json:"namespace"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
}

// nameGrammar is that of most Kubernetes names: a DNS subdomain (RFC 1123).
var nameGrammar = pinsetter.Pattern(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// ValidName reports whether s can be the name of an object.
func ValidName(s string) bool { return len(s) <= 253 && nameGrammar().MatchString(s) }

// identify reads an object's metadata, and reports whether it can be known by its
// name.
func (x *Index) identify(o *Object) bool {
	var m metadata
	if n := strict.Child(o.Node, "metadata"); n != nil {
		// The name comes first, so that errors of the rest can show it.
		x.opts.name(o, strict.Text(strict.Child(n, "name")), strict.Text(strict.Child(n, "namespace")))
		(&strict.Decoder{
			Schema: x.Schema, To: o.Reporter(), Offset: o.Offset, Template: o.Template,
			Secret: o.Kind == claim.KindSecret, NoNulls: claim.IsOwnKind(o.Kind), Lenient: true,
		}).Decode(n, reflect.ValueOf(&m).Elem(), "metadata")
	}
	x.opts.name(o, m.Name, m.Namespace)
	o.Labels, o.Annotations = m.Labels, m.Annotations
	o.checkNames(m)
	o.hash = contentHash(o)
	return ValidName(m.Name) && (!o.namespaced || ValidName(m.Namespace))
}

// name gives the object its name, in the default namespace if it has none.
func (o Options) name(object *Object, name, namespace string) {
	object.Name = pinsetter.Name{Namespace: cmp.Or(namespace, o.Namespace), Name: name}
	if object.namespaced = namespace != ""; object.Kind == claim.KindNamespace {
		object.Name.Namespace = ""
	}
}

func (o *Object) checkNames(m metadata) {
	switch {
	case m.Name == "" && o.Broken(): // a name of another type was reported
	case m.Name == "" && m.GenerateName != "":
		o.Fail(CodeName, "metadata.generateName", "an object that is read from a file needs metadata.name")
	case m.Name == "":
		o.Fail(CodeName, "metadata.name", "is missing")
	case !ValidName(m.Name):
		o.Fail(CodeName, "metadata.name", "%q is not a name: write lower-case letters, digits, - and .%s", m.Name, o.Hint(m.Name))
	}
	if o.namespaced && !ValidName(m.Namespace) {
		o.Fail(CodeName, "metadata.namespace", "%q is not a name: write lower-case letters, digits and -%s", m.Namespace, o.Hint(m.Namespace))
	}
}

// Reporter returns what hears of the object's mistakes.
func (o *Object) Reporter() strict.Reporter { return reporter{o} }

type reporter struct{ *Object }

// Report implements strict.Reporter.
func (r reporter) Report(code string, line int, path, text string) {
	r.report(pinsetter.Error, code, line, path, text)
}

// Full implements strict.Reporter.
func (r reporter) Full() bool { return r.full() }
