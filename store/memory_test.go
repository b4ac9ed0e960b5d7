package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

var plainListing = cmpopts.IgnoreUnexported(store.Listing{})

func listings(t *testing.T, l *store.Ledger, images ...string) map[string]store.Listing {
	t.Helper()
	found, err := l.Listings().Of(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func put(t *testing.T, l *store.Ledger, at time.Time, image string, listing store.Listing) {
	t.Helper()
	if err := l.Listings().Put(t.Context(), at, map[string]store.Listing{image: listing}); err != nil {
		t.Fatal(err)
	}
}

func testListings(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	if found := listings(t, l, "a", "b"); len(found) != 0 {
		t.Errorf("a new ledger knows %v", found)
	}
	complete := store.Listing{Complete: store.Scan{At: noon, Count: 10, Hash: "h1"}}
	put(t, l, noon, "a", complete)
	suspect := listings(t, l, "a", "b", "a")["a"]
	if diff := cmp.Diff(complete, suspect, plainListing); diff != "" {
		t.Error(diff)
	}
	suspect.Suspect = store.Scan{At: noon.Add(time.Hour), Count: 2, Hash: "h2"}
	suspect.Since, suspect.Agreed = noon.Add(time.Hour), 1
	put(t, l, noon.Add(time.Hour), "a", suspect)
	got := listings(t, l, "a")["a"]
	if diff := cmp.Diff(suspect, got, plainListing); diff != "" {
		t.Error(diff)
	}

	// Nothing but the time changed: written once a day.
	written := "SELECT count(*) FROM pinsetter_listing WHERE version = 2"
	got.Complete.At = noon.Add(2 * time.Hour)
	put(t, l, noon.Add(2*time.Hour), "a", got)
	if p.count(t, written) != 1 {
		t.Error("nothing changed, and it was written")
	}
	put(t, l, noon.Add(26*time.Hour), "a", got)
	if p.count(t, written) != 0 {
		t.Error("a day later it is not written that the list is still the same")
	}
}

// testManyListings stores more than one statement takes.
func testManyListings(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	all, names := map[string]store.Listing{}, []string{}
	for i := range 2_345 {
		name := fmt.Sprint("app-", i)
		names = append(names, name)
		all[name] = store.Listing{Complete: store.Scan{At: noon, Count: i, Hash: "h"}}
	}
	if err := l.Listings().Put(t.Context(), noon, all); err != nil {
		t.Fatal(err)
	}
	found := listings(t, l, names...)
	if diff := cmp.Diff(all, found, plainListing); diff != "" {
		t.Error(diff)
	}
	for name, listing := range found {
		if listing.Outdated(noon.Add(time.Hour)) || !listing.Outdated(noon.Add(24*time.Hour)) {
			t.Fatalf("%s is outdated after an hour, or isn't after a day", name)
		}
	}
}

func testStaleListing(t *testing.T, p place) {
	one, other := p.open(t, store.Options{}), p.open(t, store.Options{})
	put(t, one, noon, "a", store.Listing{Complete: store.Scan{Count: 1}})
	put(t, other, noon, "a", store.Listing{Complete: store.Scan{Count: 99}}) // read nothing before
	stale := listings(t, other, "a")["a"]
	if stale.Complete.Count != 1 {
		t.Fatalf("a listing that was never read was replaced by %+v", stale)
	}
	fresh := listings(t, one, "a")["a"]
	fresh.Complete.Count = 2
	put(t, one, noon, "a", fresh)
	stale.Complete.Count = 3
	put(t, other, noon, "a", stale)
	if got := listings(t, one, "a")["a"].Complete.Count; got != 2 {
		t.Errorf("count = %d, want 2: a stale listing replaced a newer one", got)
	}
}

func testFacts(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	want := map[string]store.Fact{
		digest("a"): {Created: noon, Platforms: []string{"linux/amd64", "linux/arm64/v8"}},
		digest("b"): {Created: time.Unix(0, 0).UTC(), Platforms: []string{}}, // a reproducible build
		digest("c"): {},
	}
	for range 2 {
		if err := l.Facts().Put(t.Context(), noon, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := l.Facts().Of(t.Context(), []string{digest("a"), digest("b"), digest("c"), digest("d")})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

var app = store.Site{Repository: "git.example/org/app", Branch: "main", Path: "a.yaml",
	Object: "apps/Deployment prod/app", Policy: "flux-system/app"}

func image(tag string) pinsetter.Image { return pinsetter.Image{Name: "app", Tag: tag} }

func wrote(t *testing.T, l *store.Ledger, at time.Time, commit string, sites map[store.Site]pinsetter.Image) {
	t.Helper()
	err := l.Runs().Record(t.Context(), []store.Run{{At: at, Automation: "flux-system/app", Commit: commit, Wrote: sites}})
	if err != nil {
		t.Fatal(err)
	}
}

// show tells that the site app shows a tag. What is known of it changes if it was
// outdated.
func show(t *testing.T, l *store.Ledger, at time.Time, tag string) {
	t.Helper()
	before := written(t, l)[app]
	if err := l.Sites().Show(t.Context(), at, map[store.Site]pinsetter.Image{app: image(tag)}); err != nil {
		t.Fatal(err)
	}
	outdated := !before.At.IsZero() && before.Outdated(image(tag), at)
	if changed := !cmp.Equal(before, written(t, l)[app]); changed != outdated {
		t.Errorf("outdated: %v, changed: %v", outdated, changed)
	}
}

func written(t *testing.T, l *store.Ledger) map[store.Site]store.Written {
	t.Helper()
	found, err := l.Sites().Written(t.Context(), app.Repository, app.Branch)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func testWrittenAndShown(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	show(t, l, noon, "1")
	if found := written(t, l); len(found) != 0 {
		t.Errorf("nothing was written, and %v is known", found)
	}
	elsewhere := app
	elsewhere.Branch = "next"
	wrote(t, l, noon, "c2", map[store.Site]pinsetter.Image{app: image("2"), elsewhere: image("9")})
	want := store.Written{Image: image("2"), At: noon, Commit: "c2", MetAt: noon}
	check := func(when string) {
		t.Helper()
		if diff := cmp.Diff(map[store.Site]store.Written{app: want}, written(t, l)); diff != "" {
			t.Errorf("%s:\n%s", when, diff)
		}
	}
	check("written")
	show(t, l, noon.Add(time.Hour), "1")
	check("the base doesn't show it yet")
	show(t, l, noon.Add(2*time.Hour), "2")
	want.Shown, want.ShownAt, want.MetAt = image("2"), noon.Add(2*time.Hour), noon.Add(2*time.Hour)
	check("the base shows it")
	show(t, l, noon.Add(3*time.Hour), "2")
	check("the base still shows it")
	show(t, l, noon.Add(4*time.Hour), "1")
	check("taken back by a person")
	wrote(t, l, noon.Add(5*time.Hour), "c3", map[store.Site]pinsetter.Image{app: image("3")})
	want.Image, want.At, want.Commit, want.MetAt = image("3"), noon.Add(5*time.Hour), "c3", noon.Add(5*time.Hour)
	check("the next one is written, and the last one that was shown is known")
	show(t, l, noon.Add(6*time.Hour), "3")
	want.Shown, want.ShownAt, want.MetAt = image("3"), noon.Add(6*time.Hour), noon.Add(6*time.Hour)
	check("and shown")
}

func testSiteForgotten(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	gone := app
	gone.Path = "gone.yaml"
	wrote(t, l, noon, "c2", map[store.Site]pinsetter.Image{app: image("2"), gone: image("2")})
	at := noon
	for range 60 { // more than 400 days; a person holds the site at 1
		at = at.Add(8 * day)
		show(t, l, at, "1")
		if err := l.Prune(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	found := written(t, l)
	if _, ok := found[gone]; ok || len(found) != 1 {
		t.Errorf("known are %v, want %v alone", found, app)
	}
}

func testOddPaths(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	want := map[store.Site]store.Written{}
	sites := map[store.Site]pinsetter.Image{}
	for _, path := range []string{"a\xff.yaml", "a\xfe.yaml", `"a".yaml`, "ä 'x' \\ $1.yaml", "a\nb.yaml"} {
		site := app
		site.Path = path
		sites[site] = image("2")
		want[site] = store.Written{Image: image("2"), At: noon, Commit: "c", Shown: image("2"), ShownAt: noon, MetAt: noon}
	}
	wrote(t, l, noon, "c", sites)
	if err := l.Sites().Show(t.Context(), noon, sites); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, written(t, l)); diff != "" {
		t.Error(diff)
	}
}

func TestSiteOf(t *testing.T) {
	policy := pinsetter.Name{Namespace: "flux-system", Name: "app"}
	deployment := pinsetter.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "prod", Name: "app"}
	tests := []struct {
		name string
		site pinsetter.Site
		want string
	}{
		{"an object", pinsetter.Site{Object: deployment, Document: 3, Item: -1}, "apps/Deployment prod/app"},
		{"in a list", pinsetter.Site{Object: deployment, Document: 3, Item: 4}, "apps/Deployment prod/app"},
		{"of the core group", pinsetter.Site{Object: pinsetter.Object{APIVersion: "v1", Kind: "Pod", Name: "app"}, Item: -1}, "/Pod /app"},
		{"without a name", pinsetter.Site{Object: pinsetter.Object{Kind: "Kustomization"}, Document: 1, Item: -1}, "document 1"},
		{"no object, in a list", pinsetter.Site{Document: 1, Item: 2}, "document 1 item 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.site.Path, tt.site.Policy = "a.yaml", policy
			want := store.Site{Repository: "git.example/app", Branch: "main", Path: "a.yaml",
				Object: tt.want, Policy: "flux-system/app"}
			if diff := cmp.Diff(want, store.SiteOf("git.example/app", "main", tt.site)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
