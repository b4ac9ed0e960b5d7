// Package store is the ledger: what was seen in registries, what was written
// and where, and the outcome of each run. It is memory, never the truth: losing
// it restarts cooldowns and costs time.
//
// The ledger is an SQLite file, or a PostgreSQL database that several machines
// share. Both run the same queries. Several processes may use one ledger at
// once. A batch costs one query, and one transaction if it contains anything
// new; a warm ledger isn't written to.
//
// A Ledger trusts its caller's clock and never changes recorded times, so a
// clock that is set back makes no tag older. A clock that is ahead does, while
// it is ahead.
package store

import (
	"context"
	"strings"
	"time"
)

// Options bound a ledger. The defaults fit a fleet of thousands of policies.
type Options struct {
	// ReadOnly leaves the database unchanged: nothing is created, migrated or
	// recorded. Writes are dropped without an error, so that a dry run takes
	// the same code path. A missing database reads as an empty one.
	ReadOnly bool

	Wait      time.Duration // for another process's lock; 0: 10 s
	Keep      time.Duration // how long data that is no longer found is kept; 0: 400 days
	Runs      int           // number of runs to keep; 0: 10,000
	Sightings int           // number of tags to keep; 0: 1,000,000, about 200 MB
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

// Ledger is the record of what was seen and done: a database and, by topic, its
// tables. The zero Ledger, like that of "none", finds nothing and drops what it is
// told, without errors. It is safe for concurrent use, also by several processes.
// No operation takes longer than a minute.
type Ledger struct{ db database }

// Open opens the ledger of dsn. It creates a missing one and migrates its
// tables. Errors wrap this package's sentinels. Close the ledger after use.
func Open(ctx context.Context, dsn DSN, o Options) (*Ledger, error) {
	l := &Ledger{database{dsn: dsn, options: o.withDefaults(), remembers: true}}
	var err error
	switch {
	case dsn.path != "":
		l.db.engine = sqliteEngine{path: dsn.path}
		err = l.db.openSQLite()
	case !dsn.url.IsZero():
		l.db.engine = postgresEngine{secrets: secretsOf(dsn)}
		err = l.db.openPostgres()
	default:
		return &Ledger{}, nil
	}
	if err != nil {
		err = l.db.fail(ctx, "open state", err)
	} else if l.db.pool != nil {
		err = l.db.prepare(ctx)
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Close ends the ledger's connections.
func (l *Ledger) Close() error {
	if l.db.pool == nil {
		return nil
	}
	return l.db.pool.Close()
}

// The tables, by topic. They share the ledger's connections, and end with it.

// Sights returns the table of tags and digests, with the times when they were
// first seen.
func (l *Ledger) Sights() Sights { return Sights{&l.db} }

// Listings returns the table of how long the tag lists of images were.
func (l *Ledger) Listings() Listings { return Listings{&l.db} }

// Facts returns the table of facts about content.
func (l *Ledger) Facts() Facts { return Facts{&l.db} }

// Proofs returns the table of judgements of signatures.
func (l *Ledger) Proofs() Proofs { return Proofs{&l.db} }

// Sites returns the table of written images.
func (l *Ledger) Sites() Sites { return Sites{&l.db} }

// Runs returns the table of runs.
func (l *Ledger) Runs() Runs { return Runs{&l.db} }

// Proposals returns the table of pull requests.
func (l *Ledger) Proposals() Proposals { return Proposals{&l.db} }

// Quiet returns the table of reasons why there was nothing to do.
func (l *Ledger) Quiet() Quiet { return Quiet{&l.db} }

// Wakes returns the table of webhooks for other processes.
func (l *Ledger) Wakes() Wakes { return Wakes{&l.db} }

// Records reports whether the ledger stores new data: it remembers, and isn't
// opened read-only.
func (l *Ledger) Records() bool { return l.db.remembers && !l.db.options.ReadOnly }

// Remembers reports whether the ledger stores anything. If not, a gate that
// counts from a first sight can never pass. It is false for "none" and the zero
// Ledger.
func (l *Ledger) Remembers() bool { return l.db.remembers }

// Ephemeral returns a warning for people if the ledger's file will evidently be
// lost: it is in a container's own layer or in memory. It returns "" if there
// is no such sign.
func (l *Ledger) Ephemeral() string { return l.db.ephemeral }

// String returns the ledger's DSN, without secrets.
func (l *Ledger) String() string { return l.db.dsn.String() }

// micros returns the stored form of t: microseconds since 1970, 0 for the zero
// time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment reverses micros. The time is in UTC.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// plain returns s in a form that both engines can store: valid UTF-8 without
// NUL. It can't be reversed; [quoted] can.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
