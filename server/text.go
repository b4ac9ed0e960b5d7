package server

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pinsetter/pinsetter"
)

// funcs are the functions of templates.
func (p *pages) funcs() template.FuncMap {
	return template.FuncMap{
		"ago":     func(t time.Time) string { return ago(p.now(), t) },
		"stamp":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"clip":    clip,
		"digest":  shortDigest,
		"commit":  shortCommit,
		"web":     web,
		"link":    link,
		"outcome": outcome,
		"mood":    mood,
		"page":    commitPage,
		"policy":  policyOf,
		"number":  number,
		"origins": origins,
		"plural":  plural,
		"sub":     func(a, b int) int { return a - b },
		"dict":    dict,
	}
}

// ago returns the distance of a moment from now: "4 min ago", "in 3 days".
func ago(now, t time.Time) string {
	d := now.Sub(t)
	text := span(d.Abs())
	switch {
	case text == "":
		return "just now"
	case d < 0:
		return "in " + text
	}
	return text + " ago"
}

// span returns a duration in its largest unit, "" below a second.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/day)
}

// maxText bounds a text in a list, in bytes: an error may have 64 KiB.
const maxText = 600

// clip returns text, cut if it is long.
func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// shortDigest returns "sha256:" and 12 digits.
func shortDigest(digest string) string { return digest[:min(len(digest), len("sha256:")+12)] }

func shortCommit(commit string) string { return commit[:min(len(commit), 12)] }

// web returns an address if a browser may be sent there, else "".
func web(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// commitPage returns the address of a commit in a repository at web, "" where that
// is "" or no address for browsers.
func commitPage(repository, commit string) string {
	if repository = web(repository); repository == "" {
		return ""
	}
	if strings.HasPrefix(repository, "https://bitbucket.org/") {
		return repository + "/commits/" + commit
	}
	return repository + "/commit/" + commit
}

// link returns the path of an object's page. Kind is "policies" or
// "automations", name is "namespace/name".
func link(kind, name string) string {
	namespace, name, _ := strings.Cut(name, "/")
	return "/" + kind + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
}

// origins returns those images of which it is known where they come from.
func origins(images []pinsetter.Written) []pinsetter.Written {
	return slices.DeleteFunc(slices.Clone(images), func(w pinsetter.Written) bool { return w.String() == "" })
}

// outcome returns the result of a run in a few words, as history has it.
func outcome(r runRow) string {
	done := done(r)
	switch {
	case r.Error != "" && (r.Commit != "" || r.PullRequest != nil):
		return done + ", with errors"
	case r.Error != "":
		return "failed"
	}
	return done
}

// mood returns the word that a run's result is coloured by.
func mood(r runRow) string {
	switch {
	case r.Error == "":
		return done(r)
	case r.Commit != "" || r.PullRequest != nil:
		return string(Held)
	}
	return "failed"
}

// done returns what a run did in one word.
func done(r runRow) string {
	switch {
	case r.PullRequest != nil && (r.PullRequest.Action == "closed" || r.PullRequest.Action == "merged"):
		return r.PullRequest.Action
	case r.PullRequest != nil:
		return "proposed"
	case r.Commit != "":
		return "pushed"
	}
	return string(Held)
}

// dict returns a map from pairs of names and values, for passing to a template.
func dict(pairs ...any) (map[string]any, error) {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		values[name] = pairs[i+1]
	}
	return values, nil
}

// number formats n with blanks between thousands.
func number(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// plural returns "1 site" or "2 sites".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// visible escapes characters that are invisible or would make a page
// misleading: control characters, those that change the direction of text, and
// those without width. The templates contain none of them.
func visible(page []byte) []byte {
	if bytes.IndexFunc(page, hidden) < 0 {
		return page
	}
	var b bytes.Buffer
	for _, r := range string(page) {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.Bytes()
}

func hidden(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}
