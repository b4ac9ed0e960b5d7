// Package message renders the commit message of an automation from its template,
// as Flux does, and writes and reads the trailers by which the bot knows its own
// commits. It is pure, and what a template may do is bounded.
//
// It is the only door to text/template and sprig.
package message

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Default is the message of an automation without a template, and of one whose
// template renders nothing but white space.
const Default = "Update from image update automation"

const templateField = "spec.git.commit.messageTemplate"

// Data is what a message is about.
type Data struct {
	Automation pinsetter.Name
	Path       string             // spec.update.path; the template's file names are relative to it
	Changes    []pinsetter.Change // in any order
	Images     []Written          // in any order; .Updated shows them
}

// Written is an image that a policy's markers were given.
type Written struct {
	Policy pinsetter.Name
	Image  pinsetter.Image
}

// Check says what is wrong with the automation's message template: nil, or a
// *spec.FieldError. A field that there isn't is found where a trial comes by it. That the template uses data which Flux removed is a
// warning.
func Check(s spec.ImageUpdateAutomationSpec) error {
	text := templateOf(s)
	if _, err := parseTemplate(text, &budget{}); err != nil {
		return &spec.FieldError{Field: templateField, Err: err}
	}
	if _, err := render(text, newData(s, trial().Data)); errors.As(err, new(*unknownField)) {
		return &spec.FieldError{Field: templateField, Err: err}
	}
	if Deprecated(text) {
		return &spec.FieldError{
			Field:    templateField,
			Err:      errors.New("the template uses .Updated or .Changed.ImageResult, which Flux has removed: use .Changed.FileChanges, .Changed.Objects or .Changed.Changes"),
			Severity: pinsetter.Warning,
		}
	}
	return nil
}

// removed is the data that Flux 2.9 does not give to templates any more.
var removed = regexp.MustCompile(`\.Updated\b|\.Changed\.ImageResult\b`)

// Deprecated reports whether a template mentions data that Flux has removed and
// that is given here still.
func Deprecated(template string) bool { return removed.MatchString(template) }

// Commit renders the message of an automation's commit. A template that runs
// too long, writes too much or does not fit the data is an error with the line.
// White space is kept; control characters other than tab and line ends are left
// out, and bytes that are no UTF-8 are replaced.
func Commit(s spec.ImageUpdateAutomationSpec, d Data) (string, error) {
	text, err := render(templateOf(s), newData(s, d))
	if err != nil {
		return "", fmt.Errorf("render commit message of ImageUpdateAutomation %s: %s: %w", d.Automation, templateField, err)
	}
	text = strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))
	if strings.TrimSpace(text) == "" {
		return Default, nil
	}
	return text, nil
}

// templateOf returns the automation's template, or that of the default message.
func templateOf(s spec.ImageUpdateAutomationSpec) string {
	if s.GitSpec == nil || s.GitSpec.Commit.MessageTemplate == "" {
		return Default
	}
	return s.GitSpec.Commit.MessageTemplate
}

// printable drops control characters: Git cuts a message at a NUL, and the
// others steer terminals.
func printable(r rune) rune {
	if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
		return -1
	}
	return r
}
