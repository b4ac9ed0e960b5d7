package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

func change(setter string) pinsetter.Change {
	return pinsetter.Change{Path: "a.yaml", Line: 3, Setter: setter, Old: "1\x00\xff", New: "2",
		Object: pinsetter.Object{Kind: "Deployment", Name: "app"}}
}

func hold(policy, reason string) pinsetter.Hold {
	return pinsetter.Hold{Policy: policy, Path: "a.yaml", Line: 3, Current: "1", Candidate: "2", Reason: reason, Until: noon}
}

func record(t *testing.T, l *store.Ledger, runs ...store.Run) {
	t.Helper()
	if err := l.Runs().Record(t.Context(), runs); err != nil {
		t.Fatal(err)
	}
}

func history(t *testing.T, l *store.Ledger, f store.Filter) []store.Run {
	t.Helper()
	runs, err := l.Runs().History(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func testHistory(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	pushed := store.Run{
		At: noon, Automation: "flux-system/apps", Repository: "git.example/org/app", Branch: "main", Commit: "c1",
		PullRequest: &store.PullRequest{Number: 7, URL: "https://git.example/org/app/pulls/7", Action: "created"},
		Changes:     []pinsetter.Change{change("flux-system:app"), change("flux-system:db:tag")},
	}
	held := store.Run{At: noon.Add(time.Hour), Automation: "flux-system/apps", Repository: "git.example/org/app",
		Branch: "main", Held: []pinsetter.Hold{hold("flux-system/cache", "too young")}}
	failed := store.Run{At: noon.Add(2 * time.Hour), Automation: "flux-system/infra", Repository: "git.example/org/infra",
		Branch: "main", Error: "list tags of app: 401"}
	for range 2 { // twice is once
		record(t, l, pushed, held, failed)
	}
	tests := []struct {
		name   string
		filter store.Filter
		want   []string
	}{
		{"all", store.Filter{}, []string{"14:00", "13:00", "12:00"}},
		{"newest", store.Filter{Limit: 2}, []string{"14:00", "13:00"}},
		{"automation", store.Filter{Automation: "flux-system/apps"}, []string{"13:00", "12:00"}},
		{"changed policy", store.Filter{Policy: "flux-system/db"}, []string{"12:00"}},
		{"held policy", store.Filter{Policy: "flux-system/cache"}, []string{"13:00"}},
		{"unknown policy", store.Filter{Policy: "flux-system/d"}, nil},
		{"since is inclusive", store.Filter{Since: noon.Add(time.Hour)}, []string{"14:00", "13:00"}},
		{"until is exclusive", store.Filter{Until: noon.Add(time.Hour)}, []string{"12:00"}},
		{"all at once", store.Filter{Automation: "flux-system/apps", Policy: "flux-system/app", Since: noon,
			Until: noon.Add(day), Limit: 5}, []string{"12:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, run := range history(t, l, tt.filter) {
				got = append(got, run.At.Format("15:04"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	got := history(t, l, store.Filter{Policy: "flux-system/db"})[0]
	pushed.Changes[0].Old, pushed.Changes[1].Old = "1\x00\uFFFD", "1\x00\uFFFD"
	if diff := cmp.Diff(pushed, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(history(t, l, store.Filter{Automation: "flux-system/infra"}))
	want := `[{"at":"2026-03-01T14:00:00Z","automation":"flux-system/infra","repository":"git.example/org/infra",` +
		`"branch":"main","changes":[],"held":[],"error":"list tags of app: 401"}]`
	if err != nil || string(text) != want {
		t.Errorf("%v %s\nwant %s", err, text, want)
	}
}

func testNothingToSay(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	run := func(after time.Duration, reason, failure string) store.Run {
		r := store.Run{At: noon.Add(after), Automation: "flux-system/apps", Repository: "git.example/app", Branch: "main", Error: failure}
		if reason != "" {
			r.Held = []pinsetter.Hold{hold("flux-system/app", reason)}
		}
		return r
	}
	steps := []struct {
		name string
		run  store.Run
		kept int
	}{
		{"nothing", run(0, "", ""), 0},
		{"held", run(time.Minute, "2 hours of 3 days", ""), 1},
		{"held as before", run(2*time.Minute, "3 hours of 3 days", ""), 1},
		{"failed", run(3*time.Minute, "", "401"), 2},
		{"held again", run(4*time.Minute, "4 hours of 3 days", ""), 3},
		{"nothing in between", run(5*time.Minute, "", ""), 3},
		{"another automation", store.Run{At: noon, Automation: "flux-system/infra", Error: "401"}, 4},
		{"held as before, a day later", run(25*time.Hour, "1 day of 3 days", ""), 5},
	}
	for _, step := range steps {
		record(t, l, step.run)
		if got := len(history(t, l, store.Filter{})); got != step.kept {
			t.Errorf("%s: %d are kept, want %d", step.name, got, step.kept)
		}
	}
}

func testLargeRun(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	run := store.Run{At: noon, Automation: "a/b", Error: strings.Repeat("ä", 64<<10)}
	for i := range 10_003 {
		run.Changes = append(run.Changes, change(fmt.Sprintf("ns:p%d", i)))
	}
	record(t, l, run)
	got := history(t, l, store.Filter{Policy: "ns/p10002"})
	if len(got) != 1 || len(got[0].Changes) != 10_000 || got[0].Omitted != 3 {
		t.Fatalf("%d runs", len(got))
	}
	if len(got[0].Error) > 65<<10 || strings.Contains(got[0].Error, "\uFFFD") {
		t.Errorf("error of %d bytes", len(got[0].Error))
	}
}

func prune(t *testing.T, l *store.Ledger, at time.Time) {
	t.Helper()
	if err := l.Prune(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

func testPruneByAge(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", "")
	see(t, l, noon, "2.0", "")
	put(t, l, noon, "a", store.Listing{})
	facts := map[string]store.Fact{digest("a"): {}}
	if err := l.Facts().Put(t.Context(), noon, facts); err != nil {
		t.Fatal(err)
	}
	record(t, l, store.Run{At: noon, Automation: "a/b", Changes: []pinsetter.Change{change("a:b")}})
	rows := `SELECT (SELECT count(*) FROM pinsetter_sighting) + (SELECT count(*) FROM pinsetter_listing) +
		(SELECT count(*) FROM pinsetter_fact) + (SELECT count(*) FROM pinsetter_run) + (SELECT count(*) FROM pinsetter_run_policy)`
	prune(t, l, noon)
	see(t, l, noon.Add(300*day), "1.0", "")
	prune(t, l, noon.Add(399*day))
	if got := p.count(t, rows); got != 6 {
		t.Errorf("%d rows after 399 days, want all 6", got)
	}
	prune(t, l, noon.Add(401*day))
	if got := p.count(t, rows); got != 1 {
		t.Errorf("%d rows after 401 days, want that of the tag that is still listed", got)
	}
	if got := see(t, l, noon.Add(401*day), "1.0", ""); !got.First.Equal(noon) {
		t.Errorf("first = %v", got.First)
	}
	before := p.count(t, "SELECT pruned FROM pinsetter_schema")
	prune(t, l, noon.Add(401*day+time.Hour))
	if p.count(t, "SELECT pruned FROM pinsetter_schema") != before {
		t.Error("pruned twice a day")
	}
}

func testPruneByNumber(t *testing.T, p place) {
	l := p.open(t, store.Options{Runs: 3, Sightings: 4})
	see(t, l, noon.Add(-30*day), "unlisted", "")
	for i := range 4 {
		see(t, l, noon.Add(-time.Hour), fmt.Sprintf("old-%d", i), "")
	}
	see(t, l, noon, "flood", "")
	for i := range 3 { // all are listed again, at once
		see(t, l, noon.Add(8*day), fmt.Sprintf("old-%d", i), "")
	}
	see(t, l, noon.Add(8*day), "flood", "")
	see(t, l, noon.Add(8*day), "flood-2", "")
	for i := range 5 {
		record(t, l, store.Run{At: noon.Add(time.Duration(i) * time.Hour), Automation: "a/b", Error: fmt.Sprint(i)})
	}
	prune(t, l, noon.Add(8*day))
	var tags []store.Tag
	for _, name := range []string{"unlisted", "old-0", "old-1", "old-2", "old-3", "flood", "flood-2"} {
		tags = append(tags, tag(name))
	}
	known, err := l.Sights().Seen(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old-0", "old-1", "old-2", "flood"} {
		if _, ok := known[tag(name)]; !ok {
			t.Errorf("%s is forgotten", name)
		}
	}
	if len(known) != 4 {
		t.Errorf("%d tags are kept, want 4", len(known))
	}
	var errors []string
	for _, run := range history(t, l, store.Filter{}) {
		errors = append(errors, run.Error)
	}
	if diff := cmp.Diff([]string{"4", "3", "2"}, errors); diff != "" {
		t.Error(diff)
	}
}

func testNames(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	held := store.Run{At: noon.Add(time.Hour), Automation: "flux-system/apps", Held: []pinsetter.Hold{hold("flux-system/cache", "too young")}}
	failed := store.Run{At: noon.Add(2 * time.Hour), Automation: "flux-system/apps", Error: "list tags of app: 401"}
	infra := store.Run{At: noon, Automation: "flux-system/infra", Error: "no"}
	record(t, l, held, failed, infra)
	quoting := store.Run{At: noon.Add(-time.Hour), Automation: "flux-system/quoting", Held: []pinsetter.Hold{hold("flux-system/x", `said "error":"no"`)}}
	record(t, l, quoting)
	last, err := l.Runs().LastSuccess(t.Context())
	want := map[string]time.Time{"flux-system/apps": held.At, "flux-system/quoting": quoting.At}
	if diff := cmp.Diff(want, last, cmp.Transformer("", time.Time.UTC)); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	if names, err := l.Runs().Automations(t.Context()); err != nil || !slices.Equal(names, []string{"flux-system/apps", "flux-system/infra", "flux-system/quoting"}) {
		t.Errorf("automations %v, %v", names, err)
	}
	if names, err := l.Runs().Policies(t.Context()); err != nil || !slices.Equal(names, []string{"flux-system/cache", "flux-system/x"}) {
		t.Errorf("policies %v, %v", names, err)
	}
}
