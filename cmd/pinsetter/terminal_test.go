package main

import (
	"strings"
	"testing"
	"time"
)

// Progress is shown while one slow thing goes on, not only when the next begins.
func TestProgressOfOneSlowThing(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, patient: true}
	p.show("scanning org/app")
	if out.String() != "" {
		t.Errorf("%q is shown at once", out.String())
	}
	p.begin()
	if !strings.Contains(out.String(), "scanning org/app") {
		t.Errorf("%q does not say what is going on", out.String())
	}
	p.show("scanning \x1b[31morg/other")
	if strings.Contains(out.String(), "\x1b[31m") {
		t.Errorf("%q has a control sequence of somebody else", out.String())
	}
	p.done()
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
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTableAligns(t *testing.T) {
	tab := table{painter: painter{on: true}}
	tab.header("A", "LONGER")
	tab.row(cell{"é1", green}, cell{"x\x1b[2J", plain})
	tab.row(cell{"a long one", plain}, cell{"", plain})
	var out strings.Builder
	if err := tab.write(&out); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1mA\x1b[0m           \x1b[1mLONGER\x1b[0m\n" +
		"\x1b[32mé1\x1b[0m          x\\u001b[2J\n" +
		"a long one\n"
	if out.String() != want {
		t.Errorf("got\n%q, want\n%q", out.String(), want)
	}
}

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     {},
		"24h":                  now.Add(-24 * time.Hour),
		"2026-11-20T10:00:00Z": time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := moment("--since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("moment(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"soon", "-1h", "2026-13-01"} {
		if got, err := moment("--since", text, now); err == nil {
			t.Errorf("moment(%q) = %v", text, got)
		}
	}
}
