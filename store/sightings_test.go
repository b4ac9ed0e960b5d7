package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/store"
)

func testFirstSightStays(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	want := store.Sight{First: noon}
	for _, at := range []time.Time{noon, noon.Add(time.Hour), noon.Add(30 * day)} {
		if diff := cmp.Diff(want, see(t, l, at, "1.0", "")); diff != "" {
			t.Errorf("at %v:\n%s", at, diff)
		}
	}
	_ = l.Close()
	l = p.open(t, store.Options{})
	known, err := l.Sights().Seen(t.Context(), []store.Tag{tag("1.0"), tag("2.0"), tag("1.0"), {Image: "other", Tag: "1.0"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[store.Tag]store.Sight{tag("1.0"): want}, known); diff != "" {
		t.Error(diff)
	}
}

func testMovedTag(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	steps := []struct {
		name   string
		at     time.Time
		digest string
		want   store.Sight
		since  time.Time
	}{
		{"first sight, with its digest", noon, digest("a"),
			store.Sight{First: noon, Digest: digest("a"), DigestSince: noon, DigestRead: noon}, noon},
		{"the same, soon", noon.Add(59 * time.Minute), digest("a"),
			store.Sight{First: noon, Digest: digest("a"), DigestSince: noon, DigestRead: noon}, noon},
		{"the same, later", noon.Add(day), digest("a"),
			store.Sight{First: noon, Digest: digest("a"), DigestSince: noon, DigestRead: noon.Add(day)}, noon},
		{"not asked for", noon.Add(2 * day), "",
			store.Sight{First: noon, Digest: digest("a"), DigestSince: noon, DigestRead: noon.Add(day)}, noon},
		{"moved", noon.Add(3 * day), digest("b"),
			store.Sight{First: noon, Digest: digest("b"), DigestSince: noon.Add(3 * day), DigestRead: noon.Add(3 * day), Previous: digest("a")}, noon.Add(3 * day)},
		{"moved back", noon.Add(4 * day), digest("a"),
			store.Sight{First: noon, Digest: digest("a"), DigestSince: noon.Add(4 * day), DigestRead: noon.Add(4 * day), Previous: digest("b")}, noon.Add(4 * day)},
	}
	for _, step := range steps {
		got := see(t, l, step.at, "1.0", step.digest)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s:\n%s", step.name, diff)
		}
		if !got.Since().Equal(step.since) {
			t.Errorf("%s: since %v, want %v", step.name, got.Since(), step.since)
		}
		stored, err := l.Sights().Seen(t.Context(), []store.Tag{tag("1.0")})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, stored[tag("1.0")]); diff != "" {
			t.Errorf("%s: stored is other than returned:\n%s", step.name, diff)
		}
	}
	// A digest that nobody read at first sight isn't trusted back to then.
	see(t, l, noon, "2.0", "")
	if got := see(t, l, noon.Add(day), "2.0", digest("a")); !got.Since().Equal(noon.Add(day)) || got.Previous != "" {
		t.Errorf("late digest: %+v", got)
	}
}

func testManySightings(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	var seen []store.Observation
	for i := range 5000 {
		seen = append(seen, store.Observation{Tag: tag(fmt.Sprintf("1.0.%d", i)), Digest: digest("a")})
	}
	seen = append(seen, store.Observation{Tag: tag("1.0.7")}, store.Observation{Tag: tag("1.0.8"), Digest: digest("b")})
	known, err := l.Sights().See(t.Context(), noon, seen)
	if err != nil {
		t.Fatal(err)
	}
	if len(known) != 5000 {
		t.Fatalf("%d are known, want 5000", len(known))
	}
	for tag, sight := range known {
		want := store.Sight{First: noon, Digest: digest("a"), DigestSince: noon, DigestRead: noon}
		if tag.Tag == "1.0.8" {
			want.Digest = digest("b")
		}
		if sight != want {
			t.Fatalf("%v: %+v", tag, sight)
		}
	}
	again, err := l.Sights().See(t.Context(), noon.Add(time.Minute), seen)
	if diff := cmp.Diff(known, again); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func testEarliestFirstSight(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	for _, at := range []time.Time{noon, noon.Add(-time.Second), noon.Add(time.Second)} {
		if err := l.RecordFirst(t.Context(), at, tag("1.0")); err != nil {
			t.Fatal(err)
		}
	}
	if got := see(t, l, noon.Add(day), "1.0", ""); !got.First.Equal(noon.Add(-time.Second)) {
		t.Errorf("first = %v, want the earliest", got.First)
	}
}

func testClockGoesBack(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", digest("a"))
	back := noon.Add(-365 * day)
	if got := see(t, l, back, "1.0", digest("a")); !got.Since().Equal(noon) {
		t.Errorf("since = %v: a clock that went back made the tag older", got.Since())
	}
	got := see(t, l, back, "1.0", digest("b"))
	want := store.Sight{First: noon, Digest: digest("b"), DigestSince: noon, DigestRead: back, Previous: digest("a")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	want.DigestRead = noon.Add(day)
	if got := see(t, l, noon.Add(day), "1.0", digest("b")); got != want {
		t.Errorf("the clock went on: %+v", got)
	}
}

func testWarmLedger(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", digest("a"))
	listed := "SELECT listed FROM pinsetter_sighting"
	before := p.count(t, listed)
	see(t, l, noon.Add(6*day), "1.0", digest("a"))
	if p.count(t, listed) != before {
		t.Error("nothing is new, and it was written")
	}
	see(t, l, noon.Add(8*day), "1.0", digest("a"))
	if p.count(t, listed) == before {
		t.Error("after a week it is not written that the tag is still listed")
	}
}

func TestSeeByAClockThatIsNotSet(t *testing.T) {
	p := newSQLite(t)
	l := p.open(t, store.Options{})
	for _, at := range []time.Time{{}, time.Unix(100, 0)} {
		_, err := l.Sights().See(t.Context(), at, []store.Observation{{Tag: tag("1.0")}})
		if err == nil || !strings.Contains(err.Error(), "the clock says") {
			t.Errorf("at %v: error %v", at, err)
		}
	}
	see(t, l, noon, "1.0", "")
	p.exec(t, "UPDATE pinsetter_sighting SET first_seen = 0")
	_, err := l.Sights().Seen(t.Context(), []store.Tag{tag("1.0")})
	mustFail(t, err, store.ErrCorrupt, "first sight of "+tag("1.0").Image)
}
