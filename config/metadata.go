package config

import (
	"reflect"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// decoder decodes the nodes of one object, and checks what they say.
type decoder struct {
	*strict.Decoder
	object *index.Object
}

func (l *loader) decoder(o *index.Object) *decoder { return newDecoder(l.Schema, o) }

func newDecoder(schema strict.Schema, o *index.Object) *decoder {
	newer := ""
	if claim.IsImageKind(o.Kind) {
		newer = "; is it a field of a newer Flux? Then update pinsetter"
	}
	return &decoder{object: o, Decoder: &strict.Decoder{
		Newer:  newer,
		Schema: schema, To: o.Reporter(), Offset: o.Offset, Template: o.Template,
		Secret: o.Kind == claim.KindSecret, NoNulls: claim.IsOwnKind(o.Kind), NoHours: "spec.timeout",
		Root: specType(o.Kind), RootPath: "spec", Refuse: func(path, value string) string { return refuse(o, path, value) },
	}}
}

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
	"spec.sourceRef.kind":             claim.KindGitRepository,
	"spec.update.strategy":            string(spec.UpdateStrategySetters),
	"spec.git.commit.signingKey.type": "gpg or ssh",
	"spec.eventSeverity":              "info or error",
}

// refuse says what is wrong with a text in a spec: it is none of a field's words, or
// it was never substituted.
func refuse(o *index.Object, path, value string) string {
	if words := choices[path]; value == "" && words != "" && (claim.IsImageKind(o.Kind) || o.Kind == claim.KindAlert) {
		return "is empty, which Flux refuses: write " + words + ", or leave it out"
	}
	if !strings.HasPrefix(path, "spec.") || prose().MatchString(path) || !index.Substitution().MatchString(value) {
		return ""
	}
	return strings.TrimPrefix(o.Hint(value), "; it ") // without what may be a password
}

// Decoders of the kinds with the most to check.
type (
	automationDecoder  struct{ *decoder }
	gateDecoder        struct{ *decoder }
	ociDecoder         struct{ *decoder }
	pullRequestDecoder struct{ *decoder }
)

// lenientDecode is decode that passes over unknown fields.
func (d *decoder) lenientDecode(n *strict.Node, v reflect.Value, path string) {
	d.Lenient = true
	d.Decode(n, v, path)
	d.Lenient = false
}
