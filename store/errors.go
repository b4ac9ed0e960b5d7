package store

import (
	"context"
	"errors"
	"fmt"
)

// What can be wrong with a database. Every error of this package is one of
// these, a context's, or something unforeseen; its text names the database and
// the way out. A caller whose gates don't need the ledger may go on with a
// [Ledger]'s zero value after any of them.
var (
	ErrLocked      = errors.New("another process holds the database")
	ErrCorrupt     = errors.New("the database is damaged")
	ErrFull        = errors.New("the database can't grow")
	ErrReadOnly    = errors.New("the database can't be written")
	ErrSchema      = errors.New("the database has another schema") // of a newer or unknown program
	ErrUnreachable = errors.New("the database doesn't answer")
	ErrStateless   = errors.New("no state is kept") // --state none
)

// fault is what a driver's error means: one of the sentinels, or nil where the
// error isn't known, what the driver said, and what to do about it.
type fault struct {
	kind  error
	cause string
	way   string
	again bool // doing the same once more may succeed
}

func (f *fault) Error() string {
	text := f.cause
	if f.kind != nil {
		text = f.kind.Error()
		if f.cause != "" {
			text += " (" + f.cause + ")"
		}
	}
	if f.way != "" {
		text += ": " + f.way
	}
	return text
}

// Unwrap returns the sentinel. The driver's own error isn't handed on: it may
// hold the password.
func (f *fault) Unwrap() error { return f.kind }

// fail words an error of an operation such as "record sightings".
func (l *Ledger) fail(ctx context.Context, operation string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s in %s: %w", operation, l.dsn, cause)
	}
	return fmt.Errorf("%s in %s: %w", operation, l.dsn, l.understand(err))
}

// understand returns err as a fault, unless it is one or is our own.
func (l *Ledger) understand(err error) error {
	var known *fault
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return l.engine.explain(err)
}
