package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/pause"
)

// engine is the part that differs between the databases: the syntax of lists,
// whether the tables exist, how one process migrates them alone, and the
// meaning of errors. Queries write lists as TEXTS($1), a JSON array of strings,
// and ROWS($1), a JSON array of arrays; each gives rows "j" with one column
// "value".
type engine interface {
	dialect() *strings.Replacer
	tables() string // a query for the number of all tables and of ours, in one row
	prelude(wait time.Duration) []string
	migrate() []string
	explain(err error) *fault

	// leaders returns the database in which the leader for a name is elected,
	// and a function that releases it.
	leaders(d *database, name string) (db *sql.DB, done func(), err error)

	// lead returns the transaction that holds the lead, or nil if another
	// process has it.
	lead(ctx context.Context, db *sql.DB, name string) (*sql.Tx, error)
}

// within bounds one operation, so that a gate that waits for it doesn't hang a
// run.
const within = time.Minute

// attempts bounds the tries of an operation whose error says that it may
// succeed: after a deadlock or a lost connection. Every operation has the same
// result if it runs twice.
const attempts = 4

// querier is a database or a transaction on it.
type querier struct {
	on interface {
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}
	dialect *strings.Replacer
}

// exec runs a statement and returns the number of changed rows.
func (q querier) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := q.on.ExecContext(ctx, q.dialect.Replace(statement), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a query and calls scan for each row.
func (q querier) query(ctx context.Context, scan func(row func(...any) error) error, query string, args ...any) error {
	rows, err := q.on.QueryContext(ctx, q.dialect.Replace(query), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// database is what the tables of a ledger share. Its methods retry, bound the time
// and name the database in errors.
type database struct {
	pool      *sql.DB // nil if there is no state, or nothing to read
	engine    engine
	dsn       DSN
	options   Options
	remembers bool
	ephemeral string // a warning; see [Ledger.Ephemeral]
}

// reads reports whether there is a database to read from.
func (d *database) reads() bool { return d.pool != nil }

// writes reports whether writes are recorded.
func (d *database) writes() bool { return d.pool != nil && !d.options.ReadOnly }

// read calls f with the database. It may call f more than once.
func (d *database) read(ctx context.Context, operation string, f func(context.Context, querier) error) error {
	return d.try(ctx, operation, func(ctx context.Context) error {
		return f(ctx, querier{on: d.pool, dialect: d.engine.dialect()})
	})
}

// write runs f in a serialized write transaction. It may call f more than once;
// only the last call takes effect.
func (d *database) write(ctx context.Context, operation string, f func(context.Context, querier) error) error {
	return d.try(ctx, operation, func(ctx context.Context) error {
		return d.transaction(ctx, d.engine.prelude(d.options.Wait), f)
	})
}

func (d *database) transaction(ctx context.Context, prelude []string, f func(context.Context, querier) error) error {
	tx, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after a commit
	for _, statement := range prelude {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := f(ctx, querier{on: tx, dialect: d.engine.dialect()}); err != nil {
		return err
	}
	return tx.Commit()
}

// try calls f until it succeeds or fails for good, or the attempts are used up.
func (d *database) try(ctx context.Context, operation string, f func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := f(bounded)
		if err == nil {
			return nil
		}
		failure := d.understand(err)
		var fault *fault
		again := errors.As(failure, &fault) && fault.again && attempt < attempts
		if !again || pause.For(bounded, time.Duration(attempt)*20*time.Millisecond) != nil {
			return d.fail(ctx, operation, failure)
		}
	}
}

// list returns values in the form that TEXTS and ROWS take.
func list[T any](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	data, err := json.Marshal(values)
	if err != nil {
		panic("store: strings and numbers always encode: " + err.Error())
	}
	return string(data)
}
