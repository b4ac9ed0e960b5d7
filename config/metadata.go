package config

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/spec"
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

// validName reports whether s can be the name of an object.
func validName(s string) bool { return len(s) <= 253 && nameGrammar().MatchString(s) }

// identify reads an object's metadata, and reports whether it can be known by its
// name.
func (l *loader) identify(o *object) bool {
	var m metadata
	if n := strict.Child(o.node, "metadata"); n != nil {
		// The name comes first, so that errors of the rest can show it.
		l.name(o, strict.Text(strict.Child(n, "name")), strict.Text(strict.Child(n, "namespace")))
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

// decoder decodes the nodes of one object, and checks what they say.
type decoder struct {
	*strict.Decoder
	object *object
}

func (l *loader) decoder(o *object) *decoder {
	newer := ""
	if claim.IsImageKind(o.kind) {
		newer = "; is it a field of a newer Flux? Then update pinsetter"
	}
	return &decoder{object: o, Decoder: &strict.Decoder{
		Newer:  newer,
		Schema: l.schema, To: reporter{o}, Offset: o.offset, Template: o.template,
		Secret: o.kind == kindSecret, NoNulls: claim.IsOwnKind(o.kind), NoHours: "spec.timeout",
		Root: specType(o.kind), RootPath: "spec", Refuse: o.refuse,
	}}
}

// reporter is an object that hears of its mistakes.
type reporter struct{ *object }

// Report implements strict.Reporter.
func (r reporter) Report(code string, line int, path, text string) {
	r.report(pinsetter.Error, code, line, path, text)
}

// Full implements strict.Reporter.
func (r reporter) Full() bool { return r.full() }

// Line implements strict.Reporter.
func (r reporter) Line(path string) int { return r.line(path) }

// Hint implements strict.Reporter.
func (r reporter) Hint(value string) string { return r.hint(value) }

// prose are the fields of a spec in which "${" may be meant: templates, what a
// filter extracts, and what is for people alone.
var prose = pinsetter.Pattern(`\.(messageTemplate|messageTemplateValues\.[^.]*|title|body|extract|reason|summary)$`)

// choices are the fields of Flux's kinds that hold one of a few words, with what to
// write. Flux's schemas refuse "" for them, and take their absence.
var choices = map[string]string{
	"spec.provider":                   "generic",
	"spec.digestReflectionPolicy":     "Always, IfNotPresent or Never",
	"spec.policy.alphabetical.order":  "asc or desc",
	"spec.policy.numerical.order":     "asc or desc",
	"spec.sourceRef.kind":             kindGit,
	"spec.update.strategy":            string(spec.UpdateStrategySetters),
	"spec.git.commit.signingKey.type": "gpg or ssh",
	"spec.eventSeverity":              "info or error",
}

// refuse says what is wrong with a text in a spec: it is none of a field's words, or
// it was never substituted.
func (o *object) refuse(path, value string) string {
	if words := choices[path]; value == "" && words != "" && (claim.IsImageKind(o.kind) || o.kind == kindAlert) {
		return "is empty, which Flux refuses: write " + words + ", or leave it out"
	}
	if !strings.HasPrefix(path, "spec.") || prose().MatchString(path) || !substitution().MatchString(value) {
		return ""
	}
	return strings.TrimPrefix(o.hint(value), "; it ") // without what may be a password
}

// lenientDecode is decode that passes over unknown fields.
func (d *decoder) lenientDecode(n *strict.Node, v reflect.Value, path string) {
	d.Lenient = true
	d.Decode(n, v, path)
	d.Lenient = false
}
