package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Sentinels for the kinds of answers that aren't a success. An error's text quotes
// the forge, and never contains a token.
var (
	// ErrAuth: the forge doesn't accept the credentials, or requires some.
	ErrAuth = errors.New("access denied")

	// ErrForbidden: the credentials are valid but not sufficient. The message
	// names the missing permission if the forge does.
	ErrForbidden = errors.New("not permitted")

	// ErrNotFound: the repository or pull request doesn't exist, or the
	// credentials don't show it.
	ErrNotFound = errors.New("not found")

	// ErrArchived: the repository is read-only.
	ErrArchived = errors.New("the repository is archived")

	// ErrRateLimited: the forge asks for a longer pause than a request may
	// wait. The error is a *RateLimitError.
	ErrRateLimited = errors.New("rate limit reached")

	// ErrInvalid: the forge refuses the request, such as a pull request between
	// two equal branches.
	ErrInvalid = errors.New("refused")

	// ErrNotModified is the result of a conditional request; see WithETag.
	ErrNotModified = errors.New("not modified")
)

// StatusError is an answer that isn't a success. It wraps the sentinel of its
// status, if there is one.
type StatusError struct {
	Status  int
	Message string // the forge's message, safe to display
	kind    error
	help    string // the way out; ""
}

func (e *StatusError) Error() string {
	text := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	if e.kind != nil {
		text = e.kind.Error() + ": " + text
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.help != "" {
		text += "; " + e.help
	}
	return text
}

func (e *StatusError) Unwrap() error { return e.kind }

// Status returns an error's answer if it has this status.
func Status(err error, code int) (*StatusError, bool) {
	var refused *StatusError
	if errors.As(err, &refused) && refused.Status == code {
		return refused, true
	}
	return nil, false
}

// RateLimitError says until when the forge wants no requests. It wraps
// ErrRateLimited.
type RateLimitError struct {
	Host  string
	Until time.Time // zero if the forge doesn't say
}

// Error says until when the forge wants no requests.
func (e *RateLimitError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("%v at %s", ErrRateLimited, e.Host)
	}
	return fmt.Sprintf("%v at %s until %s", ErrRateLimited, e.Host, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap returns ErrRateLimited.
func (e *RateLimitError) Unwrap() error { return ErrRateLimited }

// Inner returns a transport's error without net/http's wrapping.
func Inner(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
