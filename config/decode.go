package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// schema is the fields of the structs that objects are decoded into, by their
// JSON names, as they are met. It is not safe for concurrent use.
type schema map[reflect.Type]*structFields

type structFields struct {
	names []string // in order of declaration
	index map[string][]int
}

// fieldsOf returns the fields of a struct type.
func (s schema) fieldsOf(t reflect.Type) *structFields {
	if known, found := s[t]; found {
		return known
	}
	all := &structFields{index: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || f.Anonymous {
			continue
		}
		all.names = append(all.names, name)
		all.index[name] = f.Index
	}
	s[t] = all
	return all
}

// decoder decodes the nodes of one object. Every mistake is reported to the
// object, and the rest is decoded.
type decoder struct {
	schema  schema
	object  *object
	lenient bool            // unknown fields are passed over
	secret  bool            // values are never shown
	tainted map[string]bool // fields that were reported: what follows from them, or lies in them, is not
	hollow  map[string]bool // fields that have an unknown one: that they lack something is not reported
}

var durationType = reflect.TypeFor[spec.Duration]()

// decode stores n in v. Null leaves v as it is.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string) {
	if n = target(n); isNull(n) {
		return
	}
	if v.Type() == durationType {
		d.duration(n, v, path)
		return
	}
	if v.Type() == momentType {
		d.moment(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path)
	case reflect.Struct:
		d.mapping(n, path, func(f field) { d.structField(f, v, path) })
	case reflect.Map:
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
		d.mapping(n, path, func(f field) { d.entry(f, v, path) })
	case reflect.Slice:
		d.sequence(n, v, path)
	case reflect.Bool:
		d.boolean(n, v, path)
	case reflect.String:
		d.text(n, v, path)
	default:
		panic("config: no decoding for " + v.Type().String())
	}
}

// mapping calls visit for each field of a mapping.
func (d *decoder) mapping(n *yaml.Node, path string, visit func(field)) {
	if n.Kind != yaml.MappingNode {
		d.mistyped(n, path, "a mapping")
		return
	}
	seen := make(map[string]int, len(n.Content)/2)
	for _, f := range fields(n) {
		if f.key.Kind != yaml.ScalarNode {
			d.report(f.key, codeType, path, "a key is %s instead of text%s", d.describe(f.key), d.object.hint(d.templated(f.key)))
			continue
		}
		if line, found := seen[f.key.Value]; found {
			d.report(f.key, codeDuplicateKey, join(path, f.key.Value), "the key is already on line %d: remove one of them", line)
			continue
		}
		seen[f.key.Value] = f.key.Line + d.object.offset
		visit(f)
	}
}

func (d *decoder) structField(f field, v reflect.Value, path string) {
	known := d.schema.fieldsOf(v.Type())
	if index, found := known.index[f.key.Value]; found {
		if isOwnKind(d.object.kind) {
			d.refuseNull(f.value, join(path, f.key.Value))
		}
		d.decode(f.value, v.FieldByIndex(index), join(path, f.key.Value))
		return
	}
	if d.lenient {
		return
	}
	d.unknown(f.key, known, path)
}

func (d *decoder) entry(f field, v reflect.Value, path string) {
	value := reflect.New(v.Type().Elem()).Elem()
	d.refuseNull(f.value, join(path, f.key.Value))
	d.decode(f.value, value, join(path, f.key.Value))
	v.SetMapIndex(reflect.ValueOf(f.key.Value).Convert(v.Type().Key()), value)
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.mistyped(n, path, "a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, element := range n.Content {
		d.refuseNull(element, item(path, i))
		d.decode(element, v.Index(i), item(path, i))
	}
}

