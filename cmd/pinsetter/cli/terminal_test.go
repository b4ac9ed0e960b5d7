package cli

import (
	"strings"
	"testing"
)

// Progress is shown while one slow thing goes on, not only when the next begins.
func TestProgressOfOneSlowThing(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, patient: true}
	p.Show("scanning org/app")
	if out.String() != "" {
		t.Errorf("%q is shown at once", out.String())
	}
	p.begin()
	if !strings.Contains(out.String(), "scanning org/app") {
		t.Errorf("%q does not say what is going on", out.String())
	}
	p.Show("scanning \x1b[31morg/other")
	if strings.Contains(out.String(), "\x1b[31m") {
		t.Errorf("%q has a control sequence of somebody else", out.String())
	}
	p.Done()
	if !strings.HasSuffix(out.String(), "\r\x1b[K") {
		t.Errorf("%q is not cleared", out.String())
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext é":     "plain\ttext é",
		"a\x1b[31mb":        `a\u001b[31mb`,
		"a\nb\rc\x00":       `a\u000ab\u000dc\u0000`,
		"left\u202eright":   `left\u202eright`,
		"bad \xff encoding": `bad \ufffd encoding`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTableAligns(t *testing.T) {
	tab := Table{Painter: Painter{on: true}}
	tab.Header("A", "LONGER")
	tab.Row(Cell{"é1", Green}, Cell{"x\x1b[2J", Plain})
	tab.Row(Cell{"a long one", Plain}, Cell{"", Plain})
	var out strings.Builder
	if err := tab.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1mA\x1b[0m           \x1b[1mLONGER\x1b[0m\n" +
		"\x1b[32mé1\x1b[0m          x\\u001b[2J\n" +
		"a long one\n"
	if out.String() != want {
		t.Errorf("got\n%q, want\n%q", out.String(), want)
	}
}
