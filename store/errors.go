package store

import (
	"context"
	"errors"
	"fmt"
)

// Sentinels for faults of a database. Every error of this package wraps one of
// them or a context's error, or is unforeseen. Its text names the database and
// the way out. A caller whose gates don't need the ledger may continue with a
// zero [Ledger] after any of them.
var (
	ErrLocked      = errors.New("another process holds the database")
	ErrCorrupt     = errors.New("the database is damaged")
	ErrFull        = errors.New("the database can't grow")
	ErrReadOnly    = errors.New("the database can't be written")
	ErrSchema      = errors.New("the database has another schema") // made by a newer or unknown program
	ErrUnreachable = errors.New("the database doesn't answer")
	ErrStateless   = errors.New("no state is kept") // --state none
)

// fault is a driver's error in our terms: its sentinel, or nil if it is
// unknown; the driver's message; and what to do about it.
type fault struct {
	kind  error
	cause string
	way   string
	again bool // another try may succeed
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

// Unwrap returns the sentinel. It hides the driver's error, which may contain
// the password.
func (f *fault) Unwrap() error { return f.kind }

// fail returns an error for an operation such as "record sightings".
func (d *database) fail(ctx context.Context, operation string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s in %s: %w", operation, d.dsn, cause)
	}
	return fmt.Errorf("%s in %s: %w", operation, d.dsn, d.understand(err))
}

// understand converts a driver's error to a fault. It returns our own errors
// unchanged.
func (d *database) understand(err error) error {
	var known *fault
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return d.engine.explain(err)
}
