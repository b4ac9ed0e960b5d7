package main

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// isTerminal reports whether v is a terminal's file.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// printable escapes everything in s that a terminal would interpret or that
// makes text misleading: control characters except the tab, and characters that
// change the direction of text.
func printable(s string) string {
	if !strings.ContainsFunc(s, unsafeOnTerminal) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafeOnTerminal(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unsafeOnTerminal(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar)
}

// A style is an ANSI sequence (ECMA-48, "select graphic rendition").
type style string

const (
	plain  style = ""
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	cyan   style = "\x1b[36m"
)

// painter colours text, or leaves it unchanged if colours are off.
type painter struct{ on bool }

func (p painter) paint(s style, text string) string {
	if !p.on || s == plain || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

// cell is a field of a table.
type cell struct {
	text  string
	style style
}

// table prints rows in aligned columns.
type table struct {
	painter painter
	titles  []cell // of the columns; nil: none
	rows    [][]cell
}

func (t *table) header(names ...string) {
	for _, name := range names {
		t.titles = append(t.titles, cell{name, bold})
	}
}

func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table with two spaces between columns. A table without rows
// prints nothing.
func (t *table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	rows := t.rows
	if t.titles != nil {
		rows = slices.Insert(rows, 0, t.titles)
	}
	return writeRows(w, t.painter, slices.Values(rows))
}

// writeRows prints rows as a table does. It goes through them twice: first for the
// widths of the columns.
func writeRows(w io.Writer, p painter, rows iter.Seq[[]cell]) error {
	var widths []int
	for row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(printable(c.text)))
		}
	}
	out := bufio.NewWriter(w)
	for row := range rows {
		line := ""
		for i, c := range row {
			text := printable(c.text)
			line += p.paint(c.style, text)
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2)
			}
		}
		_, _ = out.WriteString(strings.TrimRight(line, " ") + "\n") // Flush says what failed
	}
	return out.Flush()
}
