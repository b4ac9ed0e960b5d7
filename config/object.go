package config

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

// object is what is kept of any object while loading goes on: who it is, where it
// stands and what is wrong with it.
type object struct {
	kind        string
	name        pinsetter.Name
	namespaced  bool // metadata.namespace was given
	template    bool // the document has "{{"
	outdated    bool // of a version whose fields are not read
	advisory    bool // its errors are warnings to those who load
	origin      fleet.Origin
	labels      map[string]string
	annotations map[string]string
	hash        [32]byte       // of what two copies must have in common
	lines       map[string]int // of the fields that are checked once all objects are known
	findings    []pinsetter.Finding
	unused      []pinsetter.Finding // what is wrong with it, where that matters only to those who use it
	twins       []pinsetter.Finding // that it is given twice, of a core object; see needed

	node   *strict.Node // nil once the object has been decoded
	offset int          // from the parser's line to the file's
}

// line returns the line of a field, or of its nearest parent that is there.
func (o *object) line(path string) int {
	if o.node != nil {
		return strict.Locate(o.node, o.origin.Line-o.offset, path) + o.offset
	}
	for {
		if line, found := o.lines[path]; found {
			return line
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return o.origin.Line
		}
		path = path[:i]
	}
}

// fail records an error of a field; field "" is the whole object.
func (o *object) fail(code, field, format string, args ...any) {
	o.report(pinsetter.Error, code, o.line(field), field, fmt.Sprintf(format, args...))
}

// warn is fail for what doesn't stop the object from being used.
func (o *object) warn(code, field, format string, args ...any) {
	o.report(pinsetter.Warning, code, o.line(field), field, fmt.Sprintf(format, args...))
}

func (o *object) report(severity pinsetter.Severity, code string, line int, field, text string) {
	if field != "" {
		text = field + ": " + text
	}
	o.add(pinsetter.Finding{Severity: severity, Code: code, Path: o.origin.Path, Line: line, Message: o.String() + ": " + text})
}

// maxFindings bounds what is said of one object, so that one that is wrong on
// purpose costs little: nobody reads more at once.
const maxFindings = 50

// full reports whether no more is said of the object.
func (o *object) full() bool { return len(o.findings) > maxFindings }

// add records a finding, unless it is known or there are enough.
func (o *object) add(finding pinsetter.Finding) {
	if o.full() {
		return
	}
	finding.Message = pinsetter.Printable(finding.Message)
	if slices.Contains(o.findings, finding) {
		return
	}
	if len(o.findings) == maxFindings {
		finding = pinsetter.Finding{Severity: pinsetter.Error, Code: codeTooLarge, Path: o.origin.Path, Line: o.origin.Line,
			Message: fmt.Sprintf("%s: more is wrong than these %d findings: mend them first", o, maxFindings)}
	}
	o.findings = append(o.findings, finding)
}

// String returns "Kind namespace/name", as far as they are known.
func (o *object) String() string {
	kind := cmp.Or(o.kind, "object")
	switch {
	case o.name.Name == "":
		return kind
	case o.name.Namespace == "":
		return kind + " " + o.name.Name
	}
	return kind + " " + o.name.String()
}

// needed returns the object after reporting copies of it that differ. Repositories
// of many clusters are full of Namespaces and ServiceAccounts of one name; that two
// differ matters only where one of them is used.
func (o *object) needed() *object {
	for _, f := range o.twins {
		o.add(f)
	}
	o.twins = nil
	return o
}

// place returns "path:line".
func (o *object) place() string { return fmt.Sprintf("%s:%d", o.origin.Path, o.origin.Line) }

// broken reports whether the object has an error of its own.
func (o *object) broken() bool { return o.firstError() != nil }

// firstError returns the first error of the object, or nil.
func (o *object) firstError() *pinsetter.Finding {
	for i := range o.findings {
		if o.findings[i].Severity == pinsetter.Error {
			return &o.findings[i]
		}
	}
	return nil
}

// has reports whether the object has a finding with that code.
func (o *object) has(code string) bool {
	return slices.ContainsFunc(o.findings, func(f pinsetter.Finding) bool { return f.Code == code })
}

// err joins the object's errors, each "path:line: object: cause", sorted by place;
// nil without.
func (o *object) err() error {
	slices.SortFunc(o.findings, pinsetter.Finding.Compare)
	var errs []error
	for _, f := range o.findings {
		if f.Severity == pinsetter.Error {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// remember keeps the lines of those fields that exist, for when the node is gone.
func (o *object) remember(paths ...string) {
	for _, path := range paths {
		if !strict.Exists(o.node, path) {
			continue
		}
		if o.lines == nil {
			o.lines = make(map[string]int, len(paths))
		}
		o.lines[path] = o.line(path)
	}
}

// substitution is a variable that Flux's Kustomization replaces from
// spec.postBuild.
var substitution = pinsetter.Pattern(`\$\{[_a-zA-Z][_a-zA-Z0-9]*([:=?+/#%^,-].*)?\}`)

// hint returns what to add to a message about value where the value says why it
// is wrong: it was never substituted or rendered.
func (o *object) hint(value string) string {
	if variable := substitution().FindString(value); variable != "" {
		return fmt.Sprintf("; it holds %s, which a Flux Kustomization's postBuild would substitute: "+
			"hand in the substituted object (flux envsubst)", variable)
	}
	if strings.Contains(value, "{{") {
		return "; it looks like a template: hand in what it renders to"
	}
	return ""
}
