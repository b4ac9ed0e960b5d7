package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/login"
)

// statusError is an answer that isn't a success. It wraps the sentinel that the
// status stands for, if any does.
type statusError struct {
	Status  int
	Message string // what the forge said, fit to show
	kind    error
}

func (e *statusError) Error() string {
	text := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	if e.kind != nil {
		text = e.kind.Error() + ": " + text
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

func (e *statusError) Unwrap() error { return e.kind }

// Error says until when the forge wants to be left alone.
func (e *RateLimitError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("%v at %s", ErrRateLimited, e.Host)
	}
	return fmt.Sprintf("%v at %s until %s", ErrRateLimited, e.Host, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap returns ErrRateLimited.
func (e *RateLimitError) Unwrap() error { return ErrRateLimited }

// answer is a forge's answer to one request, read to its end.
type answer struct {
	*http.Response
	body    []byte
	from    *url.URL
	secrets *login.Scrubber // knows what was sent
}

// redirect returns where an answer leads, nil where it stays.
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

// limited reports whether the forge asks for fewer requests. GitHub says so with
// a 403 as well:
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
func (a *answer) limited() bool {
	if a.StatusCode == http.StatusTooManyRequests {
		return true
	}
	return a.StatusCode == http.StatusForbidden &&
		(a.Header.Get("Retry-After") != "" || a.Header.Get("X-RateLimit-Remaining") == "0" || a.secondary())
}

// secondary reports whether an answer is of GitHub's secondary limits, which
// come without a header at times.
func (a *answer) secondary() bool { return strings.Contains(string(a.body), "secondary rate limit") }

// pause returns how long to wait before asking again, and whether to ask again
// at all after this many tries. A request that makes something anew may have
// done so before a server failed, and isn't repeated then.
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
		return time.Minute, again // what GitHub's documentation wants where it says nothing
	}
	return time.Second << (tries - 1), again
}

// maxAsked bounds what a forge asks for: GitHub's limits are those of an hour.
const maxAsked = 24 * time.Hour

// asked returns the pause that the forge asks for.
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

// rateLimits begin the headers about limits: GitHub's and GitLab's.
var rateLimits = []string{"X-RateLimit-", "RateLimit-"}

// allows returns how many requests the forge still allows; false where it doesn't
// say.
func (a *answer) allows() (int, bool) {
	for _, prefix := range rateLimits {
		if left, err := strconv.Atoi(a.Header.Get(prefix + "Remaining")); err == nil && left >= 0 {
			return left, true
		}
	}
	return 0, false
}

// result returns the answer as a response, or as the error that it is.
func (a *answer) result() (*http.Response, error) {
	switch {
	case a.StatusCode < 300 && a.hollow():
		return nil, errors.New("the answer is a list of nothing")
	case a.StatusCode < 300:
		return a.Response, nil
	case a.StatusCode == http.StatusNotModified:
		return nil, errNotModified
	}
	e := &statusError{Status: a.StatusCode, Message: a.message()}
	e.kind = kind(e)
	return nil, e
}

// hollow reports whether an answer lists a null, which the clients don't look for.
func (a *answer) hollow() bool {
	var list []json.RawMessage
	return json.Unmarshal(a.body, &list) == nil &&
		slices.ContainsFunc(list, func(item json.RawMessage) bool { return string(item) == "null" })
}

// kind returns the sentinel of a status.
func kind(e *statusError) error {
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

// message returns what the forge said, fit to show and without the credentials.
func (a *answer) message() string {
	var said struct {
		Message     json.RawMessage `json:"message"`
		Error       string          `json:"error"`
		Description string          `json:"error_description"` // GitLab's, of a scope that is missing
		Scope       string          `json:"scope"`
		Errors      json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(a.body, &said)
	text := words(said.Message) + " " + said.Error + " " + said.Description + " " + said.Scope + " " + details(said.Errors) + " " + a.lacking()
	return a.secrets.Text(clean(text))
}

// lacking returns what GitHub says of the permission that a token lacks: its
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

// words returns a message, which at GitLab may be a list, or lists by the name of
// what is wrong.
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
// texts.
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
