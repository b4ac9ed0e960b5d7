package store_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/store"
)

func testProposals(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	put := func(automation string, proposals map[string]json.RawMessage) {
		t.Helper()
		if err := l.Proposals().Put(t.Context(), noon, "h/r", automation, proposals); err != nil {
			t.Fatal(err)
		}
	}
	put("ns/a", map[string]json.RawMessage{"x": json.RawMessage(`{"number":1}`), "y\xff": json.RawMessage(`[2]`)})
	put("ns/b", map[string]json.RawMessage{"x": json.RawMessage(`3`)})
	put("ns/a", map[string]json.RawMessage{"x": json.RawMessage(`{"number":4}`), "none": nil})
	remembered := func(l *store.Ledger) map[string]json.RawMessage {
		t.Helper()
		found, err := l.Proposals().Of(t.Context(), "h/r", "ns/a")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	want := map[string]json.RawMessage{"x": json.RawMessage(`{"number":4}`), "y\xff": json.RawMessage(`[2]`)}
	if diff := cmp.Diff(want, remembered(l)); diff != "" {
		t.Error(diff)
	}
	put("ns/a", map[string]json.RawMessage{"x": nil})
	delete(want, "x")
	if diff := cmp.Diff(want, remembered(p.open(t, store.Options{ReadOnly: true}))); diff != "" {
		t.Error(diff)
	}
	prune(t, l, noon.Add(500*day))
	if found := remembered(l); len(found) != 0 {
		t.Errorf("after 500 days: %v", found)
	}
}

func testQuiet(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	for _, want := range []string{`{"a":1}`, `[2]`, ""} {
		body := json.RawMessage(want)
		if want == "" {
			body = nil
		}
		if err := l.Quiet().Put(t.Context(), noon, "lane", body); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Quiet().Of(t.Context(), "lane"); string(got) != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if got, err := l.Quiet().Of(t.Context(), "another"); got != nil || err != nil {
		t.Errorf("of another lane: %q, %v", got, err)
	}
}
