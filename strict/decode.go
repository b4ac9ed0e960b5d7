package strict

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
)

// Schema is the fields of the structs that objects are decoded into, by their
// JSON names, as they are met. It is not safe for concurrent use.
type Schema map[reflect.Type]*Struct

// Struct is the fields of a struct.
type Struct struct {
	Names []string // in order of declaration
	index map[string][]int
}

// fieldsOf returns the fields of a struct type.
func (s Schema) fieldsOf(t reflect.Type) *Struct {
	if known, found := s[t]; found {
		return known
	}
	all := &Struct{index: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || f.Anonymous {
			continue
		}
		all.Names = append(all.Names, name)
		all.index[name] = f.Index
	}
	s[t] = all
	return all
}

// Reporter is who hears of the mistakes in one object.
type Reporter interface {
	// Report takes an error of a field, with the line of the file.
	Report(code string, line int, path, text string)
	// Full reports whether no more is listened to.
	Full() bool
	// Line returns the line of a field in the file, or of its nearest parent.
	Line(path string) int
	// Hint returns what to add to a message about value where the value says why
	// it is wrong, or "".
	Hint(value string) string
}

// Decoder decodes the nodes of one object. Every mistake is reported, and the rest
// is decoded.
type Decoder struct {
	Schema   Schema
	To       Reporter
	Offset   int  // from the parser's line to the file's
	Lenient  bool // unknown fields are passed over
	Secret   bool // values are never shown
	NoNulls  bool // a null as a struct's field is an error, as it is in lists and mappings
	NoHoles  bool // a null in a list is an error where Lenient, too
	Template bool // the document has "{{"

	// Root is the type of what is decoded at RootPath, where the home of a field is
	// looked for that stands elsewhere; nil: nowhere.
	Root     reflect.Type
	RootPath string

	// Newer is said of a field that is unknown and like no known one; "": nothing.
	Newer string

	// NoHours is the path of a duration in which hours are an error.
	NoHours string

	// Refuse says what is wrong with a text, "" for nothing. Nil refuses none.
	Refuse func(path, value string) string

	tainted map[string]bool // fields that were reported: what follows from them, or lies in them, is not
	hollow  map[string]bool // fields that have an unknown one: that they lack something is not reported
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	momentType   = reflect.TypeFor[time.Time]()
)

// isDuration reports whether a type is a struct that embeds a time.Duration alone.
func isDuration(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Anonymous && t.Field(0).Type == durationType
}

// Atomic reports whether a struct is written as one text: a duration or a time.
func Atomic(t reflect.Type) bool { return t == momentType || isDuration(t) }

// Decode stores n in v. Null leaves v as it is.
func (d *Decoder) Decode(n *Node, v reflect.Value, path string) {
	if n = Target(n); IsNull(n) {
		return
	}
	if isDuration(v.Type()) {
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
		d.Decode(n, v.Elem(), path)
	case reflect.Struct:
		d.mapping(n, path, func(f Field) { d.structField(f, v, path) })
	case reflect.Map:
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
		d.mapping(n, path, func(f Field) { d.entry(f, v, path) })
	case reflect.Slice:
		d.sequence(n, v, path)
	case reflect.Bool:
		d.boolean(n, v, path)
	case reflect.Int64:
		d.integer(n, v, path)
	case reflect.String:
		d.text(n, v, path)
	default:
		panic("strict: no decoding for " + v.Type().String())
	}
}

// mapping calls visit for each field of a mapping.
func (d *Decoder) mapping(n *Node, path string, visit func(Field)) {
	if n.Kind != Mapping {
		d.mistyped(n, path, "a mapping")
		return
	}
	seen := make(map[string]int, len(n.Content)/2)
	for _, f := range Fields(n) {
		if f.Key.Kind != Scalar {
			d.Report(f.Key, CodeType, path, "a key is %s instead of text%s", d.describe(f.Key), d.To.Hint(d.templated(f.Key)))
			continue
		}
		if line, found := seen[f.Key.Value]; found {
			d.Report(f.Key, CodeDuplicateKey, Join(path, f.Key.Value), "the key is already on line %d: remove one of them", line)
			continue
		}
		seen[f.Key.Value] = f.Key.Line + d.Offset
		visit(f)
	}
}

func (d *Decoder) structField(f Field, v reflect.Value, path string) {
	known := d.Schema.fieldsOf(v.Type())
	if index, found := known.index[f.Key.Value]; found {
		if d.NoNulls {
			d.RefuseNull(f.Value, Join(path, f.Key.Value))
		}
		d.Decode(f.Value, v.FieldByIndex(index), Join(path, f.Key.Value))
		return
	}
	if d.Lenient {
		return
	}
	d.Unknown(f.Key, known, path)
}

func (d *Decoder) entry(f Field, v reflect.Value, path string) {
	value := reflect.New(v.Type().Elem()).Elem()
	d.RefuseNull(f.Value, Join(path, f.Key.Value))
	d.Decode(f.Value, value, Join(path, f.Key.Value))
	v.SetMapIndex(reflect.ValueOf(f.Key.Value).Convert(v.Type().Key()), value)
}

