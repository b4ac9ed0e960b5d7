package index

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// Object is what is kept of any object while loading goes on: who it is, where it
// stands and what is wrong with it.
type Object struct {
	Kind        string
	Name        pinsetter.Name
	namespaced  bool // metadata.namespace was given
	Template    bool // the document has "{{"
	Outdated    bool // of a version whose fields are not read
	advisory    bool // its errors are warnings to those who load
	Origin      fleet.Origin
	Labels      map[string]string
	Annotations map[string]string
	hash        [32]byte       // of what two copies must have in common
	lines       map[string]int // of the fields that are checked once all objects are known
	Findings    []pinsetter.Finding
	Unused      []pinsetter.Finding // what is wrong with it, where that matters only to those who use it
	Twins       []pinsetter.Finding // that it is given twice, of a core object; see needed

	Node   *strict.Node // nil once the object has been decoded
	Offset int          // from the parser's line to the file's
}

// Line returns the line of a field, or of its nearest parent that is there.
func (o *Object) Line(path string) int {
	if o.Node != nil {
		return strict.Locate(o.Node, o.Origin.Line-o.Offset, path) + o.Offset
	}
	for {
		if line, found := o.lines[path]; found {
			return line
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return o.Origin.Line
		}
		path = path[:i]
	}
}

// Fail records an error of a field; field "" is the whole object.
func (o *Object) Fail(code, field, format string, args ...any) {
	o.report(pinsetter.Error, code, o.Line(field), field, fmt.Sprintf(format, args...))
}

// Warn is fail for what doesn't stop the object from being used.
func (o *Object) Warn(code, field, format string, args ...any) {
	o.report(pinsetter.Warning, code, o.Line(field), field, fmt.Sprintf(format, args...))
}

func (o *Object) report(severity pinsetter.Severity, code string, line int, field, text string) {
	if field != "" {
		text = field + ": " + text
	}
	o.Add(pinsetter.Finding{Severity: severity, Code: code, Path: o.Origin.Path, Line: line, Message: o.String() + ": " + text})
}

// maxFindings bounds what is said of one object, so that one that is wrong on
// purpose costs little: nobody reads more at once.
const maxFindings = 50

// full reports whether no more is said of the object.
func (o *Object) full() bool { return len(o.Findings) > maxFindings }

// Add records a finding, unless it is known or there are enough.
func (o *Object) Add(finding pinsetter.Finding) {
	if o.full() {
		return
	}
	finding.Message = pinsetter.Printable(finding.Message)
	if slices.Contains(o.Findings, finding) {
		return
	}
	if len(o.Findings) == maxFindings {
		finding = pinsetter.Finding{Severity: pinsetter.Error, Code: strict.CodeTooLarge, Path: o.Origin.Path, Line: o.Origin.Line,
			Message: fmt.Sprintf("%s: more is wrong than these %d findings: mend them first", o, maxFindings)}
	}
	o.Findings = append(o.Findings, finding)
}

// String returns "Kind namespace/name", as far as they are known.
func (o *Object) String() string {
	kind := cmp.Or(o.Kind, "object")
	switch {
	case o.Name.Name == "":
		return kind
	case o.Name.Namespace == "":
		return kind + " " + o.Name.Name
	}
	return kind + " " + o.Name.String()
}

// Needed returns the object after reporting copies of it that differ. Repositories
// of many clusters are full of Namespaces and ServiceAccounts of one name; that two
// differ matters only where one of them is used.
func (o *Object) Needed() *Object {
	for _, f := range o.Twins {
		o.Add(f)
	}
	o.Twins = nil
	return o
}

// Place returns "path:line".
func (o *Object) Place() string { return fmt.Sprintf("%s:%d", o.Origin.Path, o.Origin.Line) }

// Broken reports whether the object has an error of its own.
func (o *Object) Broken() bool { return o.FirstError() != nil }

// FirstError returns the first error of the object, or nil.
func (o *Object) FirstError() *pinsetter.Finding {
	for i := range o.Findings {
		if o.Findings[i].Severity == pinsetter.Error {
			return &o.Findings[i]
		}
	}
	return nil
}

// Has reports whether the object has a finding with that code.
func (o *Object) Has(code string) bool {
	return slices.ContainsFunc(o.Findings, func(f pinsetter.Finding) bool { return f.Code == code })
}

// Err joins the object's errors, each "path:line: object: cause", sorted by place;
// nil without.
func (o *Object) Err() error {
	slices.SortFunc(o.Findings, pinsetter.Finding.Compare)
	var errs []error
	for _, f := range o.Findings {
		if f.Severity == pinsetter.Error {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// Remember keeps the lines of those fields that exist, for when the node is gone.
func (o *Object) Remember(paths ...string) {
	for _, path := range paths {
		if !strict.Exists(o.Node, path) {
			continue
		}
		if o.lines == nil {
			o.lines = make(map[string]int, len(paths))
		}
		o.lines[path] = o.Line(path)
	}
}

// Substitution is a variable that Flux's Kustomization replaces from
// spec.postBuild.
var Substitution = pinsetter.Pattern(`\$\{[_a-zA-Z][_a-zA-Z0-9]*([:=?+/#%^,-].*)?\}`)

// Hint returns what to add to a message about value where the value says why it
// is wrong: it was never substituted or rendered.
func (o *Object) Hint(value string) string {
	if variable := Substitution().FindString(value); variable != "" {
		return fmt.Sprintf("; it holds %s, which a Flux Kustomization's postBuild would substitute: "+
			"hand in the substituted object (flux envsubst)", variable)
	}
	if strings.Contains(value, "{{") {
		return "; it looks like a template: hand in what it renders to"
	}
	return ""
}

// Said returns what is said of the object: of one that nothing here uses,
// warnings.
func (o *Object) Said() []pinsetter.Finding {
	if o.advisory {
		for i := range o.Findings {
			o.Findings[i].Severity = pinsetter.Warning
		}
	}
	return o.Findings
}
