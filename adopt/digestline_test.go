package adopt

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// TestDigestLine: one line is added, with the indentation and the line end of the tag's.
func TestDigestLine(t *testing.T) {
	policy := pinsetter.Name{Namespace: "a", Name: "b"}
	const marker = ` # {"$imagepolicy": "a:b:tag"}`
	const added = `digest: "" # {"$imagepolicy": "a:b:digest"}`
	text := func(lines ...string) string { return strings.Join(lines, "\n") }
	for name, test := range map[string]struct{ text, want string }{
		"block":          {text("kind: OCIRepository", "spec:", "  ref:", "    tag: 1.0.0"+marker, "  x: 1", ""), text("kind: OCIRepository", "spec:", "  ref:", "    tag: 1.0.0"+marker, "    "+added, "  x: 1", "")},
		"no end of line": {text("a: 1", "b: 2", "c:", "  tag: 1.0.0"+marker), text("a: 1", "b: 2", "c:", "  tag: 1.0.0"+marker, "  "+added)},
		"flow":           {text("a: 1", "b: 2", "c: 3", "ref: {tag: 1.0.0"+marker, "}"), ""},
		"block scalar":   {text("a: 1", "b: 2", "c: |", "  tag: 1.0.0"+marker), ""},
		"has one":        {text("a: 1", "b: 2", "c:", "  tag: 1.0.0"+marker, "  digest: x"), ""},
		"item":           {text("a: 1", "b: 2", "c:", "- tag: 1.0.0"+marker), ""},
		"no such line":   {"a: 1", ""},
	} {
		for end, replaced := range map[string]string{"LF": "\n", "CRLF": "\r\n"} {
			data := []byte(strings.ReplaceAll(test.text, "\n", replaced))
			got, ok := withDigestLine("a.yaml", data, 4, policy)
			if want := strings.ReplaceAll(test.want, "\n", replaced); ok != (want != "") || ok && string(got) != want && (replaced == "\n" || name != "no end of line") {
				t.Errorf("%s, %s: %q, %v", name, end, got, ok)
			}
		}
	}
}
