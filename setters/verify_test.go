package setters

import "testing"

// TestVerifyRefusesOtherDifferences holds the last line of defence: results that
// no splice of ours makes.
func TestVerifyRefusesOtherDifferences(t *testing.T) {
	const before = "a: x # note\nb: &b [1, 'c']\nd: *b\n"
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
			if err := verify([]byte(before), []byte(after), edits); err == nil {
				t.Error("accepted")
			}
		})
	}
	if err := verify([]byte(before), []byte("a: y # note\nb: &b [1, 'c']\nd: *b\n"), edits); err != nil {
		t.Errorf("the edit itself: %v", err)
	}
}
