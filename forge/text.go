package forge

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marks are comments that Markdown doesn't show. What a pull request went
// through can be read from them without any memory.
const (
	markNew    = "<!-- pinsetter:new -->"    // its creation isn't finished
	markClosed = "<!-- pinsetter:closed -->" // Close closed it
)

// bodyRoom is what a forge takes at most, and marks have room in: GitHub refuses
// a body of more than 65,536 characters, and a character is a byte or more.
const bodyRoom = 65536

// maxTitle bounds a title in characters: Gitea cuts at 255, GitLab refuses more,
// and what makes a draft has room in that.
const maxTitle = 248

// What makes a draft is the beginning of its title, at Gitea where nobody changed
// WORK_IN_PROGRESS_PREFIXES.
const (
	giteaDraft  = "WIP:"
	gitlabDraft = "Draft:"
)

// drafts are all such beginnings, in any case.
var drafts = regexp.MustCompile(`(?i)^(?:\s*(?:wip:|\[wip\]|draft:|\[draft\]|\(draft\)))+\s*`)

// keyMark returns the mark of a comment with a key.
func keyMark(key string) string { return "<!-- pinsetter:" + key + " -->" }

// validKey reports whether a key can't end its mark.
func validKey(key string) bool {
	return key != "" && len(key) <= 100 && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		!strings.Contains(key, "--") && !strings.HasSuffix(key, "-")
}

// marked returns body with a mark at its end, within what a forge takes: the
// body gives way.
func marked(body, mark string) string {
	if strings.Contains(body, mark) {
		return body
	}
	tail := "\n\n" + mark
	if extra := len(body) + len(tail) - bodyRoom; extra > 0 {
		body = strings.ToValidUTF8(body[:len(body)-extra], "")
	}
	return strings.TrimRight(body, "\r\n ") + tail
}

// unmarked returns body without the marks that say what a pull request went
// through: nobody but this package sets them.
func unmarked(body string) string {
	for strings.Contains(body, markNew) || strings.Contains(body, markClosed) {
		body = strings.ReplaceAll(strings.ReplaceAll(body, markNew, ""), markClosed, "")
	}
	return body
}

// clean returns a proposal that every forge takes as it is.
func (p Proposal) clean() (Proposal, error) {
	if p.Head == "" || p.Base == "" || p.Head == p.Base {
		return p, fmt.Errorf("%w: a pull request needs two branches, not %q and %q", ErrInvalid, p.Head, p.Base)
	}
	if len(p.Body) > MaxBody {
		return p, fmt.Errorf("%w: the body has %d bytes; a forge takes %d", ErrInvalid, len(p.Body), MaxBody)
	}
	p.Title = title(p.Title)
	if p.Title == "" {
		return p, fmt.Errorf("%w: the title is empty", ErrInvalid)
	}
	p.Body = normal(unmarked(strings.ToValidUTF8(p.Body, "")))
	return p, nil
}

// title returns a title as a forge keeps it: one line, bounded.
func title(s string) string {
	s = strings.Join(strings.Fields(strings.Map(visible, s)), " ")
	return truncate(s, maxTitle)
}

// draftTitle returns a title that makes a draft where it is one.
func draftTitle(prefix, title string, draft bool) string {
	if draft {
		return prefix + " " + undraft(title)
	}
	return title
}

// undraft returns a draft's title without what makes it one.
func undraft(title string) string { return drafts.ReplaceAllString(title, "") }

// normal returns a text as forges keep it, for comparing: some turn line ends
// around, some trim.
func normal(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}

// clean makes a forge's words fit to show: one line without what a terminal or a
// page would act on, and bounded.
func clean(s string) string {
	return truncate(strings.Join(strings.Fields(strings.Map(visible, s)), " "), 500)
}

// visible turns white space to spaces and drops control and formatting
// characters, and bytes that are no UTF-8.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == utf8.RuneError, !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// sameTitle reports whether a forge has a title, which it may have cut: Gitea
// counts wide characters twice.
func sameTitle(has, want string) bool {
	has = title(has)
	start, cut := strings.CutSuffix(has, "…")
	return has == want || cut && strings.HasPrefix(want, start)
}

// truncate cuts to a number of characters, the "…" that then ends it with them.
func truncate(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:runes-1])) + "…"
}
