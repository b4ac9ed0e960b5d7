// Package message renders an automation's commit message from its template, as
// Flux does, and writes and reads the trailers by which the bot knows its own
// commits. It is pure, and templates are bounded.
//
// It is the only door to text/template and sprig.
package message

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Default is the message of a commit without changes that has no message of its own:
// Flux's for an automation without a template.
const Default = "Update from image update automation"

// maxSubject is the length up to which a commit's first line is shown whole by
// forges and by git log in a terminal.
const maxSubject = 72

const templateField = "spec.git.commit.messageTemplate"

// Data is the data for a message.
type Data struct {
	Automation pinsetter.Name
	Path       string             // spec.update.path; file names in templates are relative to it
	Changes    []pinsetter.Change // in any order
	Images     []Written          // in any order; shown by .Updated and .Images

	// Origins says where the images come from, as Inert returns it. Those of which
	// nothing is known may be missing.
	Origins map[pinsetter.Image]pinsetter.Provenance
}

// Written is an image that was written at a policy's markers.
type Written struct {
	Policy pinsetter.Name
	Image  pinsetter.Image
}

// Template is the template of an automation's commit messages, parsed. It is safe
// for concurrent use.
type Template struct {
	text     string // "": there is none
	compiled *compiled
	values   map[string]string
}

// New parses an automation's message template. Its error is a *spec.FieldError. A
// field that there isn't is found where a trial comes by it.
func New(s spec.ImageUpdateAutomationSpec) (*Template, error) {
	t := &Template{}
	if s.GitSpec != nil {
		t.text = s.GitSpec.Commit.MessageTemplate
		t.values = s.GitSpec.Commit.MessageTemplateValues
	}
	var err error
	if t.compiled, err = compile(t.text); err != nil {
		return nil, &spec.FieldError{Field: templateField, Err: err}
	}
	if _, err := t.compiled.render(newData(t.values, trial().Data)); errors.As(err, new(*unknownField)) {
		return nil, &spec.FieldError{Field: templateField, Err: err}
	}
	return t, nil
}

// Warning says that the template uses data which Flux removed: a *spec.FieldError,
// nil where it doesn't.
func (t *Template) Warning() error {
	if !removed().MatchString(t.text) {
		return nil
	}
	return &spec.FieldError{
		Field:    templateField,
		Err:      errors.New("the template uses .Updated or .Changed.ImageResult, which Flux has removed: use .Changed.FileChanges, .Changed.Objects or .Changed.Changes"),
		Severity: pinsetter.Warning,
	}
}

// removed matches data that Flux 2.9 no longer gives to templates.
var removed = pinsetter.Pattern(`\.Updated\b|\.Changed\.ImageResult\b`)

// Commit renders an automation's commit message. Without a template, or if that
// renders only white space, the message is a line that says what changes. A template
// that exceeds a bound or doesn't fit the data is an error with the line. White space
// is kept. Control characters other than tab and line ends are dropped, and invalid
// UTF-8 is replaced.
func (t *Template) Commit(d Data) (string, error) {
	text, err := t.compiled.render(newData(t.values, d))
	if err != nil {
		return "", fmt.Errorf("render commit message of ImageUpdateAutomation %s: %s: %w", d.Automation, templateField, err)
	}
	text = strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))
	if strings.TrimSpace(text) == "" {
		return subject(d), nil
	}
	return text, nil
}

// subject says on one line what changes do: all of it where that is short, else how
// many images it is about, and where.
func subject(d Data) string {
	if len(d.Changes) == 0 {
		return Default
	}
	text := "Update " + oneLine(Summary(d))
	if utf8.RuneCountInString(text) > maxSubject {
		text = "Update " + pinsetter.Count(len(movesOf(locate(d))), "image") + " " + placeOf(d.Changes)
	}
	return text
}

// printable drops control characters and marks of direction: Git cuts a message at
// a NUL, and the others steer terminals, or show text in another order.
func printable(r rune) rune {
	switch {
	case r == '\n', r == '\t', r == '\r':
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
		return -1
	}
	return r
}

// oneLine returns text of a repository, such as a path, on one line: a blank stands
// for each line end and tab, and U+FFFD for what printable drops.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case printable(r) < 0:
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
