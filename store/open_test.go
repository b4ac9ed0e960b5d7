package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// mustFail returns the text of an error that must be what.
func mustFail(t testing.TB, err, what error, words ...string) string {
	t.Helper()
	if !errors.Is(err, what) {
		t.Fatalf("error %v, want %v", err, what)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q doesn't say %q", err, word)
		}
	}
	return err.Error()
}

func testReadOnly(t *testing.T, p place) {
	empty := p.open(t, store.Options{ReadOnly: true})
	if !empty.Remembers() {
		t.Error("a ledger that isn't there yet will remember")
	}
	forgetful(t, empty)
	if got := history(t, empty, store.Filter{}); len(got) != 0 {
		t.Errorf("history of nothing: %v", got)
	}

	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", digest("a"))
	wrote(t, l, noon, "c", map[store.Site]pinsetter.Image{app: image("2")})
	reader := p.open(t, store.Options{ReadOnly: true})
	want := store.Sight{First: noon, Digest: digest("b"), DigestSince: noon.Add(day), DigestRead: noon.Add(day), Previous: digest("a")}
	if diff := cmp.Diff(want, see(t, reader, noon.Add(day), "1.0", digest("b"))); diff != "" {
		t.Errorf("what would be:\n%s", diff)
	}
	if err := reader.Sites().Show(t.Context(), noon, map[store.Site]pinsetter.Image{app: image("2")}); err != nil {
		t.Error(err)
	}
	if got := written(t, reader)[app]; got.Image != image("2") || !got.ShownAt.IsZero() {
		t.Errorf("a reader recorded: %+v", got)
	}
	if got := see(t, l, noon.Add(day), "1.0", ""); got.Digest != digest("a") {
		t.Errorf("a reader recorded: %+v", got)
	}
	if len(history(t, reader, store.Filter{})) != 1 {
		t.Error("a reader has no history")
	}
}

// forgetful holds that a ledger takes everything and keeps nothing.
func forgetful(t *testing.T, l *store.Ledger) {
	t.Helper()
	for _, at := range []time.Time{noon, noon.Add(day)} {
		want := store.Sight{First: at, Digest: digest("a"), DigestSince: at, DigestRead: at}
		if diff := cmp.Diff(want, see(t, l, at, "1.0", digest("a"))); diff != "" {
			t.Error(diff)
		}
	}
	put(t, l, noon, "a", store.Listing{})
	wrote(t, l, noon, "c", map[store.Site]pinsetter.Image{app: image("2")})
	show(t, l, noon, "2")
	prune(t, l, noon)
	if err := l.Facts().Put(t.Context(), noon, map[string]store.Fact{digest("a"): {}}); err != nil {
		t.Error(err)
	}
	seen, err1 := l.Sights().Seen(t.Context(), []store.Tag{tag("1.0")})
	facts, err2 := l.Facts().Of(t.Context(), []string{digest("a")})
	if err := errors.Join(err1, err2); err != nil || len(seen)+len(facts)+len(written(t, l))+len(listings(t, l, "a")) > 0 {
		t.Errorf("it kept something: %v", err)
	}
}

