package pinsetter_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

func TestDisplayIsSafeForTerminals(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":             "plain text",
		"\x1b[2J":                `"\x1b[2J"`,
		"a\nb":                   `"a\nb"`,
		"\u202e":                 `"\u202e"`,
		"\xff":                   `"\xff"`,
		strings.Repeat("a", 201): strings.Repeat("a", 200) + "…",
	} {
		if got := pinsetter.Display(in); got != want {
			t.Errorf("Display(%q) = %s; want %s", in, got, want)
		}
	}
}
