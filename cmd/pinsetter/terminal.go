package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

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
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			row[i].text = printable(c.text)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(row[i].text)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, c := range row {
			line += t.painter.paint(c.style, c.text)
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-len([]rune(c.text))+2)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
