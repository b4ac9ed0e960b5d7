package store

import (
	"context"
	"time"
)

// RecordFirst records a first sight as a process does that read, before another
// one recorded it, that there is none.
func (l *Ledger) RecordFirst(ctx context.Context, at time.Time, tag Tag) error {
	n := news{at: at, tags: []Tag{tag}, first: []string{tag.key()}}
	return l.db.write(ctx, "record sightings", n.record)
}

// LimitPages bounds the file's size, as a disk does that is full.
func (l *Ledger) LimitPages(ctx context.Context, pages string) error {
	_, err := l.db.pool.ExecContext(ctx, "PRAGMA max_page_count = "+pages)
	return err
}

// JournalOn opens path as on a file system that is local or not known to be, and
// returns the journal mode that it has then.
func JournalOn(ctx context.Context, dsn DSN, local bool) (mode string, err error) {
	l := &Ledger{database{dsn: dsn, options: Options{}.withDefaults(), engine: sqliteEngine{path: dsn.path}}}
	if err := l.db.openSQLite(); err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	if err := l.db.setJournal(filesystem{local: local}); err != nil {
		return "", err
	}
	err = l.db.pool.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
	return mode, err
}