func (d *Decoder) sequence(n *Node, v reflect.Value, path string) {
	if n.Kind != Sequence {
		d.mistyped(n, path, "a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, element := range n.Content {
		if d.NoHoles {
			d.refuseNull(element, Item(path, i))
		} else {
			d.RefuseNull(element, Item(path, i))
		}
		d.Decode(element, v.Index(i), Item(path, i))
	}
}

// RefuseNull reports a null in a list or a mapping, and as a field of our own
// kinds: a value that was forgotten would be the one that matches most.
func (d *Decoder) RefuseNull(n *Node, path string) {
	if !d.Lenient {
		d.refuseNull(n, path)
	}
}

func (d *Decoder) refuseNull(n *Node, path string) {
	if IsNull(Target(n)) {
		d.Taint(path)
		d.Report(n, CodeMissingField, path, "is empty (null): write a value, or leave it out")
	}
}

// IsNull reports whether a node says that there is nothing.
func IsNull(n *Node) bool { return n.Kind == Scalar && n.Tag == "!!null" }

// boolean accepts what kubectl reads as a boolean: also YAML 1.1's yes, no, on
// and off.
func (d *Decoder) boolean(n *Node, v reflect.Value, path string) {
	if n.Kind == Scalar && (n.Tag == "!!bool" || n.Style == 0) {
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

func (d *Decoder) integer(n *Node, v reflect.Value, path string) {
	number, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != Scalar || n.Tag != "!!int" || err != nil {
		d.mistyped(n, path, "a whole number, without quotes")
		return
	}
	v.SetInt(number)
}

func (d *Decoder) text(n *Node, v reflect.Value, path string) {
	if n.Kind != Scalar {
		d.mistyped(n, path, "text")
		return
	}
	switch n.Tag {
	case "!!int", "!!float", "!!bool":
		d.mistyped(n, path, "text: put it in quotes")
		return
	}
	if d.Refuse != nil && !d.Secret {
		if refusal := d.Refuse(path, n.Value); refusal != "" {
			d.Taint(path)
			d.Report(n, CodeBadValue, path, "%s", refusal)
		}
	}
	v.SetString(n.Value)
}

var (
	// The patterns of Kubernetes' and Flux's CRDs; those of a timeout have no hours.
	durationGrammar = pinsetter.Pattern(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)
	daysGrammar     = pinsetter.Pattern(`^([0-9]{1,4})d$`) // as people write it
	timeoutGrammar  = pinsetter.Pattern(`^([0-9]+(\.[0-9]+)?(ms|s|m))+$`)
)

func (d *Decoder) duration(n *Node, v reflect.Value, path string) {
	if n.Kind != Scalar {
		d.mistyped(n, path, `a duration such as "5m"`)
		return
	}
	grammar, units := durationGrammar, "ms, s, m or h"
	if d.NoHours != "" && path == d.NoHours {
		grammar, units = timeoutGrammar, "ms, s or m (no hours here)"
	}
	if !grammar().MatchString(n.Value) {
		d.Taint(path)
		example := "5m30s"
		if match := daysGrammar().FindStringSubmatch(n.Value); match != nil {
			if count, err := strconv.Atoi(match[1]); err == nil { // of few digits
				example = fmt.Sprintf("%dh", 24*count)
			}
		}
		d.Report(n, CodeDuration, path, "%q is not a duration: write numbers with %s, such as %q%s",
			n.Value, units, example, d.To.Hint(n.Value))
		return
	}
	value, err := time.ParseDuration(n.Value)
	if err != nil {
		d.Taint(path)
		d.Report(n, CodeDuration, path, "%q is longer than 290 years: write less", n.Value)
		return
	}
	v.Field(0).SetInt(int64(value))
}

func (d *Decoder) mistyped(n *Node, path, want string) {
	d.Taint(path)
	d.Report(n, CodeType, path, "is %s, and should be %s%s", d.describe(n), want, d.To.Hint(d.templated(n)))
}

// templated returns the text in which a hint looks for a template: an unquoted
// {{ }} is read as mappings.
func (d *Decoder) templated(n *Node) string {
	if d.Secret {
		return ""
	}
	if n.Kind == Mapping && n.Style&yaml.FlowStyle != 0 && d.Template {
		return "{{"
	}
	return n.Value
}

// Report adds an error at a field's key where it has one, else at the node.
func (d *Decoder) Report(n *Node, code, path, format string, args ...any) {
	if d.To.Full() {
		return
	}
	line := n.Line + d.Offset // of the field that is meant, not its namesake
	if code != CodeDuplicateKey && code != CodeUnknownField {
		line = d.To.Line(path)
	}
	d.To.Report(code, line, path, fmt.Sprintf(format, args...))
}

// Join returns the path of a field.
func Join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// describe names what a node is for people.
func (d *Decoder) describe(n *Node) string {
	kind, value := "text", fmt.Sprintf("%q", n.Value)
	switch {
	case n.Kind == Mapping:
		return "a mapping"
	case n.Kind == Sequence:
		return "a list"
	case n.Tag == "!!null":
		return "null"
	case n.Tag == "!!int", n.Tag == "!!float":
		kind, value = "number", n.Value
	case n.Tag == "!!bool":
		kind, value = "boolean", n.Value
	}
	if d.Secret {
		return "a " + kind
	}
	return "the " + kind + " " + value
}

// moment decodes a point in time, in RFC 3339 as Kubernetes writes it.
func (d *Decoder) moment(n *Node, v reflect.Value, path string) {
	if n.Kind != Scalar {
		d.mistyped(n, path, `a time such as "2026-12-24T00:00:00Z"`)
		return
	}
	at, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		d.Taint(path)
		d.Report(n, CodeTime, path, "%q is not a time: write RFC 3339 with a zone, such as %q%s",
			n.Value, "2026-12-24T00:00:00Z", d.To.Hint(n.Value))
		return
	}
	v.Set(reflect.ValueOf(at))
}

// Item returns the path of a list's element.
func Item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
