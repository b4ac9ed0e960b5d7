package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"net/url"
	"path/filepath"
	"time"

	lib "modernc.org/sqlite/lib"
)

// How often the lead is asked for, and, once it is had, whether it still is. A
// server that doesn't say so for leadDoubt may have given it to another.
const (
	leadEvery = time.Second
	leadDoubt = 5 * time.Second
)

// Lead waits until no other process leads by this name, of all that use this
// ledger, and returns a context that ends with ctx, and when the lead is lost;
// the cause says which. Resign gives it to the next; call it when nothing is done
// any more. The lead ends with the process, however that ends.
//
// It is held by a transaction that stays open: on the server an advisory lock, so
// that it passes through poolers; a lock on a file beside an SQLite file. It is
// ErrStateless where nothing is kept.
func (l *Ledger) Lead(ctx context.Context, name string) (leading context.Context, resign func(), err error) {
	if !l.writes() {
		return nil, nil, fmt.Errorf("wait for the lead: %w: name a ledger by --state", ErrStateless)
	}
	db, done, err := l.engine.leaders(l, name)
	if err != nil {
		return nil, nil, l.fail(ctx, "wait for the lead", err)
	}
	lasting := context.WithoutCancel(ctx) // it is given back by resigning
	var held *sql.Tx
	for held == nil {
		if held, err = l.engine.lead(lasting, db, name); err != nil {
			done()
			return nil, nil, l.fail(ctx, "wait for the lead", err)
		}
		if held == nil && !pause(ctx, leadEvery) {
			done()
			return nil, nil, context.Cause(ctx)
		}
	}
	leading, lose := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		defer done()
		defer func() { _ = held.Rollback() }() // it did nothing
		lose(l.keepLead(lasting, held, stop))
	}()
	return leading, func() { close(stop) }, nil
}

// keepLead returns nil when stop is closed, and an error when the lead is lost.
func (l *Ledger) keepLead(ctx context.Context, held *sql.Tx, stop chan struct{}) error {
	ticker := time.NewTicker(leadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-ticker.C:
		}
		bounded, cancel := context.WithTimeout(ctx, leadDoubt)
		_, err := held.ExecContext(bounded, "SELECT 1")
		cancel()
		if err != nil {
			return l.fail(ctx, "keep the lead", err)
		}
	}
}

// leadNumber is a name as a lock has it.
func leadNumber(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte("pinsetter leader " + name))
	return int64(h.Sum64())
}

// leaders opens the file whose lock is the lead of a name.
func (e sqliteEngine) leaders(_ *Ledger, name string) (db *sql.DB, done func(), err error) {
	path, err := filepath.Abs(fmt.Sprintf("%s.lead-%x", e.path, uint64(leadNumber(name))))
	if err == nil {
		err = makeFile(path)
	}
	if err != nil {
		return nil, nil, onDisk(err)
	}
	query := url.Values{"_txlock": {"exclusive"}, "_pragma": {"busy_timeout(0)"}}
	file := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	if db, err = sql.Open("sqlite", file.String()); err != nil {
		return nil, nil, err
	}
	return db, func() { _ = db.Close() }, nil
}

func (sqliteEngine) lead(ctx context.Context, db *sql.DB, _ string) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil && code(err)&0xff == lib.SQLITE_BUSY {
		return nil, nil
	}
	return tx, err
}

func (postgresEngine) leaders(l *Ledger, _ string) (db *sql.DB, done func(), err error) {
	return l.db, func() {}, nil
}

func (postgresEngine) lead(ctx context.Context, db *sql.DB, name string) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var mine bool
	if err := tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", leadNumber(name)).Scan(&mine); err != nil || !mine {
		_ = tx.Rollback() // it did nothing
		return nil, err
	}
	return tx, nil
}
