package setters_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/setters"
)

// A document of very many tiny nodes is reported and not parsed, and those beside it
// are searched.
func TestTooManyNodes(t *testing.T) {
	const marked = "tag: 1.0.0 # {\"$imagepolicy\": \"ns:app:tag\"}\n"
	for name, nodes := range map[string]string{
		"items":         "a:\n" + strings.Repeat("- 1\n", 300_000),
		"a flow list":   "a: [" + strings.Repeat("1,", 300_000) + "1]\n",
		"flow mappings": "a: {" + strings.Repeat("b,", 300_000) + "c}\n",
		"nested":        "a: " + strings.Repeat("[", 600_000) + "\n",
		"keys":          strings.Repeat("? a\n", 300_000),
		"in CRLF":       strings.ReplaceAll("a:\n"+strings.Repeat("- 1\n", 300_000), "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			file := setters.Find("a.yaml", []byte(marked+"---\n"+marked+nodes+"---\n"+marked))
			if len(file.Sites) != 2 || file.Sites[0].Document != 0 || file.Sites[1].Document != 2 {
				t.Errorf("sites %+v", file.Sites)
			}
			if len(file.Findings) != 1 || file.Findings[0].Code != setters.CodeTooLarge || file.Findings[0].Line == 0 || !strings.Contains(file.Findings[0].Message, "split it") {
				t.Errorf("findings %v", file.Findings)
			}
		})
	}
}
