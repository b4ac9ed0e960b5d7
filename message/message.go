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

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Default is the message of an automation without a template, or with one that
// renders only white space.
const Default = "Update from image update automation"

const templateField = "spec.git.commit.messageTemplate"

// Data is the data for a message.
type Data struct {
	Automation pinsetter.Name
	Path       string             // spec.update.path; file names in templates are relative to it
	Changes    []pinsetter.Change // in any order
	Images     []Written          // in any order; shown by .Updated
}

// Written is an image that was written at a policy's markers.
type Written struct {
	Policy pinsetter.Name
	Image  pinsetter.Image
}

// Check returns an error for an invalid message template, a *spec.FieldError,
// or nil. It renders a trial message, so it finds a missing field only if the
// trial reaches it. Data that Flux has removed is a warning.
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

// removed matches data that Flux 2.9 no longer gives to templates.
var removed = pinsetter.Pattern(`\.Updated\b|\.Changed\.ImageResult\b`)

// Deprecated reports whether a template uses data that Flux has removed and
// that this package still supports.
func Deprecated(template string) bool { return removed().MatchString(template) }

// Commit renders an automation's commit message. A template that exceeds a
// bound or doesn't fit the data is an error with the line. White space is kept.
// Control characters other than tab and line ends are dropped, and invalid
// UTF-8 is replaced.
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

// templateOf returns the automation's template, or the default one.
func templateOf(s spec.ImageUpdateAutomationSpec) string {
	if s.GitSpec == nil || s.GitSpec.Commit.MessageTemplate == "" {
		return Default
	}
	return s.GitSpec.Commit.MessageTemplate
}

// printable drops control characters: Git cuts a message at a NUL, and others
// control terminals.
func printable(r rune) rune {
	if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
		return -1
	}
	return r
}
