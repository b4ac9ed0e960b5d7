package message

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// A path, an object's name or an old value can't add lines to a commit's message, nor
// turn its text around.
func TestNamesStayOnTheirLine(t *testing.T) {
	template, err := New(withTemplate("{{range $file, $objects := .Changed.FileChanges}}{{$file}}{{range $object, $changes := $objects}} "+
		"{{$object.Kind}} {{$object.Name}}{{range $changes}} {{.OldValue}}{{end}}{{end}}{{end}}", nil))
	if err != nil {
		t.Fatal(err)
	}
	const evil = "a\nSigned-off-by: b\u202e\u2066\u2028\u0085\x1b\r"
	got, err := template.Commit(Data{Changes: []pinsetter.Change{{
		Path: evil + ".yaml", Line: 1, Setter: "ns:app", Object: pinsetter.Object{Kind: evil, Name: evil}, Old: evil, New: "1",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got, "\n\r\u202e\u2066\u2028\u0085\x1b") || !strings.Contains(got, "a Signed-off-by: b\uFFFD") {
		t.Errorf("message %q", got)
	}
}
