package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// maxRowMemory bounds in bytes what reading the rows of one text may allocate: a
// megabyte, and a hundred bytes for each byte of it.
func maxRowMemory(body string) uint64 { return 1<<20 + 100*uint64(len(body)) }

// FuzzRows: whatever a database's rows say, reading them fails with an error that names
// the row, or returns what is no proof of anything: a time of first sight is one that a
// clock can have shown. It allocates in proportion to the rows.
func FuzzRows(f *testing.F) {
	p := newSQLite(f)
	l := p.open(f, store.Options{})
	rows := newRows(f, p)
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `0`, `"`, `{"verdict":"verified"}`, `{"verdict":"verified","signedAt":"99999-01-01T00:00:00Z"}`,
		`{"complete":{"at":"2026-01-02T03:04:05Z","count":-1,"hash":"x"},"since":"0000-01-01T00:00:00Z","agreed":9e99}`,
		`{"complete":{"at":"9999-12-31T23:59:59-23:00"}}`, `{"created":"0001-01-01T00:00:00Z","platforms":null,"builds":[{}]}`,
		`{"at":"2026-01-02T03:04:05Z","base":"x","selected":{"":""},"changes":[{}],"held":[{"until":1}]}`,
		strings.Repeat(`{"complete":`, 10_001), `{"platforms":[` + strings.Repeat(`"",`, 5000) + `""]}`, "{\"hash\":\"\xff\\ud800\"}",
	} {
		for _, at := range []int64{noon.UnixMicro(), 0, 1, -1 << 63, 1<<63 - 1} {
			f.Add(body, at)
		}
	}
	f.Fuzz(func(t *testing.T, body string, at int64) {
		rows.put(t, body, at)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		readRows(t, l)
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > maxRowMemory(body) {
			t.Errorf("%d bytes are allocated for a text of %d", spent, len(body))
		}
	})
}

// readRows reads every kind of row.
func readRows(t *testing.T, l *store.Ledger) {
	t.Helper()
	named := func(err error, names string) {
		if err != nil && !(errors.Is(err, store.ErrCorrupt) && strings.Contains(err.Error(), names)) {
			t.Errorf("%v doesn't name %s", err, names)
		}
	}
	_, err := l.Listings().Of(t.Context(), []string{"image"})
	named(err, "listing of image")
	_, err = l.Facts().Of(t.Context(), []string{"sum"})
	named(err, "facts about sum")
	_, err = l.Proofs().Of(t.Context(), []store.ProofKey{{Digest: "sum", Trust: "key"}})
	named(err, "signatures of sum")
	_, err = l.Runs().History(t.Context(), store.Filter{})
	named(err, "a run")
	_, err = l.Quiet().Of(t.Context(), "lane")
	named(err, "no error")
	_, err = l.Proposals().Of(t.Context(), "repository", "ns/name")
	named(err, "no error")
	seen, err := l.Sights().Seen(t.Context(), []store.Tag{tag("1.0")})
	named(err, tag("1.0").Image+":1.0")
	showings, err := l.Sights().Showings(t.Context(), []store.Tag{tag("1.0")})
	named(err, "no error")
	firsts := []time.Time{}
	for _, sight := range seen {
		firsts = append(firsts, sight.First)
	}
	for _, showing := range showings[tag("1.0")] {
		firsts = append(firsts, showing.First)
	}
	for _, first := range firsts {
		if first.Year() < 2000 {
			t.Errorf("first seen at %v", first)
		}
	}
}

// rows puts the same text and time into a row of each kind.
type rows struct{ db *sql.DB }

func newRows(f *testing.F, p place) rows {
	f.Helper()
	l := p.open(f, store.Options{})
	err := errors.Join(
		l.Listings().Put(f.Context(), noon, map[string]store.Listing{"image": {Agreed: 1}}),
		l.Facts().Put(f.Context(), noon, map[string]store.Fact{"sum": {}}),
		l.Proofs().Put(f.Context(), noon, "sum", "key", pinsetter.Signature{}),
		l.Quiet().Put(f.Context(), noon, "lane", []byte("{}")),
		l.Proposals().Put(f.Context(), noon, "repository", "ns/name", map[string]json.RawMessage{"branch": json.RawMessage("{}")}),
		l.Runs().Record(f.Context(), []store.Run{{At: noon, Automation: "ns/name"}}),
	)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := l.Sights().See(f.Context(), noon, []store.Observation{{Tag: tag("1.0"), Digest: digest("a")}}); err != nil {
		f.Fatal(err)
	}
	db, err := sql.Open(p.sql, p.raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	return rows{db}
}

func (r rows) put(t *testing.T, body string, at int64) {
	t.Helper()
	for _, statement := range []string{
		"UPDATE pinsetter_listing SET body = $1, put_at = $2, version = $2",
		"UPDATE pinsetter_fact SET body = $1, learnt = $2",
		"UPDATE pinsetter_proof SET body = $1, put_at = $2",
		"UPDATE pinsetter_quiet SET body = $1, put_at = $2",
		"UPDATE pinsetter_proposal SET body = $1, put_at = $2",
		"UPDATE pinsetter_run SET body = $1, at = $2",
		"UPDATE pinsetter_sighting SET previous = $1, first_seen = $2, listed = $2, digest_since = $2, digest_read = $2",
		"UPDATE pinsetter_digest SET digest = $1, first_seen = $2, since = $2",
	} {
		if _, err := r.db.ExecContext(t.Context(), statement, body, at); err != nil {
			t.Fatal(err)
		}
	}
}
