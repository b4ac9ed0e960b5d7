package config

import (
	"cmp"
	"reflect"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
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
var nameGrammar = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// validName reports whether s can be the name of an object.
func validName(s string) bool { return len(s) <= 253 && nameGrammar.MatchString(s) }

// identify reads an object's metadata, and reports whether it can be known by its
// name.
func (l *loader) identify(o *object) bool {
	var m metadata
	if n := child(o.node, "metadata"); n != nil {
		// The name comes first, so that errors of the rest can show it.
		l.name(o, text(child(n, "name")), text(child(n, "namespace")))
		l.decoder(o).lenientDecode(n, reflect.ValueOf(&m).Elem(), "metadata")
	}
	l.name(o, m.Name, m.Namespace)
	o.labels, o.annotations = m.Labels, m.Annotations
	l.checkNames(o, m)
	o.hash = contentHash(o)
	return validName(m.Name) && (!o.namespaced || validName(m.Namespace))
}

// name gives the object its name, in the default namespace if it has none.
func (l *loader) name(o *object, name, namespace string) {
	o.name = pinsetter.Name{Namespace: cmp.Or(namespace, l.opts.Namespace), Name: name}
	if o.namespaced = namespace != ""; o.kind == kindNamespace {
		o.name.Namespace = ""
	}
}

func (l *loader) checkNames(o *object, m metadata) {
	switch {
	case m.Name == "" && o.broken(): // a name of another type was reported
	case m.Name == "" && m.GenerateName != "":
		o.fail(codeName, "metadata.generateName", "an object that is read from a file needs metadata.name")
	case m.Name == "":
		o.fail(codeName, "metadata.name", "is missing")
	case !validName(m.Name):
		o.fail(codeName, "metadata.name", "%q is not a name: write lower-case letters, digits, - and .%s", m.Name, o.hint(m.Name))
	}
	if o.namespaced && !validName(m.Namespace) {
		o.fail(codeName, "metadata.namespace", "%q is not a name: write lower-case letters, digits and -%s", m.Namespace, o.hint(m.Namespace))
	}
}

func (l *loader) decoder(o *object) *decoder {
	return &decoder{schema: l.schema, object: o, secret: o.kind == kindSecret}
}

// lenientDecode is decode that passes over unknown fields.
func (d *decoder) lenientDecode(n *yaml.Node, v reflect.Value, path string) {
	d.lenient = true
	d.decode(n, v, path)
	d.lenient = false
}
