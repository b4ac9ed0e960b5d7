package forge

import (
	"strings"
	"testing"
)

// FuzzDisarm: no line of a text is an order any more, and nothing is lost.
func FuzzDisarm(f *testing.F) {
	for _, text := range []string{"/merge", "a\n/close b", " \\/x", "\n\r/x", "\\\\/", "```\n/etc\n```"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		disarmed := disarm(text)
		for line := range strings.Lines(strings.ReplaceAll(disarmed, "\r", "")) {
			if strings.HasPrefix(strings.TrimLeft(line, " \t\v\f"), "/") {
				t.Errorf("%q: the line %q", text, line)
			}
		}
		if got := rearm(disarmed); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}
