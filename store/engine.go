package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// engine is what differs between the databases: how they take a list, whether
// the tables are there, how one process prepares them alone, and what their
// errors mean. Queries name lists as TEXTS($1), a JSON array of strings, and
// ROWS($1), a JSON array of arrays; each gives rows "j" with one column "value".
type engine interface {
	dialect() *strings.Replacer
	tables() string // counts, in one row, all tables and then ours
	prelude(wait time.Duration) []string
	migrate() []string
	explain(err error) *fault

	// leaders returns where the lead of a name is asked for, and what ends that.
	leaders(l *Ledger, name string) (db *sql.DB, done func(), err error)

	// lead returns the transaction that holds the lead, nil where another has it.
	lead(ctx context.Context, db *sql.DB, name string) (*sql.Tx, error)
}

// within bounds one operation: what a gate waits for must not hang a run.
const within = time.Minute

// attempts is how often an operation is tried where its error says that it may
// succeed: a deadlock was broken, a connection was lost. All operations give the
// same result when they are done twice.
const attempts = 4

// querier is a database or a transaction on it.
type querier struct {
	on interface {
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}
	dialect *strings.Replacer
}

// exec runs a statement and returns how many rows it changed.
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

// read calls f with the database. F may be called more than once.
func (l *Ledger) read(ctx context.Context, operation string, f func(context.Context, querier) error) error {
	return l.try(ctx, operation, func(ctx context.Context) error {
		return f(ctx, querier{on: l.db, dialect: l.engine.dialect()})
	})
}

// write calls f with a transaction that nobody else's writing comes between. F
// may be called more than once; its last call is what counts.
func (l *Ledger) write(ctx context.Context, operation string, f func(context.Context, querier) error) error {
	return l.try(ctx, operation, func(ctx context.Context) error {
		return l.transaction(ctx, l.engine.prelude(l.options.Wait), f)
	})
}

func (l *Ledger) transaction(ctx context.Context, prelude []string, f func(context.Context, querier) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	for _, statement := range prelude {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := f(ctx, querier{on: tx, dialect: l.engine.dialect()}); err != nil {
		return err
	}
	return tx.Commit()
}

// try calls f until it succeeds, fails for good, or was called often enough.
func (l *Ledger) try(ctx context.Context, operation string, f func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := f(bounded)
		if err == nil {
			return nil
		}
		failure := l.understand(err)
		var fault *fault
		again := errors.As(failure, &fault) && fault.again && attempt < attempts
		if !again || !pause(bounded, time.Duration(attempt)*20*time.Millisecond) {
			return l.fail(ctx, operation, failure)
		}
	}
}

// pause waits, and reports whether ctx lasted that long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// list returns values as TEXTS and ROWS take them.
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
