package gitops

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// Bounds on what is shown of a server's words. Forges explain a refusal in a
// handful of lines; GitHub's GH013 takes some fifteen.
const (
	cleanLines = 24
	cleanRunes = 2000
)

// clean makes a server's words fit to show: one line, fields of lines joined by
// " | ", without control and formatting characters, "remote:" prefixes and empty
// lines, and bounded. What is cut off is marked with "…".
func clean(text string) string {
	var lines []string
	for line := range strings.FieldsFuncSeq(text, isLineBreak) {
		line = strings.Map(visible, line)
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
	return truncate(strings.Join(lines, " | "), cleanRunes)
}

func isLineBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// isDecoration reports whether a line is drawn rather than written.
func isDecoration(line string) bool { return strings.Trim(line, "=-*#_ ") == "" }

// visible drops what a terminal or a page would act on: control characters,
// direction marks and other formatting, and bytes that are no UTF-8.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r == utf8.RuneError, !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

func truncate(s string, runes int) string {
	count := 0
	for i := range s {
		if count == runes {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

// Words by which servers say over ssh what http has a status for, in lower case:
// those of git, GitHub, GitLab, Bitbucket and Gitea.
var (
	notFoundWords = []string{
		"not found", "does not exist", "not appear to be a git repository", "no such repository",
		"could not be found", "cannot find repository",
	}
	deniedWords = []string{"permission denied", "access denied", "denied to", "not allowed", "unauthorized", "forbidden", "read-only", "read only"}
)

// explainText returns the error for what a server said before it ended.
func explainText(text string, err error) error {
	switch {
	case contains(text, notFoundWords):
		return fmt.Errorf("%w: check the URL, and that the credentials may read it: %s", ErrNotFound, text)
	case contains(text, deniedWords):
		return fmt.Errorf("%w: %s", ErrAuth, text)
	case text != "":
		return fmt.Errorf("the server ended the connection: %s", text)
	case errors.Is(err, packp.ErrEmptyInput):
		return io.ErrUnexpectedEOF
	}
	return err
}

// tailBytes bounds what is kept of a server's messages.
const tailBytes = 16 << 10

// tail keeps the last bytes that are written to it. It is safe for concurrent
// use.
type tail struct {
	mutex sync.Mutex
	bytes []byte
	cut   bool // there was more before
}

func (t *tail) Write(p []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - tailBytes; extra > 0 {
		t.bytes, t.cut = append(t.bytes[:0], t.bytes[extra:]...), true
	}
	return len(p), nil
}

// String returns the whole lines of what was kept: the end of one could be that
// of a secret, by which nobody knows it.
func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := string(t.bytes)
	if t.cut {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.ToValidUTF8(text, "")
}
