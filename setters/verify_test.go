package setters

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter/lexer"
)

// TestVerifyRefusesOtherDifferences holds the last line of defence: results that
// no splice of ours makes.
func TestVerifyRefusesOtherDifferences(t *testing.T) {
	const before = "a: x # note\nb: &b [1, 'c']\nd: *b\n"
	plain := strings.NewReplacer("&b ", "", "*b", "b") // which the lexer takes
	lexed := func(data []byte) ([]*yaml.Node, func(), error) {
		document, release := lexer.Parse(string(data))
		if document == nil {
			t.Fatalf("the lexer left %q", data)
		}
		return []*yaml.Node{document}, release, nil
	}
	edits := []edit{{place: place{line: 1, column: 4}, value: "y"}}
	for name, after := range map[string]string{
		"not written":       before,
		"another value":     "a: z # note\nb: &b [1, 'c']\nd: *b\n",
		"no string":         "a: !!binary y # note\nb: &b [1, 'c']\nd: *b\n",
		"comment lost":      "a: y\nb: &b [1, 'c']\nd: *b\n",
		"comment swallowed": "a: 'y # note'\nb: &b [1, 'c']\nd: *b\n",
		"neighbour":         "a: y # note\nb: &b [2, 'c']\nd: *b\n",
		"neighbour's style": "a: y # note\nb: &b [1, \"c\"]\nd: *b\n",
		"neighbour's type":  "a: y # note\nb: &b ['1', 'c']\nd: *b\n",
		"anchor":            "a: y # note\nb: &e [1, 'c']\nd: *e\n",
		"item more":         "a: y # note\nb: &b [1, 'c', e]\nd: *b\n",
		"line more":         "a: y # note\n\nb: &b [1, 'c']\nd: *b\n",
		"comment more":      "a: y # note\nb: &b [1, 'c']\nd: *b # x\n",
		"document more":     "a: y # note\nb: &b [1, 'c']\nd: *b\n---\n",
		"malformed":         "a: y # note\nb: &b [1, 'c'\nd: *b\n",
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(ask, []byte(before), []byte(after), edits); err == nil {
				t.Error("accepted")
			}
			if err := verify(lexed, []byte(plain.Replace(before)), []byte(plain.Replace(after)), edits); err == nil {
				t.Error("accepted, the original read by the lexer")
			}
		})
	}
	const after = "a: y # note\nb: &b [1, 'c']\nd: *b\n"
	for _, err := range []error{
		verify(ask, []byte(before), []byte(after), edits),
		verify(lexed, []byte(plain.Replace(before)), []byte(plain.Replace(after)), edits),
	} {
		if err != nil {
			t.Errorf("the edit itself: %v", err)
		}
	}
}
