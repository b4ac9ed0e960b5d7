package message

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// tagField is the field of an ArtifactAutomation that has the template of a tag.
const tagField = "spec.push.tag"

// Tag is the template of the tags of an ArtifactAutomation's artifacts, parsed. It is
// safe for concurrent use.
type Tag struct{ compiled *compiled }

// TagData is "." in the template of a tag. In what the source says, a "-" stands for
// each character that a tag can't hold.
type TagData struct {
	SourceTag      string // that the OCIRepository leads to, "" if it names a digest
	SourceRevision string // the annotation org.opencontainers.image.revision, "" without it
	Hash           string // the first 12 hex digits of the artifact's digest
}

// NewTag parses the template of a tag. Its error is a *spec.FieldError. It must tell
// artifacts of one source apart, which only .Hash does.
func NewTag(text string) (*Tag, error) {
	t := &Tag{}
	var err error
	if t.compiled, err = compile(text); err != nil {
		return nil, &spec.FieldError{Field: tagField, Err: err}
	}
	trial := TagData{SourceTag: "main", SourceRevision: "main@sha1:0000000000000000000000000000000000000000", Hash: "000000000000"}
	one, err := t.Render(trial)
	if err != nil {
		return nil, &spec.FieldError{Field: tagField, Err: errors.Unwrap(err)} // which names the field itself
	}
	trial.Hash = "111111111111"
	if other, err := t.Render(trial); err != nil || one == other {
		return nil, &spec.FieldError{Field: tagField, Err: errors.New("two artifacts of one source would have the same tag, and a tag of the bot is never overwritten: add {{ .Hash }}")}
	}
	return t, nil
}

// Render returns the tag of an artifact.
func (t *Tag) Render(d TagData) (string, error) {
	d.SourceTag, d.SourceRevision, d.Hash = tagWord(d.SourceTag), tagWord(d.SourceRevision), tagWord(d.Hash)
	text, err := t.compiled.render(d)
	if err == nil && !pinsetter.ValidTag(strings.TrimSpace(text)) {
		err = fmt.Errorf("%q is not a tag: it begins with a letter, a digit or _, and has at most 128 of these, . and -", oneLine(text))
	}
	if err == nil && pinsetter.ReservedTag(strings.TrimSpace(text)) {
		err = fmt.Errorf("%q is a name for signatures", oneLine(text))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", tagField, err)
	}
	return strings.TrimSpace(text), nil
}

// tagWord returns text with a "-" for each character that a tag can't hold.
func tagWord(text string) string {
	return strings.Map(func(r rune) rune {
		if pinsetter.ValidTag("a" + string(r)) {
			return r
		}
		return '-'
	}, text)
}
