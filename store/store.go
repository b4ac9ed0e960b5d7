// Package store keeps the ledger: what was seen in registries, what was written
// where, and what each run did. It is memory, never the truth: losing it
// restarts cooldowns and costs time, no more.
//
// The ledger is an SQLite file, or a PostgreSQL database that several machines
// share; both run the same queries. Several processes may use one ledger at
// once. What comes in batches costs one query, and one transaction where
// something is new; a warm ledger isn't written to.
//
// A Ledger trusts its caller's clock and never moves what it has recorded, so a
// clock that goes back makes no tag older. One that is ahead does, while it is.
package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Options bound a ledger. The zero value's bounds fit a fleet of thousands of
// policies.
type Options struct {
	// ReadOnly leaves the database as it is: nothing is created, migrated or
	// recorded. What would be recorded is forgotten, without an error, so that
	// a dry run takes the same way as a real one. A database that doesn't exist
	// reads as an empty one.
	ReadOnly bool

	Wait      time.Duration // for a lock that another process holds; 0 = 10 s
	Keep      time.Duration // how long what isn't met any more is kept; 0 = 400 days
	Runs      int           // how many runs are kept; 0 = 10,000
	Sightings int           // how many tags are kept; 0 = 1,000,000, about 200 MB
}

func (o Options) withDefaults() Options {
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Keep == 0 {
		o.Keep = 400 * 24 * time.Hour
	}
	if o.Runs == 0 {
		o.Runs = 10_000
	}
	if o.Sightings == 0 {
		o.Sightings = 1_000_000
	}
	return o
}

// Ledger is what was seen and done. The zero Ledger remembers nothing, as that
// of "none" does: it finds nothing and forgets what it is told, without errors.
// It is safe for concurrent use, by several processes too. No operation lasts
// longer than a minute.
type Ledger struct {
	db        *sql.DB // nil where nothing is kept, or nothing is there to be read
	engine    engine
	dsn       DSN
	options   Options
	remembers bool
	ephemeral string
}

// Open opens the ledger of dsn, which it creates where there is none, and
// brings its tables up to date. Errors are those of this package's sentinels.
// Close the ledger after use.
func Open(ctx context.Context, dsn DSN, o Options) (*Ledger, error) {
	l := &Ledger{dsn: dsn, options: o.withDefaults(), remembers: true}
	var err error
	switch {
	case dsn.path != "":
		l.engine = sqliteEngine{path: dsn.path}
		err = l.openSQLite()
	case !dsn.url.IsZero():
		l.engine = postgresEngine{secrets: secretsOf(dsn)}
		err = l.openPostgres()
	default:
		return &Ledger{}, nil
	}
	if err != nil {
		err = l.fail(ctx, "open state", err)
	} else if l.db != nil {
		err = l.prepare(ctx)
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Close ends the ledger's connections.
func (l *Ledger) Close() error {
	if l.db == nil {
		return nil
	}
	return l.db.Close()
}

// Remembers reports whether anything is kept, so that a gate that counts from a
// first sight may ever pass. It is false for "none" and the zero Ledger.
func (l *Ledger) Remembers() bool { return l.remembers }

// Ephemeral returns why this ledger evidently doesn't last, for people, with
// the way out: its file is in a container's own layer or in memory. It is ""
// where nothing speaks against it.
func (l *Ledger) Ephemeral() string { return l.ephemeral }

// String returns the ledger's DSN, without secrets.
func (l *Ledger) String() string { return l.dsn.String() }

// reads reports whether there is anything to read from.
func (l *Ledger) reads() bool { return l.db != nil }

// writes reports whether what is told is recorded.
func (l *Ledger) writes() bool { return l.db != nil && !l.options.ReadOnly }

// micros returns t as it is stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment returns the time that micros was given, in UTC.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// plain returns s as both engines store it: valid UTF-8 without NUL. It can't
// be undone; [quoted] can.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
