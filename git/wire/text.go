package wire

import (
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Bounds on a server's words that are displayed. Forges explain a refusal in a
// handful of lines; GitHub's GH013 takes some fifteen.
const (
	cleanLines = 24
	cleanRunes = 2000
)

// Clean makes a server's words fit to display: one line of bounded length, the
// lines joined by " | ", without control and formatting characters, "remote:"
// prefixes and empty lines. A cut end is marked with "…".
func Clean(text string) string {
	var lines []string
	for line := range strings.FieldsFuncSeq(text, isLineBreak) {
		line = strings.Map(pinsetter.Visible, line)
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "remote:"))
		if line == "" || isDecoration(line) {
			continue
		}
		if len(lines) == cleanLines {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, line)
	}
	return pinsetter.Truncate(strings.Join(lines, " | "), cleanRunes)
}

func isLineBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// isDecoration reports whether a line is drawn rather than written.
func isDecoration(line string) bool { return strings.Trim(line, "=-*#_ ") == "" }
