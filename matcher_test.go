package pinsetter_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// expressions are such as people write for tags, and some that are meant to trick.
var expressions = []string{
	`^.*\.sig$`, `\.sig$`, `-rc`, `^v`, `^latest$`, `^main-[a-f0-9]+-(?P<ts>[0-9]+)$`, `^v([0-9]+\.[0-9]+)$`, `(?i)\.SIG$`, `^(?i:a)bc$`,
	`a|b`, `^a|b$`, `^(a|b)c$`, `^(ab)(cd).*$`, `x*`, `^x+y$`, `^x?y$`, `(?m)^a$`, `(?s)^.*b$`, `^.*a.*$`, `.*a`, `a.*`, `^aba$`, `^ab.*ba$`,
	``, `^`, `$`, `^$`, `\ba`, `a\b`, `^\x{fffd}$`, `ſ`, `(?i)k`, `^a\z`, `\Aa`, `a{2,3}b`, `^(?:)a(?:)$`, `[`, `^a$b`, `$a`, `a^b`, `(?U)^a.*b$`,
}

var texts = []string{
	"", "a", "b", "ab", "aba", "abba", "ba", "a\nb", "b\na", "sha256-1.sig", "x.SIG", ".sig", "sig", "1.0-rc1", "v1.2", "latest", "latest2",
	"main-2f3a-17", "main-2f3a-x", "xy", "y", "xxy", "abcd", "abcdef", "aab", "aaab", "\xff", "\ufffd", "K", "k", "\u212a", "s", "ſ", "abc\n", "a\n",
}

// sameAs fails where a matcher says something else than its expression.
func sameAs(t *testing.T, expression *regexp.Regexp, text string) {
	t.Helper()
	m := pinsetter.NewMatcher(expression)
	if got, want := m.MatchString(text), expression.MatchString(text); got != want {
		t.Errorf("%q matches %q: %v, want %v", expression, text, got, want)
	}
	if got, want := m.FindStringSubmatchIndex(text), expression.FindStringSubmatchIndex(text); !slices.Equal(got, want) {
		t.Errorf("%q in %q: %v, want %v", expression, text, got, want)
	}
}

func TestMatcher(t *testing.T) {
	for _, pattern := range expressions {
		expression, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		for _, text := range texts {
			sameAs(t, expression, text)
		}
	}
}

// FuzzMatcher: for any expression and any text, a matcher says what the expression
// says.
func FuzzMatcher(f *testing.F) {
	for i, pattern := range expressions {
		f.Add(pattern, texts[i%len(texts)])
		f.Add(pattern, pattern)
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 200 {
			return
		}
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		sameAs(t, expression, text)
		if ending, err := regexp.Compile(`^.*` + regexp.QuoteMeta(text) + `$`); err == nil {
			sameAs(t, ending, pattern+text)
		}
	})
}
