package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

func testLead(t *testing.T, p place) {
	a, b := p.open(t, store.Options{}), p.open(t, store.Options{})
	leading, resign, err := a.Lead(t.Context(), "shard 0")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := b.Lead(t.Context(), "shard 1")
	if err != nil {
		t.Fatalf("another name: %v", err)
	}
	other()
	if waited := brief(t); leads(waited, t, b) {
		t.Fatal("two lead by one name")
	}
	if leading.Err() != nil {
		t.Fatalf("the lead is lost: %v", context.Cause(leading))
	}
	see(t, a, noon, "1.0", "") // the ledger is used meanwhile
	resign()
	taken, again, err := b.Lead(t.Context(), "shard 0")
	if err != nil {
		t.Fatal(err)
	}
	defer again()
	if leading.Err() == nil && taken.Err() != nil {
		t.Error("the lead wasn't handed on")
	}
}

// brief is long enough to be told that somebody else leads, and to be told again.
func brief(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func leads(ctx context.Context, t *testing.T, l *store.Ledger) bool {
	t.Helper()
	_, resign, err := l.Lead(ctx, "shard 0")
	if err == nil {
		resign()
		return true
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return false
}

// TestLeadLasts: the lead lasts past its context, until what was begun is done,
// and nobody leads where nothing is kept.
func TestLeadLasts(t *testing.T) {
	p := newSQLite(t)
	l, other := p.open(t, store.Options{}), p.open(t, store.Options{})
	if _, _, err := (&store.Ledger{}).Lead(t.Context(), "shard 0"); !errors.Is(err, store.ErrStateless) {
		t.Errorf("without a state: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	leading, resign, err := l.Lead(ctx, "shard 0")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-leading.Done()
	if leads(brief(t), t, other) {
		t.Error("another leads while something is being finished")
	}
	resign()
	if !leads(t.Context(), t, other) {
		t.Error("nobody leads")
	}
}

// TestPostgresLeadIsLost: who lost the connection that holds the lead knows it.
func TestPostgresLeadIsLost(t *testing.T) {
	p := newPostgres(t, parts.NewPostgres(t))
	leading, resign, err := p.open(t, store.Options{}).Lead(t.Context(), "shard 0")
	if err != nil {
		t.Fatal(err)
	}
	defer resign()
	p.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
	<-leading.Done()
	if cause := context.Cause(leading); cause == nil || errors.Is(cause, context.Canceled) {
		t.Errorf("the cause is %v", cause)
	}
}
