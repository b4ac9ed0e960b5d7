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

	"github.com/pinsetter/pinsetter/pause"
)

// Intervals of asking for the lead and of checking it. If the server hasn't
// confirmed the lead for leadDoubt, another process may have it.
const (
	leadEvery = time.Second
	leadDoubt = 5 * time.Second
)

// Lead waits until no other process with this ledger leads by this name. It
// returns a context that ends with ctx, or when the lead is lost; its cause
// says which. Call resign once all work has ended; the next process can lead
// then. The lead also ends with the process.
//
// The lead is an open transaction: with an advisory lock on a server, so that
// it works through poolers, or with a lock on a file beside an SQLite file.
// Lead returns ErrStateless if there is no state.
func (l *Ledger) Lead(ctx context.Context, name string) (leading context.Context, resign func(), err error) {
	if !l.db.writes() {
		return nil, nil, fmt.Errorf("wait for the lead: %w: name one with --state", ErrStateless)
	}
	db, done, err := l.db.engine.leaders(&l.db, name)
	if err != nil {
		return nil, nil, l.db.fail(ctx, "wait for the lead", err)
	}
	lasting := context.WithoutCancel(ctx) // ends by resigning
	var held *sql.Tx
	for held == nil {
		if held, err = l.db.engine.lead(lasting, db, name); err != nil {
			done()
			return nil, nil, l.db.fail(ctx, "wait for the lead", err)
		}
		if held == nil && pause.For(ctx, leadEvery) != nil {
			done()
			return nil, nil, context.Cause(ctx)
		}
	}
	leading, lose := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		defer done()
		defer func() { _ = held.Rollback() }() // it changed nothing
		lose(l.db.keepLead(lasting, held, stop))
	}()
	return leading, func() { close(stop) }, nil
}

// keepLead returns nil when stop is closed, and an error when the lead is lost.
func (d *database) keepLead(ctx context.Context, held *sql.Tx, stop chan struct{}) error {
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
			return d.fail(ctx, "keep the lead", err)
		}
	}
}

// leadNumber returns the number of the advisory lock for a name.
func leadNumber(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte("pinsetter leader " + name))
	return int64(h.Sum64())
}

// leaders opens the file whose lock elects the leader for a name.
func (e sqliteEngine) leaders(_ *database, name string) (db *sql.DB, done func(), err error) {
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

func (postgresEngine) leaders(d *database, _ string) (db *sql.DB, done func(), err error) {
	return d.pool, func() {}, nil
}

func (postgresEngine) lead(ctx context.Context, db *sql.DB, name string) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var mine bool
	if err := tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", leadNumber(name)).Scan(&mine); err != nil || !mine {
		_ = tx.Rollback() // it changed nothing
		return nil, err
	}
	return tx, nil
}
