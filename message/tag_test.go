package message_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/spec"
)

func TestTag(t *testing.T) {
	data := message.TagData{SourceTag: "v1.2.3_b", SourceRevision: "main@sha1:abc/é", Hash: "0123456789ab"}
	for template, want := range map[string]string{
		"{{ .SourceTag }}-{{ .Hash }}":                      "v1.2.3_b-0123456789ab",
		" {{ .Hash }}\n":                                    "0123456789ab",
		"{{ .SourceRevision | trunc 14 }}.{{ .Hash }}":      "main-sha1-abc-.0123456789ab",
		"{{ with .SourceTag }}{{ . }}-{{ end }}{{ .Hash }}": "v1.2.3_b-0123456789ab",
	} {
		tag, err := message.NewTag(template)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if got, err := tag.Render(data); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", template, got, err, want)
		}
	}
	for template, want := range map[string]string{
		"":                                       "is not a tag",
		"latest":                                 "add {{ .Hash }}",
		"{{ .SourceTag }}":                       "add {{ .Hash }}",
		"{{ .Hash | trunc 0 }}x":                 "add {{ .Hash }}",
		"{{ .Hash":                               "unclosed action",
		"{{ .Nothing }}-{{ .Hash }}":             "Nothing",
		"-{{ .Hash }}":                           "is not a tag",
		"{{ .Hash }} b":                          "is not a tag",
		strings.Repeat("a", 120) + "{{ .Hash }}": "is not a tag",
	} {
		_, err := message.NewTag(template)
		var field *spec.FieldError
		if !errors.As(err, &field) || field.Field != "spec.push.tag" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", template, err, want)
		}
	}
	tag, err := message.NewTag("{{ .SourceTag }}-{{ .Hash }}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tag.Render(message.TagData{Hash: "abc"}); err == nil {
		t.Errorf("a source without a tag gives %q", got)
	}
}
