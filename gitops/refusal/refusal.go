// Package refusal makes errors of the answers by which Git servers refuse: each has a
// kind, the server's text and, if it is known, a way out. It asks no server anything.
package refusal

import (
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter/git/wire"
)

// The kinds of refusals.
var (
	// ErrStale: the branch isn't what it was when it was read.
	ErrStale = errors.New("the branch has moved since it was read")

	// ErrProtected: the server's rules refuse the push. Trying again won't help.
	ErrProtected = errors.New("the server refuses the push")

	// ErrNoReplace is an ErrProtected: the branch may get commits on top of those that
	// it has, and keeps these.
	ErrNoReplace = fmt.Errorf("%w: it lets no commit of the branch be dropped", ErrProtected)

	// ErrAuth: the server doesn't accept the credentials, or wants some.
	ErrAuth = errors.New("access denied")

	// ErrNotFound: there is no such repository, or the credentials don't show it.
	ErrNotFound = errors.New("repository not found")

	// ErrStatus: the server's answer is neither yes nor one of these.
	ErrStatus = errors.New("the server answered")

	// errFault: the server failed to do it, and would have allowed it.
	errFault = errors.New("the server has a fault of its own")

	// errClash: the name of a ref is a folder of another's, or below it.
	errClash = errors.New("its name clashes with that of another ref")

	// errLocked is an ErrStale whose branch has not moved: the same helps.
	errLocked error = lockedError{}
)

type lockedError struct{}

func (lockedError) Error() string { return "the branch is locked on the server" }

func (lockedError) Unwrap() error { return ErrStale }

// Error is a refusal: a server's no.
type Error struct {
	kind error  // one of those above
	how  string // in brackets behind it, such as "401"; ""
	said string // by the server
	help string // ""
}

// New returns a refusal of one of the kinds above. How is put in brackets behind it,
// such as "401"; "" for nothing. Said is the server's own text.
func New(kind error, how, said string) *Error {
	return &Error{kind: kind, how: how, said: wire.Clean(said)}
}

// Help sets the way out; "": none is known.
func (e *Error) Help(text string) { e.help = text }

// Error names the kind, quotes the server and adds the way out.
func (e *Error) Error() string {
	text, then := e.kind.Error(), ": "
	if e.how != "" {
		text += " (" + e.how + ")"
	}
	if e.said != "" {
		text, then = text+": "+e.said, "; "
	}
	if e.help != "" {
		text += then + e.help
	}
	return text
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.kind }
