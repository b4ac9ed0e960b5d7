package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

// place is one database that ledgers are opened on.
type place struct {
	dsn store.DSN
	raw string // what database/sql opens
	sql string // the driver's name
}

// open opens the ledger of a place until the test ends.
func (p place) open(t testing.TB, o store.Options) *store.Ledger {
	t.Helper()
	ledger, err := store.Open(t.Context(), p.dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	return ledger
}

// exec changes a place behind the ledger's back.
func (p place) exec(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open(p.sql, p.raw)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// count returns the one number that a query answers.
func (p place) count(t testing.TB, query string) int {
	t.Helper()
	db, err := sql.Open(p.sql, p.raw)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// suite is what both engines must do. Each test has a place of its own.
var suite = []struct {
	name string
	test func(*testing.T, place)
}{
	{"one leads at a time", testLead},
	{"first sight stays", testFirstSightStays},
	{"pull requests are remembered by branch", testProposals},
	{"that nothing was to do is remembered", testQuiet},
	{"webhooks of another process", testWakes},
	{"webhooks that many take", testWakesTakenByMany},
	{"a moved tag starts again", testMovedTag},
	{"the digests of a tag", testShowings},
	{"at most so many digests of a tag", testShowingsBounded},
	{"many sightings at once", testManySightings},
	{"the earliest of two first sights counts", testEarliestFirstSight},
	{"a clock that goes back", testClockGoesBack},
	{"a warm ledger isn't written to", testWarmLedger},
	{"listings", testListings},
	{"a stale listing replaces nothing", testStaleListing},
	{"listings of many images", testManyListings},
	{"facts", testFacts},
	{"who signed is remembered", testProofs},
	{"written and shown", testWrittenAndShown},
	{"a site that isn't there any more", testSiteForgotten},
	{"paths that aren't text", testOddPaths},
	{"history", testHistory},
	{"names", testNames},
	{"repositories that have another name", testMove},
	{"a former name that is in use", testMoveFromNameInUse},
	{"a move that fails half way", testMoveFails},
	{"moved by many at once", testMovedByMany},
	{"nothing to say", testNothingToSay},
	{"a run that is large", testLargeRun},
	{"prune by age", testPruneByAge},
	{"prune by number", testPruneByNumber},
	{"read only", testReadOnly},
	{"opened by many at once", testOpenedByMany},
	{"used by many at once", testUsedByMany},
	{"a newer schema", testNewerSchema},
	{"an older schema, read only", testOlderSchemaReadOnly},
	{"an older schema", testOlderSchema},
	{"cancelled", testCancelled},
}

func TestSQLite(t *testing.T) {
	for _, tt := range suite {
		t.Run(tt.name, func(t *testing.T) {
			tt.test(t, newSQLite(t))
		})
	}
}

func newSQLite(t testing.TB) place {
	path := filepath.Join(parts.Dir(t), "state", "state.db")
	return place{dsn: parse(t, "sqlite:"+path), raw: path, sql: "sqlite"}
}

func TestPostgres(t *testing.T) {
	server := parts.NewPostgres(t)
	for _, tt := range suite {
		t.Run(tt.name, func(t *testing.T) {
			tt.test(t, newPostgres(t, server))
		})
	}
}

// databases numbers them, so that each has a name of its own.
var databases atomic.Int64

func newPostgres(t testing.TB, server *parts.Postgres) place {
	t.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	place{raw: server.URL("postgres"), sql: "pgx"}.exec(t, "CREATE DATABASE "+name+" STRATEGY file_copy")
	return place{dsn: parse(t, server.URL(name)), raw: server.URL(name), sql: "pgx"}
}

func parse(t testing.TB, s string) store.DSN {
	t.Helper()
	dsn, err := store.ParseDSN(s)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// noon is the present of these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func digest(c string) string { return "sha256:" + strings.Repeat(c, 64) }

func tag(name string) store.Tag { return store.Tag{Image: "registry.example:5000/app", Tag: name} }

// see records one observation and returns what is known then.
func see(t testing.TB, l *store.Ledger, at time.Time, name, digest string) store.Sight {
	t.Helper()
	known, err := l.Sights().See(t.Context(), at, []store.Observation{{Tag: tag(name), Digest: digest}})
	if err != nil {
		t.Fatal(err)
	}
	return known[tag(name)]
}