// refuseNull reports a null in a list or a mapping, and as a field of our own
// kinds: a value that was forgotten would be the one that matches most.
func (d *decoder) refuseNull(n *yaml.Node, path string) {
	if !d.lenient && isNull(target(n)) {
		d.taint(path)
		d.report(n, codeMissingField, path, "is empty (null): write a value, or leave it out")
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// boolean accepts what kubectl reads as a boolean: also YAML 1.1's yes, no, on
// and off.
func (d *decoder) boolean(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!bool" || n.Style == 0) {
		switch strings.ToLower(n.Value) {
		case "true", "yes", "on":
			v.SetBool(true)
			return
		case "false", "no", "off":
			return
		}
	}
	d.mistyped(n, path, "true or false, without quotes")
}

func (d *decoder) text(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.mistyped(n, path, "text")
		return
	}
	switch n.Tag {
	case "!!int", "!!float", "!!bool":
		d.mistyped(n, path, "text: put it in quotes")
		return
	}
	if strings.HasPrefix(path, "spec.") && !d.secret && !prose.MatchString(path) && substitution.MatchString(n.Value) {
		d.taint(path)
		d.report(n, codeBadValue, path, "%s", strings.TrimPrefix(d.object.hint(n.Value), "; it ")) // without what may be a password
	}
	v.SetString(n.Value)
}

// prose are the fields of a spec in which "${" may be meant: templates, what a
// filter extracts, and what is for people alone.
var prose = regexp.MustCompile(`\.(messageTemplate|messageTemplateValues\.[^.]*|title|body|extract|reason|summary)$`)

var (
	// The patterns of Flux's CRDs: those of spec.timeout have no hours.
	durationGrammar = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)
	daysGrammar     = regexp.MustCompile(`^([0-9]{1,4})d$`) // as people write it
	timeoutGrammar  = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m))+$`)
)

func (d *decoder) duration(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.mistyped(n, path, `a duration such as "5m"`)
		return
	}
	grammar, units := durationGrammar, "ms, s, m or h"
	if path == "spec.timeout" {
		grammar, units = timeoutGrammar, "ms, s or m (no hours here)"
	}
	if !grammar.MatchString(n.Value) {
		d.taint(path)
		example := "5m30s"
		if match := daysGrammar.FindStringSubmatch(n.Value); match != nil {
			count, _ := strconv.Atoi(match[1]) // of few digits
			example = fmt.Sprintf("%dh", 24*count)
		}
		d.report(n, codeDuration, path, "%q is not a duration: write numbers with %s, such as %q%s",
			n.Value, units, example, d.object.hint(n.Value))
		return
	}
	value, err := time.ParseDuration(n.Value)
	if err != nil {
		d.taint(path)
		d.report(n, codeDuration, path, "%q is longer than 290 years: write less", n.Value)
		return
	}
	v.Set(reflect.ValueOf(spec.Duration{Duration: value}))
}

func (d *decoder) mistyped(n *yaml.Node, path, want string) {
	d.taint(path)
	d.report(n, codeType, path, "is %s, and should be %s%s", d.describe(n), want, d.object.hint(d.templated(n)))
}

// templated returns the text in which a hint looks for a template: an unquoted
// {{ }} is read as mappings.
func (d *decoder) templated(n *yaml.Node) string {
	if d.secret {
		return ""
	}
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && d.object.template {
		return "{{"
	}
	return n.Value
}

// report adds an error at a field's key where it has one, else at the node.
func (d *decoder) report(n *yaml.Node, code, path, format string, args ...any) {
	if d.object.full() {
		return
	}
	line := n.Line + d.object.offset // of the field that is meant, not its namesake
	if code != codeDuplicateKey && code != codeUnknownField {
		line = d.object.line(path)
	}
	d.object.report(pinsetter.Error, code, line, path, fmt.Sprintf(format, args...))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// describe names what a node is for people.
func (d *decoder) describe(n *yaml.Node) string {
	kind, value := "text", fmt.Sprintf("%q", n.Value)
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "null"
	case n.Tag == "!!int", n.Tag == "!!float":
		kind, value = "number", n.Value
	case n.Tag == "!!bool":
		kind, value = "boolean", n.Value
	}
	if d.secret {
		return "a " + kind
	}
	return "the " + kind + " " + value
}
