package forge

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge/exchange"
)

// Marks are comments that Markdown doesn't show. They record the state of a
// pull request, so that no memory is needed.
const (
	markNew    = "<!-- pinsetter:new -->"    // its creation isn't finished
	markClosed = "<!-- pinsetter:closed -->" // Close closed it
)

// bodyRoom is the largest body, marks included: GitHub refuses more than 65,536
// characters, and a character is at least a byte.
const bodyRoom = 65536

// maxTitle bounds a title in characters, and leaves room for a draft's prefix:
// Gitea cuts at 255, GitLab refuses more.
const maxTitle = 248

// Prefixes of titles that make a draft; at Gitea unless somebody changed
// WORK_IN_PROGRESS_PREFIXES.
const (
	giteaDraft  = "WIP:"
	gitlabDraft = "Draft:"
)

// drafts matches all such prefixes, in any case.
var drafts = pinsetter.Pattern(`(?i)^(?:\s*(?:wip:|\[wip\]|draft:|\[draft\]|\(draft\)))+\s*`)

// keyMark returns the mark of a comment with a key.
func keyMark(key string) string { return "<!-- pinsetter:" + key + " -->" }

// validKey reports whether a key can't break its mark.
func validKey(key string) bool {
	return key != "" && len(key) <= 100 && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		!strings.Contains(key, "--") && !strings.HasSuffix(key, "-")
}

// marked returns body with a mark at its end. It cuts the body if both are too
// long.
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

// unmarked returns body without the marks of this package, since nobody else
// may set them.
func unmarked(body string) string {
	for strings.Contains(body, markNew) || strings.Contains(body, markClosed) {
		body = strings.ReplaceAll(strings.ReplaceAll(body, markNew, ""), markClosed, "")
	}
	return body
}

// clean returns the proposal in a form that every forge stores unchanged.
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

// title returns a title as forges store it: one line, bounded.
func title(s string) string {
	return exchange.OneLine(s, maxTitle)
}

// draftTitle returns a title, with the prefix if it is a draft's.
func draftTitle(prefix, title string, draft bool) string {
	if draft {
		return prefix + " " + undraft(title)
	}
	return title
}

// undraft returns a draft's title without its prefixes.
func undraft(title string) string { return drafts().ReplaceAllString(title, "") }

// normal returns a text in a form that can be compared: some forges change line
// ends, some trim.
func normal(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}

// sameTitle reports whether a forge's title equals want, or a cut form of it:
// Gitea counts wide characters twice.
func sameTitle(has, want string) bool {
	has = title(has)
	start, cut := strings.CutSuffix(has, "…")
	return has == want || cut && strings.HasPrefix(want, start)
}
