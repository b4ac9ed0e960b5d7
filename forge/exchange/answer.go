package exchange

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// answer is a forge's answer to one request, read to its end.
type answer struct {
	*http.Response
	body    []byte
	from    *url.URL
	secrets *login.Scrubber // knows the secrets that were sent
	sent    string          // describes the login for people
}

// redirect returns the target of a redirect, or nil.
func (a *answer) redirect() *url.URL {
	switch a.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		location, err := url.Parse(a.Header.Get("Location"))
		if err == nil && a.Header.Get("Location") != "" {
			return a.from.ResolveReference(location)
		}
	}
	return nil
}

// limited reports whether the forge asks for fewer requests. GitHub also uses a
// 403 for that:
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
func (a *answer) limited() bool {
	if a.StatusCode == http.StatusTooManyRequests {
		return true
	}
	return a.StatusCode == http.StatusForbidden &&
		(a.Header.Get("Retry-After") != "" || a.Header.Get("X-RateLimit-Remaining") == "0" || a.secondary())
}

// secondary reports whether GitHub's secondary limits caused an answer. They
// sometimes come without a header.
func (a *answer) secondary() bool { return strings.Contains(string(a.body), "secondary rate limit") }

// pause returns the time to wait before the next try, and false if there should
// be none after this many tries. A request that creates something isn't
// repeated after a server error, since it may have succeeded.
func (a *answer) pause(now time.Time, tries int) (time.Duration, bool) {
	failed := a.StatusCode >= 500 && a.StatusCode != http.StatusNotImplemented
	if !failed && !a.limited() {
		return 0, false
	}
	again := tries < maxTries && (a.limited() || a.Request.Method != http.MethodPost)
	if pause, said := a.asked(now); said {
		return min(max(0, pause), maxAsked), again
	}
	if a.limited() && (a.StatusCode == http.StatusForbidden || a.secondary()) {
		return time.Minute, again // GitHub's documented pause for answers without a header
	}
	return time.Second << (tries - 1), again
}

// maxAsked bounds the pause that a forge may ask for. GitHub's limits are per
// hour.
const maxAsked = 24 * time.Hour

// asked returns the pause that the forge asks for, and false if it asks for
// none.
func (a *answer) asked(now time.Time) (time.Duration, bool) {
	after := a.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil {
		return time.Duration(min(seconds, int(maxAsked/time.Second))) * time.Second, true
	}
	if at, err := http.ParseTime(after); err == nil {
		return at.Sub(now), true
	}
	for _, prefix := range rateLimits {
		reset, err := strconv.ParseInt(a.Header.Get(prefix+"Reset"), 10, 64)
		if err == nil && a.Header.Get(prefix+"Remaining") == "0" {
			return time.Unix(reset, 0).Sub(now), true
		}
	}
	return 0, false
}

// rateLimits are the prefixes of headers about limits: GitHub's and GitLab's.
var rateLimits = []string{"X-RateLimit-", "RateLimit-"}

// allows returns the number of requests that the forge still allows, and false
// if it doesn't say.
func (a *answer) allows() (int, bool) {
	for _, prefix := range rateLimits {
		if left, err := strconv.Atoi(a.Header.Get(prefix + "Remaining")); err == nil && left >= 0 {
			return left, true
		}
	}
	return 0, false
}

// result returns the answer as a response, or as an error.
func (a *answer) result() (*http.Response, error) {
	switch {
	case a.StatusCode < 300 && a.hollow():
		return nil, errors.New("the answer is a list of nothing")
	case a.StatusCode < 300:
		return a.Response, nil
	case a.StatusCode == http.StatusNotModified:
		return nil, ErrNotModified
	}
	e := &StatusError{Status: a.StatusCode, Message: a.message()}
	e.kind = kind(e)
	switch {
	case a.sent == "":
	case errors.Is(e.kind, ErrAuth):
		e.help = a.sent + " was refused"
	case errors.Is(e.kind, ErrForbidden):
		e.help = a.sent + " may not do this"
	}
	return nil, e
}

