package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// showing is a digest and when a tag first had it and last changed to it, so long
// after noon.
func showing(seed string, first, since time.Duration) pinsetter.Showing {
	return pinsetter.Showing{Digest: digest(seed), First: noon.Add(first), Since: noon.Add(since)}
}

func checkShowings(t *testing.T, l *store.Ledger, name string, want ...pinsetter.Showing) {
	t.Helper()
	got, err := l.Sights().Showings(t.Context(), []store.Tag{tag(name)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got[tag(name)]); diff != "" {
		t.Errorf("digests of %s (-want +got):\n%s", name, diff)
	}
}

// testShowings: a tag's digests keep their first sights, also where the tag goes
// back to one, and are forgotten with the tag.
func testShowings(t *testing.T, p place) {
	l := p.open(t, store.Options{Keep: 10 * day})
	see(t, l, noon, "1.0", "")
	checkShowings(t, l, "1.0")
	for i, seed := range []string{"a", "b", "b", "a", "c"} {
		see(t, l, noon.Add(time.Duration(i)*time.Hour), "1.0", digest(seed))
		see(t, l, noon, fmt.Sprint("other", i), digest(seed))
	}
	want := []pinsetter.Showing{showing("c", 4*time.Hour, 4*time.Hour), showing("a", 0, 3*time.Hour), showing("b", time.Hour, time.Hour)}
	checkShowings(t, l, "1.0", want...)
	see(t, l, noon.Add(-time.Hour), "1.0", digest("d")) // the clock was set back
	want = append([]pinsetter.Showing{want[0], showing("d", 4*time.Hour, 4*time.Hour)}, want[1:]...)
	checkShowings(t, l, "1.0", want...)
	checkShowings(t, p.open(t, store.Options{ReadOnly: true}), "1.0", want...)

	if err := l.Prune(t.Context(), noon.Add(30*day)); err != nil {
		t.Fatal(err)
	}
	if n := p.count(t, "SELECT count(*) FROM pinsetter_digest"); n != 0 {
		t.Errorf("%d digests of tags that are forgotten", n)
	}
}

// testShowingsBounded: of a tag that is pushed every minute at most 64 digests are
// kept, among them one of every age, and what sites were written with.
func testShowingsBounded(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	hex := func(i int) string { return fmt.Sprintf("sha256:%064x", i) }
	const pushes = 1500
	for i := range pushes {
		see(t, l, noon.Add(time.Duration(i)*time.Minute), "1.0", hex(i))
		if i == 700 {
			err := l.Runs().Record(t.Context(), []store.Run{{At: noon, Automation: "ns/a", Repository: app.Repository, Branch: "main",
				Wrote: map[store.Site]pinsetter.Image{app: {Tag: "1.0", Digest: hex(i)}}}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := l.Sights().Showings(t.Context(), []store.Tag{tag("1.0")})
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, s := range all[tag("1.0")] {
		kept[s.Digest] = true
	}
	if len(kept) != 64 || !kept[hex(0)] || !kept[hex(700)] || !kept[hex(pushes-1)] {
		t.Errorf("%d digests are kept; the first %v, the written one %v, the last %v", len(kept), kept[hex(0)], kept[hex(700)], kept[hex(pushes-1)])
	}
	for age := 1; age < pushes*2/3; age++ {
		found := false
		for a := age; a <= age*3/2; a++ {
			found = found || kept[hex(pushes-1-a)]
		}
		if !found {
			t.Errorf("none is between %d minutes old and half as old again", age)
		}
	}
}
