package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/pinsetter/pinsetter/pause"
)

// sqliteEngine is the engine for a file.
type sqliteEngine struct {
	path string
}

func (sqliteEngine) dialect() *strings.Replacer {
	return strings.NewReplacer("TEXTS($1)", "json_each($1) AS j", "ROWS($1)", "json_each($1) AS j")
}

func (sqliteEngine) tables() string {
	return `SELECT count(*), count(CASE WHEN name = 'pinsetter_schema' THEN 1 END)
		FROM sqlite_master WHERE type = 'table'`
}

func (sqliteEngine) prelude(time.Duration) []string { return nil }

func (sqliteEngine) migrate() []string { return nil }

// openSQLite opens the ledger's file. It creates a missing file and directory,
// for the user alone.
func (d *database) openSQLite() error {
	path, err := filepath.Abs(d.dsn.path)
	if err != nil {
		return err
	}
	if d.options.ReadOnly {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	} else if err := makeFile(path); err != nil {
		return onDisk(err)
	}
	on := filesystemOf(filepath.Dir(path))
	if on.volatile != "" {
		d.ephemeral = fmt.Sprintf("%s is on %s (%s), which ends with it, and so do first sights and cooldowns: "+
			"mount a volume there, or name another place by --state", path, on.name, on.volatile)
	}
	if d.pool, err = sql.Open("sqlite", d.connection(path, on)); err != nil {
		return err
	}
	// One connection: operations of this process queue for it instead of
	// waiting for a file lock.
	d.pool.SetMaxOpenConns(1)
	if d.options.ReadOnly {
		return nil
	}
	return d.setJournal(on)
}

// makeFile creates the file if it is missing. It doesn't open an existing one,
// because closing it would drop this process's locks on it
// (https://sqlite.org/howtocorrupt.html, section 2.2).
func makeFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// connection returns the URI for SQLite (https://sqlite.org/uri.html), with the
// pragmas for each connection. With a write-ahead log a power failure may cost
// the last records, and nothing else.
func (d *database) connection(path string, on filesystem) string {
	synchronous := "synchronous(full)"
	if on.local {
		synchronous = "synchronous(normal)"
	}
	query := url.Values{
		"_txlock": {"immediate"}, // a reader that starts writing can't wait for its turn
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", d.options.Wait.Milliseconds()),
			"cell_size_check(on)",
			"journal_size_limit(16777216)",
			"trusted_schema(off)",
			synchronous,
		},
	}
	if d.options.ReadOnly {
		query.Set("mode", "ro")
	}
	file := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	return file.String()
}

// setJournal chooses a write-ahead log if the file system supports it, and a
// rollback journal if it doesn't or is unknown. The mode is stored in the file;
// changing it needs exclusive access.
func (d *database) setJournal(on filesystem) error {
	want := "delete"
	if on.local {
		want = "wal"
	}
	ctx, cancel := context.WithTimeout(context.Background(), d.options.Wait+time.Second)
	defer cancel()
	for begin := time.Now(); ; {
		var mode string
		err := d.pool.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
		if err == nil && mode != want {
			err = d.pool.QueryRowContext(ctx, "PRAGMA journal_mode = "+want).Scan(&mode)
		}
		switch {
		case err == nil && (mode == want || want == "wal"):
			return nil // SQLite knows more reasons against a log
		case err == nil:
			return &fault{kind: ErrLocked, cause: "its write-ahead log can't be turned off", way: lockedWay}
		case code(err)&0xff != lib.SQLITE_BUSY || time.Since(begin) >= d.options.Wait:
			return err
		}
		_ = pause.For(ctx, 20*time.Millisecond) // no busy handler is called for this lock
	}
}

// code returns SQLite's extended result code of err, 0 for other errors.
func code(err error) int {
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		return failure.Code()
	}
	return 0
}

const lockedWay = "wait until the other process ends, or give this one a state of its own by --state"

// explain maps the codes of https://sqlite.org/rescode.html.
func (e sqliteEngine) explain(err error) *fault {
	f := &fault{cause: err.Error()}
	switch code(err) {
	case lib.SQLITE_IOERR_SHORT_READ:
		f.kind = ErrCorrupt
	case lib.SQLITE_IOERR_WRITE, lib.SQLITE_IOERR_SHMSIZE:
		f.kind = ErrFull
	}
	switch code(err) & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		f.kind, f.way = ErrLocked, lockedWay
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		f.kind = ErrCorrupt
	case lib.SQLITE_FULL:
		f.kind = ErrFull
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN:
		f.kind = ErrReadOnly
		f.way = "let the user who runs this read and write the file and its directory, or name another place by --state"
	case lib.SQLITE_SCHEMA:
		f.again = true
	}
	switch {
	case errors.Is(f.kind, ErrCorrupt):
		f.way = fmt.Sprintf("move %s away, and %[1]s-wal and -shm with it, to begin anew: "+
			"first sights are forgotten, so cooldowns begin again", e.path)
	case errors.Is(f.kind, ErrFull):
		f.way = "free space or raise the quota, or name another place by --state"
	}
	return f
}

// onDisk explains an error of creating the file.
func onDisk(err error) error {
	f := &fault{cause: err.Error(), way: "name another place by --state"}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		f.kind = ErrReadOnly
		f.way = "let the user who runs this write there, or name another place by --state"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		f.kind = ErrFull
		f.way = "free space or raise the quota, or name another place by --state"
	}
	return f
}
