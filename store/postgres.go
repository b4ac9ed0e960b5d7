package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresEngine is the engine for a PostgreSQL server. Secrets are the strings
// that no message may contain.
type postgresEngine struct {
	secrets []string
}

func (postgresEngine) dialect() *strings.Replacer {
	return strings.NewReplacer(
		"TEXTS($1)", "json_array_elements_text($1::json) AS j(value)",
		"ROWS($1)", "json_array_elements($1::json) AS j(value)",
	)
}

// tables ignores other programs' tables, since a database may have many. It
// reads the catalog, because to_regclass uses a cache that an advisory lock
// doesn't refresh.
func (postgresEngine) tables() string {
	return `SELECT 0, count(*) FROM pg_catalog.pg_class
		WHERE relname = 'pinsetter_schema' AND pg_catalog.pg_table_is_visible(oid)`
}

// prelude applies to its transaction only, so that it works through poolers.
func (postgresEngine) prelude(wait time.Duration) []string {
	return []string{fmt.Sprintf("SET LOCAL lock_timeout = %d", wait.Milliseconds())}
}

// migrate takes a lock until the end of the transaction. The number is the
// bytes "pinsette".
func (postgresEngine) migrate() []string {
	return []string{"SELECT pg_advisory_xact_lock(8100126846704972901)"}
}

// openPostgres prepares connections to the server. It doesn't connect yet.
func (d *database) openPostgres() error {
	config, err := pgx.ParseConfig(d.dsn.url.Reveal())
	if err != nil {
		_, cause, _ := strings.Cut(err.Error(), "`: ") // which follows the address
		return &fault{cause: "read its address: " + d.engine.explain(errors.New(cause)).cause}
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > within {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "pinsetter"
	}
	d.pool = stdlib.OpenDB(*config)
	d.pool.SetMaxOpenConns(4) // all clients of a server share about a hundred
	d.pool.SetMaxIdleConns(2)
	d.pool.SetConnMaxIdleTime(5 * time.Minute)
	return nil
}

// secretsOf returns the passwords of a PostgreSQL URL in all forms that an
// error may contain.
func secretsOf(dsn DSN) []string {
	secrets := []string{os.Getenv("PGPASSWORD")}
	u, err := url.Parse(dsn.url.Reveal())
	if err != nil {
		return append(secrets, dsn.url.Reveal())
	}
	if user := u.User; user != nil {
		password, _ := user.Password()
		_, encoded, _ := strings.Cut(user.String(), ":")
		secrets = append(secrets, password, encoded)
	}
	for _, name := range []string{"password", "sslpassword"} {
		secrets = append(secrets, u.Query().Get(name), url.QueryEscape(u.Query().Get(name)))
	}
	return secrets
}

// hide returns a driver's message on one line, without secrets and repeated
// lines. An absent server is asked twice, with TLS and without.
func (e postgresEngine) hide(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	text = strings.Join(lines, " ")
	for _, secret := range e.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[password]")
		}
	}
	return text
}

// states maps SQLSTATE codes to faults
// (https://www.postgresql.org/docs/current/errcodes-appendix.html); two letters
// stand for a class.
var states = map[string]fault{
	"08":    {kind: ErrUnreachable, again: true},
	"25006": {kind: ErrReadOnly, way: "name the primary server: this one is a standby or set to read only"},
	"28":    {way: "check user and password, and the server's pg_hba.conf"},
	"3D000": {way: "create the database first: createdb, or CREATE DATABASE"},
	"40001": {again: true},
	"40P01": {again: true},
	"42501": {kind: ErrReadOnly, way: "let the user create and write tables: GRANT CREATE ON SCHEMA public, or a schema of its own"},
	"53100": {kind: ErrFull, way: "free space on the server"},
	"53300": {kind: ErrUnreachable, way: "the server has no connection left: raise max_connections or run fewer processes"},
	"55P03": {kind: ErrLocked, way: "another session holds a table: see pg_locks on the server"},
	"57P01": {kind: ErrUnreachable, again: true},
	"57P02": {kind: ErrUnreachable, again: true},
	"57P03": {kind: ErrUnreachable, way: "the server starts or stops: try again"},
	"58030": {kind: ErrFull, way: "look into the server's log: it can't read or write its disk"},
	"XX001": {kind: ErrCorrupt, way: "restore the database from a backup, or drop the tables pinsetter_* to begin anew"},
	"XX002": {kind: ErrCorrupt, way: "run REINDEX on the database"},
}

func (e postgresEngine) explain(err error) *fault {
	f := &fault{}
	var state *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &state):
		if known, ok := states[state.Code]; ok {
			*f = known
		} else if len(state.Code) == 5 {
			*f = states[state.Code[:2]]
		}
	case errors.As(err, &connect), errors.Is(err, context.DeadlineExceeded):
		*f = fault{kind: ErrUnreachable, way: "check the address, and that the server runs and lets this machine in"}
	case broken(err):
		*f = fault{kind: ErrUnreachable, way: "the connection broke: try again", again: true}
	}
	f.cause = e.hide(err.Error())
	return f
}

// broken reports whether a connection was lost.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed) ||
		pgconn.SafeToRetry(err)
}
