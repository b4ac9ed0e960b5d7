package wire

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter/parts/budget"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		"one\n":                            "one",
		"remote: one\r\nremote:  \n two\n": "one | two",
		"a\x1b[31mred\x1b[0m\tb":           "a[31mred[0m b",
		"a\u202eb\u200bc\u2028d\xff":       "abc | d",
		"==========\nno\n----\n":           "no",
		strings.Repeat("line\n", 30):       strings.Repeat("line | ", 24) + "…",
		strings.Repeat("é", cleanRunes+1):  strings.Repeat("é", cleanRunes-1) + "…",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

// Whatever a server says is one bounded line that a terminal shows as it is.
func FuzzClean(f *testing.F) {
	f.Add("remote: error: GH006: Protected branch update failed\n")
	f.Add("\x1b]0;title\x07\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		budget.Affords(t, len(text), func() {
			got := Clean(text)
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > cleanRunes {
				t.Errorf("Clean(%q) = %q", text, got)
			}
			for _, r := range got {
				if !unicode.IsGraphic(r) || isLineBreak(r) {
					t.Errorf("Clean(%q) = %q with %U", text, got, r)
				}
			}
			if Clean(got) != got && !strings.HasSuffix(got, "…") && !strings.Contains(got, "remote:") {
				t.Errorf("Clean(%q) = %q, and of that %q", text, got, Clean(got))
			}
		})
	})
}
