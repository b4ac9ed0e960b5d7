package store_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

// silent holds that no text shows a server's password, however it is spelled.
func silent(t testing.TB, server *parts.Postgres, text string) {
	t.Helper()
	for _, spelled := range []string{server.Password, url.QueryEscape(server.Password), url.PathEscape(server.Password)} {
		if strings.Contains(text, spelled) {
			t.Errorf("%q shows the password", text)
		}
	}
}

func TestPostgresFaults(t *testing.T) {
	server := parts.NewPostgres(t)
	root := place{raw: server.URL("postgres"), sql: "pgx"}
	root.exec(t, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
	root.exec(t, "CREATE DATABASE standby")
	root.exec(t, "ALTER DATABASE standby SET default_transaction_read_only = on")
	tests := []struct {
		name  string
		dsn   string
		kind  error
		words []string
	}{
		{"wrong password", "postgres://pinsetter:s3cr3t@" + server.Addr + "/postgres", nil, []string{"check user and password"}},
		{"no such database", server.URL("nowhere"), nil, []string{"nowhere", "createdb"}},
		{"nobody there", "postgres://u:s3cr3t@127.0.0.1:1/d", store.ErrUnreachable, []string{"127.0.0.1:1", "check the address"}},
		{"a bad setting", server.URL("postgres") + "?sslmode=s3cr3t&password=s3cr3t", nil, []string{"sslmode"}},
		{"no right to create", "postgres://guest:guest@" + server.Addr + "/postgres", store.ErrReadOnly, []string{"GRANT CREATE"}},
		{"a standby", server.URL("standby"), store.ErrReadOnly, []string{"primary"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dsn := parse(t, tt.dsn)
			_, err := store.Open(t.Context(), dsn, store.Options{})
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error()
			if tt.kind != nil {
				text = mustFail(t, err, tt.kind)
			}
			for _, word := range append(tt.words, "open state in "+dsn.String()) {
				if !strings.Contains(text, word) {
					t.Errorf("error %q doesn't say %q", text, word)
				}
			}
			silent(t, server, text)
			if strings.Contains(text, "s3cr3t") || strings.Contains(text, "\n") {
				t.Errorf("error %q shows the password, or has lines", text)
			}
		})
	}
}

func TestPostgresLocked(t *testing.T) {
	server := parts.NewPostgres(t)
	p := newPostgres(t, server)
	l := p.open(t, store.Options{Wait: 50 * time.Millisecond})
	db, err := sql.Open("pgx", p.raw)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE pinsetter_sighting IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	_, err = l.Sights().See(t.Context(), noon, []store.Observation{{Tag: tag("1.0")}})
	mustFail(t, err, store.ErrLocked, "record sightings in "+p.dsn.String(), "pg_locks")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	see(t, l, noon, "1.0", "")
}

func TestPostgresKilledInUse(t *testing.T) {
	server := parts.NewPostgres(t)
	p := newPostgres(t, server)
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", digest("a"))
	server.Kill()
	for range 3 {
		_, err := l.Sights().See(t.Context(), noon, []store.Observation{{Tag: tag("2.0")}})
		silent(t, server, mustFail(t, err, store.ErrUnreachable, "read sightings in "+p.dsn.String()))
	}
	server.Start()
	if got := see(t, l, noon.Add(day), "1.0", digest("a")); !got.Since().Equal(noon) {
		t.Errorf("after the restart: %+v", got)
	}

	// It comes back before anybody asks: the first call meets a dead connection.
	server.Kill()
	server.Start()
	see(t, l, noon.Add(day), "2.0", "")
	record(t, l, store.Run{At: noon, Automation: "a/b", Error: "1"})
}
