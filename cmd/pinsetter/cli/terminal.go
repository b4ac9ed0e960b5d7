package cli

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

// IsTerminal reports whether v is a terminal's file.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Printable escapes everything in s that a terminal would interpret or that
// makes text misleading: control characters except the tab, and characters that
// change the direction of text.
func Printable(s string) string {
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

// A Style is an ANSI sequence (ECMA-48, "select graphic rendition").
type Style string

// The styles.
const (
	Plain  Style = ""
	Bold   Style = "\x1b[1m"
	Dim    Style = "\x1b[2m"
	Red    Style = "\x1b[31m"
	Green  Style = "\x1b[32m"
	Yellow Style = "\x1b[33m"
	Cyan   Style = "\x1b[36m"
)

// Painter colours text, or leaves it unchanged if colours are off.
type Painter struct{ on bool }

// Paint returns a text in a style, if it is to be coloured.
func (p Painter) Paint(s Style, text string) string {
	if !p.on || s == Plain || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

// Cell is a field of a table.
type Cell struct {
	Text  string
	Style Style
}

// Table prints rows in aligned columns.
type Table struct {
	Painter Painter
	titles  []Cell // of the columns; nil: none
	Rows    [][]Cell
}

// Header gives the columns titles.
func (t *Table) Header(names ...string) {
	for _, name := range names {
		t.titles = append(t.titles, Cell{name, Bold})
	}
}

// Row adds a row.
func (t *Table) Row(cells ...Cell) { t.Rows = append(t.Rows, cells) }

// Write prints the table with two spaces between columns. A table without rows
// prints nothing.
func (t *Table) Write(w io.Writer) error {
	if len(t.Rows) == 0 {
		return nil
	}
	rows := t.Rows
	if t.titles != nil {
		rows = slices.Insert(rows, 0, t.titles)
	}
	return WriteRows(w, t.Painter, slices.Values(rows))
}

// WriteRows prints rows as a table does. It goes through them twice: first for the
// widths of the columns.
func WriteRows(w io.Writer, p Painter, rows iter.Seq[[]Cell]) error {
	var widths []int
	for row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(Printable(c.Text)))
		}
	}
	out := bufio.NewWriter(w)
	for row := range rows {
		line := ""
		for i, c := range row {
			text := Printable(c.Text)
			line += p.Paint(c.Style, text)
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2)
			}
		}
		_, _ = out.WriteString(strings.TrimRight(line, " ") + "\n") // Flush says what failed
	}
	return out.Flush()
}

// NewCell returns a text in a style.
func NewCell(text string, style Style) Cell { return Cell{text, style} }
