package store_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// former is what a ledger holds that knew repositories without their ports.
type former struct {
	place
	*store.Ledger
	t *testing.T
}

// newFormer returns such a ledger, which knows of git.example/org/app: what was
// written at one site, a pull request, a run, and a refspec that is due.
func newFormer(t *testing.T, p place) former {
	t.Helper()
	f := former{p, p.open(t, store.Options{}), t}
	f.record(app.Repository, "1")
	show(t, f.Ledger, noon, "1")
	f.propose(app.Repository, json.RawMessage(`{"refused":1}`))
	if err := f.Quiet().Put(t.Context(), noon, "old lane", json.RawMessage(`["HEAD:x"]`)); err != nil {
		t.Fatal(err)
	}
	p.exec(t, "UPDATE pinsetter_written SET naming = 0")
	p.exec(t, "UPDATE pinsetter_proposal SET naming = 0")
	return f
}

// record records a run that wrote a tag at the site app of a repository.
func (f former) record(repository, tag string) {
	f.t.Helper()
	at := app
	at.Repository = repository
	err := f.Runs().Record(f.t.Context(), []store.Run{{At: noon, Automation: "ns/a", Repository: repository, Branch: "main",
		Commit: "c" + tag, Wrote: map[store.Site]pinsetter.Image{at: image(tag)}}})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f former) propose(repository string, body json.RawMessage) {
	f.t.Helper()
	if err := f.Proposals().Put(f.t.Context(), noon, repository, "ns/a", map[string]json.RawMessage{"x": body}); err != nil {
		f.t.Fatal(err)
	}
}

func (f former) move(moves ...store.Move) {
	f.t.Helper()
	if err := f.Move(f.t.Context(), moves); err != nil {
		f.t.Fatal(err)
	}
}

// knows returns what the ledger knows of a repository in a few words: the tags
// that the site app was given and showed, and the pull request of its branch.
func (f former) knows(repository string) [3]string {
	f.t.Helper()
	at := app
	at.Repository = repository
	sites, err := f.Sites().Written(f.t.Context(), repository, app.Branch)
	if err != nil {
		f.t.Fatal(err)
	}
	proposals, err := f.Proposals().Of(f.t.Context(), repository, "ns/a")
	if err != nil {
		f.t.Fatal(err)
	}
	return [3]string{sites[at].Image.Tag, sites[at].Shown.Tag, string(proposals["x"])}
}

var (
	toOne     = store.Move{From: app.Repository, To: "git.example:1/org/app", Automations: []string{"ns/a"}, Quiet: map[string][]string{"lane": {"older lane", "old lane"}}}
	toTwo     = store.Move{From: app.Repository, To: "git.example:2/org/app", Automations: []string{"ns/b"}}
	wholeApp  = [3]string{"1", "1", `{"refused":1}`}
	nothingOf = [3]string{}
)

func testMove(t *testing.T, p place) {
	f := newFormer(t, p)
	reader := former{p, p.open(t, store.Options{ReadOnly: true}), t}
	reader.move(toOne)
	if got := f.knows(toOne.To); got != nothingOf {
		t.Errorf("a reader moved %v", got)
	}
	f.move(toTwo, toOne)
	for _, repository := range []string{toOne.To, toTwo.To} {
		if diff := cmp.Diff(wholeApp, f.knows(repository)); diff != "" {
			t.Errorf("%s:\n%s", repository, diff)
		}
	}
	if due, err := f.Quiet().Of(t.Context(), "lane"); string(due) != `["HEAD:x"]` || err != nil {
		t.Errorf("due: %s, %v", due, err)
	}
	runs := history(t, f.Ledger, store.Filter{})
	if len(runs) != 1 || runs[0].Repository != toOne.To {
		t.Errorf("runs: %+v", runs)
	}
	f.record(toOne.To, "1") // as it ended before: nothing new
	if runs := history(t, f.Ledger, store.Filter{}); len(runs) != 1 {
		t.Errorf("runs: %+v", runs)
	}

	f.propose(app.Repository, json.RawMessage(`{"refused":3}`)) // by an automation without a port
	later := store.Move{From: app.Repository, To: toOne.To, Automations: []string{"ns/c"}, Quiet: map[string][]string{"later": {"old lane"}}}
	f.move(later) // another process has other objects
	if due, err := f.Quiet().Of(t.Context(), "later"); string(due) != `["HEAD:x"]` || err != nil {
		t.Errorf("due: %s, %v", due, err)
	}
	f.propose(toOne.To, nil)
	f.record(toOne.To, "2")
	f.move(toOne, toTwo)
	if diff := cmp.Diff([3]string{"2", "1", ""}, f.knows(toOne.To)); diff != "" {
		t.Errorf("moved twice:\n%s", diff)
	}
}

// What is recorded by a name that has no port, since names have ports, is of that
// repository alone.
func testMoveFromNameInUse(t *testing.T, p place) {
	f := newFormer(t, p)
	f.record(toTwo.To, "3")
	f.move(toTwo)
	if diff := cmp.Diff([3]string{"3", "", `{"refused":1}`}, f.knows(toTwo.To)); diff != "" {
		t.Errorf("what it knew itself:\n%s", diff)
	}
	f.record(app.Repository, "2")
	f.propose(app.Repository, json.RawMessage(`{"refused":2}`))
	f.move(toOne)
	if diff := cmp.Diff(nothingOf, f.knows(toOne.To)); diff != "" {
		t.Errorf("of the repository without a port:\n%s", diff)
	}
	if diff := cmp.Diff([3]string{"2", "1", `{"refused":2}`}, f.knows(app.Repository)); diff != "" {
		t.Error(diff)
	}
}

// A move that is interrupted has moved nothing, and is made by the next run.
func testMoveFails(t *testing.T, p place) {
	f := newFormer(t, p)
	p.exec(t, "ALTER TABLE pinsetter_quiet RENAME TO elsewhere")
	if err := f.Move(t.Context(), []store.Move{toOne, toTwo}); err == nil {
		t.Error("no error")
	}
	if got := f.knows(toOne.To); got != nothingOf {
		t.Errorf("half of it was moved: %v", got)
	}
	p.exec(t, "ALTER TABLE elsewhere RENAME TO pinsetter_quiet")
	f.move(toOne, toTwo)
	if diff := cmp.Diff(wholeApp, f.knows(toOne.To)); diff != "" {
		t.Error(diff)
	}
}

func testMovedByMany(t *testing.T, p place) {
	f := newFormer(t, p)
	var group errgroup.Group
	for i := range 4 {
		l := p.open(t, store.Options{})
		moves := [][]store.Move{{toOne, toTwo}, {toTwo, toOne}}[i%2]
		group.Go(func() error { return l.Move(t.Context(), moves) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{toOne.To, toTwo.To} {
		if diff := cmp.Diff(wholeApp, f.knows(repository)); diff != "" {
			t.Errorf("%s:\n%s", repository, diff)
		}
	}
}
