package cli

import (
	"fmt"
	"io"
)

// The exit status, which users and scripts rely on.
const (
	StatusDone      = 0 // everything asked for was done, with or without changes or holds
	StatusFailed    = 1 // something failed; everything else was done
	StatusUsage     = 2 // the command line is wrong, nothing could be loaded, or lint found a wrong object
	StatusDifferent = 3 // diff --exit-code or lint --exit-code found something
)

// Streams are the three files of a process.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// ExitError is an error with an exit status. Its message, if any, is still to be
// printed.
type ExitError struct {
	Status int
	Err    error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("status %d", e.Status)
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// Usage returns an error for a mistake in the command line.
func Usage(format string, args ...any) error {
	return &ExitError{StatusUsage, fmt.Errorf(format, args...)}
}

// Exit returns an error with a status, for which it ends the program. Err is nil if
// all is said.
func Exit(status int, err error) error { return &ExitError{status, err} }