func TestNone(t *testing.T) {
	none, err := store.Open(t.Context(), parse(t, "none"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*store.Ledger{"none": none, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			forgetful(t, l)
			if l.Remembers() || l.Ephemeral() != "" || l.String() != "none" {
				t.Errorf("%v remembers: %v, ephemeral: %q", l, l.Remembers(), l.Ephemeral())
			}
			_, err := l.Runs().History(t.Context(), store.Filter{})
			mustFail(t, err, store.ErrStateless, "--state")
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func testOpenedByMany(t *testing.T, p place) {
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			l, err := store.Open(t.Context(), p.dsn, store.Options{})
			if err == nil {
				err = l.Close()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := p.count(t, "SELECT count(*) FROM pinsetter_schema"); got != 1 {
		t.Errorf("%d rows in the schema's table", got)
	}
}

// testUsedByMany has four ledgers see the same tags at once, in different
// batches, at different times and with digests that move.
func testUsedByMany(t *testing.T, p place) {
	p.open(t, store.Options{})
	var group errgroup.Group
	for worker := range 4 {
		group.Go(func() error { return hammer(t.Context(), p.dsn, worker) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	hammered(t, p.open(t, store.Options{}))
}

const (
	hammerRounds = 15
	hammerTags   = 40
)

// hammer does what a process does in so many cycles.
func hammer(ctx context.Context, dsn store.DSN, worker int) error {
	l, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	for round := range hammerRounds {
		at := noon.Add(time.Duration(round) * time.Minute)
		var seen []store.Observation
		for i := range hammerTags {
			n := (i*7 + worker) % hammerTags // each in its own order
			seen = append(seen, store.Observation{Tag: tag(fmt.Sprintf("%d.%d", round, n)), Digest: digest(fmt.Sprint(worker % 2))})
		}
		known, err := l.Sights().See(ctx, at, seen)
		if err != nil {
			return err
		}
		for tag, sight := range known {
			if !sight.First.Equal(at) {
				return fmt.Errorf("%v was first seen at %v, want %v", tag, sight.First, at)
			}
		}
		site := app
		site.Path = fmt.Sprintf("%d.yaml", worker)
		if err := l.Sites().Show(ctx, at, map[store.Site]pinsetter.Image{site: image(fmt.Sprint(round - 1))}); err != nil {
			return err
		}
		run := store.Run{At: at, Automation: fmt.Sprintf("ns/worker-%d", worker), Error: fmt.Sprint(round),
			Wrote: map[store.Site]pinsetter.Image{site: image(fmt.Sprint(round))}}
		if err := l.Runs().Record(ctx, []store.Run{run}); err != nil {
			return err
		}
	}
	return nil
}

// hammered holds what four workers must have left.
func hammered(t *testing.T, l *store.Ledger) {
	t.Helper()
	if got := len(history(t, l, store.Filter{})); got != 4*hammerRounds {
		t.Errorf("%d runs, want %d", got, 4*hammerRounds)
	}
	found := written(t, l)
	for _, w := range found {
		last := image(fmt.Sprint(hammerRounds - 1))
		if w.Image != last || w.Shown != image(fmt.Sprint(hammerRounds-2)) {
			t.Errorf("%+v", w)
		}
	}
	if len(found) != 4 {
		t.Errorf("%d sites, want 4", len(found))
	}
}

func testNewerSchema(t *testing.T, p place) {
	p.open(t, store.Options{})
	p.exec(t, "UPDATE pinsetter_schema SET version = 9")
	for _, o := range []store.Options{{}, {ReadOnly: true}} {
		_, err := store.Open(t.Context(), p.dsn, o)
		mustFail(t, err, store.ErrSchema, "schema version 9, this program knows 8", p.dsn.String(), "--state")
	}
}

// testOlderSchemaReadOnly takes a version below the first for an older one.
func testOlderSchemaReadOnly(t *testing.T, p place) {
	p.open(t, store.Options{})
	p.exec(t, "UPDATE pinsetter_schema SET version = 0")
	l := p.open(t, store.Options{ReadOnly: true})
	forgetful(t, l)
}

// testOlderSchema brings tables of the first version up to date: what they hold
// stays.
func testOlderSchema(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", digest("a"))
	_ = l.Close()
	p.exec(t, "DROP TABLE pinsetter_proposal")
	p.exec(t, "DROP TABLE pinsetter_quiet")
	p.exec(t, "DROP TABLE pinsetter_wake")
	p.exec(t, "DROP TABLE pinsetter_moved")
	p.exec(t, "DROP TABLE pinsetter_proof")
	p.exec(t, "DROP TABLE pinsetter_digest")
	p.exec(t, "ALTER TABLE pinsetter_sighting DROP COLUMN digest_read")
	p.exec(t, "ALTER TABLE pinsetter_written DROP COLUMN naming")
	p.exec(t, "UPDATE pinsetter_schema SET version = 1")
	_, err := store.Open(t.Context(), p.dsn, store.Options{ReadOnly: true})
	mustFail(t, err, store.ErrSchema, "schema version 1, this program reads 8", "pinsetter run brings it up to date")

	l = p.open(t, store.Options{})
	known, err := l.Sights().Seen(t.Context(), []store.Tag{tag("1.0")})
	if err != nil {
		t.Fatal(err)
	}
	want := store.Sight{First: noon, Digest: digest("a"), DigestSince: noon}
	if diff := cmp.Diff(want, known[tag("1.0")]); diff != "" {
		t.Error(diff)
	}
	want.DigestRead = noon.Add(time.Minute)
	if diff := cmp.Diff(want, see(t, l, noon.Add(time.Minute), "1.0", digest("a"))); diff != "" {
		t.Errorf("read again:\n%s", diff)
	}
	see(t, l, noon.Add(time.Hour), "1.0", digest("b"))
	checkShowings(t, l, "1.0", showing("b", time.Hour, time.Hour), showing("a", 0, 0))
}

func testCancelled(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	_, err := l.Sights().See(ctx, noon, []store.Observation{{Tag: tag("1.0")}})
	mustFail(t, err, enough, "read sightings in "+p.dsn.String())
	see(t, l, noon, "1.0", "")
}