// hollow reports whether an answer has a null in a list, which the SDKs don't
// expect.
func (a *answer) hollow() bool {
	var list []json.RawMessage
	return json.Unmarshal(a.body, &list) == nil &&
		slices.ContainsFunc(list, func(item json.RawMessage) bool { return string(item) == "null" })
}

// kind returns the sentinel for a status, or nil.
func kind(e *StatusError) error {
	switch e.Status {
	case http.StatusUnauthorized:
		return ErrAuth
	case http.StatusForbidden:
		if strings.Contains(strings.ToLower(e.Message), "archived") {
			return ErrArchived // GitHub
		}
		return ErrForbidden
	case http.StatusNotFound, http.StatusGone, http.StatusMovedPermanently:
		return ErrNotFound
	case http.StatusLocked:
		return ErrArchived // Gitea
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return ErrInvalid
	}
	return nil
}

// message returns the forge's message, safe to display and without credentials.
func (a *answer) message() string {
	var said struct {
		Message     json.RawMessage `json:"message"`
		Error       string          `json:"error"`
		Description string          `json:"error_description"` // GitLab's, about a missing scope
		Scope       string          `json:"scope"`
		Errors      json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(a.body, &said)
	text := words(said.Message) + " " + said.Error + " " + said.Description + " " + said.Scope + " " + details(said.Errors)
	if strings.TrimSpace(text) == "" {
		text = login.Said(a.body) // of a proxy before the forge, or in another form
	}
	return a.secrets.Text(Clean(text + " " + a.lacking()))
}

// lacking returns the permission that a token lacks, in GitHub's words: its
// header for apps and fine-grained tokens, else the scopes of classic ones.
func (a *answer) lacking() string {
	if a.StatusCode != http.StatusForbidden {
		return ""
	}
	if needs := a.Header.Get("X-Accepted-GitHub-Permissions"); needs != "" {
		return "(the permission that it takes: " + needs + ")"
	}
	if needs := a.Header.Get("X-Accepted-OAuth-Scopes"); needs != "" {
		return "(the token's scopes are " + strconv.Quote(a.Header.Get("X-OAuth-Scopes")) + "; it takes one of: " + needs + ")"
	}
	return ""
}

// words returns a message as one text. GitLab's may be a list, or lists by the
// name of the wrong field.
func words(message json.RawMessage) string {
	var text string
	var list []string
	var named map[string][]string
	switch {
	case json.Unmarshal(message, &text) == nil:
		return text
	case json.Unmarshal(message, &list) == nil:
	case json.Unmarshal(message, &named) == nil:
		for _, name := range slices.Sorted(maps.Keys(named)) {
			list = append(list, name+" "+strings.Join(named[name], ", "))
		}
	}
	return strings.Join(list, "; ")
}

// details returns the messages of GitHub's list of errors, which are objects or
// strings.
func details(list json.RawMessage) string {
	var errs []json.RawMessage
	if json.Unmarshal(list, &errs) != nil {
		return ""
	}
	var all []string
	for _, raw := range errs {
		var text string
		var object struct{ Resource, Field, Code, Message string }
		switch {
		case json.Unmarshal(raw, &text) == nil:
		case json.Unmarshal(raw, &object) == nil && object.Message != "":
			text = object.Message
		default:
			text = strings.Join(strings.Fields(object.Resource+" "+object.Field+" "+object.Code), " ")
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return ""
	}
	return "(" + strings.Join(all, "; ") + ")"
}

// maxText bounds a forge's text in characters.
const maxText = 500

// Clean makes a forge's text safe to display: one bounded line, without
// anything that a terminal or a page would interpret.
func Clean(s string) string { return OneLine(s, maxText) }

// OneLine returns a text on one line, of so many characters.
func OneLine(s string, characters int) string {
	return pinsetter.Truncate(strings.Join(strings.Fields(strings.Map(pinsetter.Visible, s)), " "), characters)
}
