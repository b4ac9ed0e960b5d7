package gate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

var (
	served   = gate.Content{Platforms: []string{"linux/amd64"}}
	unserved = gate.Content{Platforms: []string{"linux/s390x"}}
	amd64    = spec.GateSpec{Platforms: []string{"linux/amd64"}}
)

// TestWalkEndsAtTheFirstThatPasses: a bad newest tag doesn't starve a good older
// one, and nobody is asked about more than one window below it.
func TestWalkEndsAtTheFirstThatPasses(t *testing.T) {
	f := &facts{
		seen:    map[string]gate.Sight{"9": old("9", time.Hour), "8": old("8", 100*time.Hour), "7": old("7", 100*time.Hour), "6": old("6", 100*time.Hour)},
		content: map[string]gate.Content{"9": served, "8": unserved, "7": served, "6": served},
	}
	w := compiled(t, spec.GateSpec{MinAge: hours(72)}, amd64).Walk(subject(f, "9", "8", "7", "6", "5"))
	got := w.Choose(t.Context(), site("5"), pinsetter.Image{})
	if got.Candidate.Tag != "7" {
		t.Errorf("takes %q", got.Candidate.Tag)
	}
	want := &pinsetter.Hold{
		Policy: "ns/app", Path: "apps/a.yaml", Line: 7, Current: "5", Candidate: "9", Until: noon.Add(71 * time.Hour), Rule: pinsetter.RuleMinAge,
		Reason: "Gate ns/g1: seen 1h ago, and minAge is 72h: wait until 2026-08-08T11:00:00Z, lower minAge, or write 9 by hand",
	}
	if diff := cmp.Diff(want, got.Hold); diff != "" {
		t.Errorf("hold (-want +got):\n%s", diff)
	}
	if first, ok := w.First(t.Context()); !ok || first.Tag != "7" {
		t.Errorf("first %v, %v", first, ok)
	}
	if !slices.Equal(f.asked, []string{"8", "7", "6"}) {
		t.Errorf("the registry was asked about %v", f.asked)
	}
	var refused []string
	for _, v := range w.refused {
		refused = append(refused, fmt.Sprint(v.Tag, " ", v.Verdict, " ", v.Stage, " ", v.Gate))
	}
	if diff := cmp.Diff([]string{"9 rejected gate ns/g1", "8 rejected gate ns/g2"}, refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// TestTheBestAloneRanksNothing: candidates are sorted when the second is asked
// for, which a site that shows the best never needs.
func TestTheBestAloneRanksNothing(t *testing.T) {
	s := subject(&facts{}, "9", "8", "7")
	all, given := s.Candidates, 0
	s.Candidates = func(yield func(pinsetter.Candidate) bool) {
		for c := range all {
			if given++; !yield(c) {
				return
			}
		}
	}
	compiled(t).Walk(s).Choose(t.Context(), site("9"), pinsetter.Image{})
	if given != 1 {
		t.Errorf("%d candidates were asked for", given)
	}
}

// TestWalkAsksNothingWhenThereIsNothingToDo: the written tag needs no gate.
func TestWalkAsksNothingWhenThereIsNothingToDo(t *testing.T) {
	f := &facts{}
	frozen := spec.GateSpec{Freeze: &spec.GateFreeze{From: noon, To: noon.Add(1), Reason: "x"}}
	w := compiled(t, amd64, spec.GateSpec{MinAge: hours(1)}, frozen).Walk(subject(f, "9", "8"))
	if got := w.Choose(t.Context(), site("9"), pinsetter.Image{}); got.Candidate.Tag != "9" || got.Hold != nil {
		t.Errorf("got %+v", got)
	}
	if hold := w.Confirm(t.Context(), site("9"), pinsetter.Image{}, pinsetter.Image{Tag: "9"}, pinsetter.Candidate{Tag: "9"}); hold != nil {
		t.Errorf("held: %+v", hold)
	}
	if len(f.asked) > 0 || len(w.refused) > 0 {
		t.Errorf("asked about %v, refused %v", f.asked, w.refused)
	}
}

// TestConfirmJudges: a digest that changes under the written tag passes the gates
// like any candidate.
func TestConfirmJudges(t *testing.T) {
	now := func(seed string) pinsetter.Image { return pinsetter.Image{Tag: "9", Digest: digest(seed)} }
	nine := pinsetter.Candidate{Tag: "9", Value: "9"}
	s := site("9@" + digest("before"))
	aged := spec.GateSpec{MinAge: hours(1)}
	f := &facts{seen: map[string]gate.Sight{"9": old("9", 100*time.Hour)}}
	if hold := compiled(t, aged).Walk(subject(f, "9")).Confirm(t.Context(), s, pinsetter.Image{}, now("9"), nine); hold != nil {
		t.Errorf("held: %+v", hold)
	}
	hold := compiled(t, aged).Walk(subject(f, "9")).Confirm(t.Context(), s, pinsetter.Image{}, now("other"), nine)
	checkHold(t, hold, "9", digest("9")+" is what passed the gates, and "+digest("other")+" would be written")
	hold = compiled(t, aged).Walk(subject(&facts{}, "9")).Confirm(t.Context(), s, pinsetter.Image{}, now("9"), nine)
	checkHold(t, hold, "9", "seen just now")
	hold = compiled(t, aged).Walk(subject(f, "9")).Confirm(t.Context(), s, pinsetter.Image{}, now("9"), pinsetter.Candidate{Tag: "8"})
	if hold != nil {
		t.Errorf("judged another tag: %+v", hold)
	}
}

// TestNamesAlone: a site that shows no tag is held only while nothing may be
// written.
func TestNamesAlone(t *testing.T) {
	s := marked(site(), pinsetter.PartName)
	s.Markers[0].Value = "app"
	frozen := spec.GateSpec{Freeze: &spec.GateFreeze{From: noon, To: noon.Add(1), Reason: "x"}}
	nine := pinsetter.Candidate{Tag: "9"}
	for _, test := range []struct {
		spec spec.GateSpec
		name string
		held bool
	}{{amd64, "app", false}, {amd64, "new/app", false}, {frozen, "app", false}, {frozen, "new/app", true}} {
		w := compiled(t, test.spec).Walk(subject(&facts{}, "9"))
		got := w.Choose(t.Context(), s, pinsetter.Image{})
		if got.Candidate.Tag != "9" || got.Hold != nil {
			t.Errorf("got %+v", got)
		}
		hold := w.Confirm(t.Context(), s, pinsetter.Image{}, pinsetter.Image{Name: test.name, Tag: "9"}, nine)
		if (hold != nil) != test.held {
			t.Errorf("%+v: hold %+v", test, hold)
		}
	}
}

func TestGoingDown(t *testing.T) {
	yes, no := true, false
	allow, deny := spec.GateSpec{AllowDowngrade: &yes}, spec.GateSpec{AllowDowngrade: &no}
	tests := []struct {
		name  string
		gates []spec.GateSpec
		order numbers
		seen  bool
		takes string
	}{
		{"by default", nil, numbers{max: 9}, false, ""},
		{"allowed", []spec.GateSpec{allow, amd64}, numbers{max: 9}, false, "7"},
		{"allowed and denied", []spec.GateSpec{allow, deny}, numbers{max: 9}, false, ""},
		{"no longer accepted", nil, numbers{max: 7}, false, "7"},
		{"unranked, never seen", nil, numbers{max: 9, unranked: true}, false, "7"},
		{"unranked, seen", nil, numbers{max: 9, unranked: true}, true, ""},
		{"unranked, seen and allowed", []spec.GateSpec{allow}, numbers{max: 9, unranked: true}, true, "7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &facts{content: map[string]gate.Content{"7": served}}
			if test.seen {
				f.seen = map[string]gate.Sight{"8": old("8", time.Hour)}
			}
			s := subject(f, "7", "6")
			s.Order = test.order
			got := compiled(t, test.gates...).Walk(s).Choose(t.Context(), site("8"), pinsetter.Image{})
			if got.Candidate.Tag != test.takes {
				t.Errorf("takes %q, want %q", got.Candidate.Tag, test.takes)
			}
			want := ""
			if test.takes == "" {
				want = "8 is written here and no longer listed, and 7 would be a step down: to take it, write 7 by hand, or exclude 8"
			}
			checkHold(t, got.Hold, "7", want)
		})
	}
}

// TestListingIsNotBelieved: nothing is written, up or down.
func TestListingIsNotBelieved(t *testing.T) {
	s := subject(nil, "9", "8")
	s.Listing = &gate.Refusal{Reason: "the list may be cut: wait", Until: noon.Add(time.Hour)}
	w := gates{}.Walk(s)
	got := w.Choose(t.Context(), site("8"), pinsetter.Image{})
	if got.Candidate.Tag != "8" || got.Hold == nil || got.Hold.Reason != "the list may be cut: wait" || !got.Hold.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %+v", got)
	}
	if _, ok := w.First(t.Context()); ok {
		t.Error("a candidate passes")
	}
}

// TestBounds: a gate that nothing passes costs a bounded number of questions, and
// what needs none is passed without counting.
func TestBounds(t *testing.T) {
	var tags []string
	for i := 999; i > 0; i-- {
		tags = append(tags, fmt.Sprint(i))
	}
	f := &facts{content: map[string]gate.Content{}, broken: map[string]bool{}, seen: map[string]gate.Sight{}}
	for _, tag := range tags {
		f.content[tag] = unserved
	}
	w := compiled(t, amd64).Walk(subject(f, tags...))
	got := w.Choose(t.Context(), site("1"), pinsetter.Image{})
	if got.Candidate.Tag != "1" || got.Hold.Candidate != "999" || len(f.asked) != 100 {
		t.Errorf("takes %q after %d questions", got.Candidate.Tag, len(f.asked))
	}
	last := w.Judge(t.Context(), pinsetter.Candidate{Tag: "5"})
	if !strings.HasPrefix(last.Reason, "not looked at, since the registry was asked about 100 better tags: exclude") {
		t.Errorf("reason %q", last.Reason)
	}

	f.asked = nil
	for _, tag := range tags {
		f.broken[tag] = true
	}
	compiled(t, amd64).Walk(subject(f, tags...)).First(t.Context())
	if len(f.asked) != 16 {
		t.Errorf("%d questions to a registry that doesn't answer", len(f.asked))
	}

	f = &facts{content: map[string]gate.Content{"300": served}, seen: map[string]gate.Sight{"300": old("300", 100*time.Hour)}}
	for _, tag := range tags[:699] {
		f.seen[tag] = old(tag, time.Hour)
	}
	got = compiled(t, amd64, spec.GateSpec{MinAge: hours(72)}).Walk(subject(f, tags...)).Choose(t.Context(), site("1"), pinsetter.Image{})
	if got.Candidate.Tag != "300" || len(f.asked) != 1 {
		t.Errorf("takes %q after %d questions", got.Candidate.Tag, len(f.asked))
	}
}

// TestCanceled: what couldn't be asked for is refused.
func TestCanceled(t *testing.T) {
	f := &facts{content: map[string]gate.Content{"9": served, "8": served}}
	w := compiled(t, amd64).Walk(subject(f, "9", "8", "7"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := w.Choose(ctx, site("7"), pinsetter.Image{}); got.Candidate.Tag != "7" || got.Hold == nil {
		t.Errorf("takes %+v", got)
	}
	if got := w.Choose(t.Context(), site("7"), pinsetter.Image{}); got.Candidate.Tag != "9" {
		t.Errorf("takes %+v", got)
	}
}

// TestConcurrentSites: sites share what was found out, and a walk is safe for all
// of them at once.
func TestConcurrentSites(t *testing.T) {
	f := &facts{content: map[string]gate.Content{"9": unserved, "8": served, "7": served}}
	w := compiled(t, amd64).Walk(subject(f, "9", "8", "7", "6", "5"))
	w.Choose(t.Context(), site("6"), pinsetter.Image{})
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			got, questions := w.walk.Choose(site(fmt.Sprint(5+i%3)), pinsetter.Image{}, w.known)
			if got.Candidate.Tag != "8" || len(questions) > 0 {
				t.Errorf("takes %q and asks %v", got.Candidate.Tag, questions)
			}
		})
	}
	group.Wait()
	if !slices.Equal(f.asked, []string{"9", "8", "7"}) {
		t.Errorf("asked about %v", f.asked)
	}
}

// TestTheBestIsAskedAboutAlone: the ledger is asked about sixteen candidates at once
// behind the best one, and so is the registry behind the first that it is asked about.
// Windows end where the bounds may be reached.
func TestTheBestIsAskedAboutAlone(t *testing.T) {
	var tags, behind []string
	for i := 40; i > 0; i-- {
		tags = append(tags, fmt.Sprint(i))
	}
	behind = tags[1:17]
	walk := compiled(t, spec.GateSpec{MinAge: hours(72)}).Walk(subject(nil, tags...)).walk
	sights, digests := map[string]gate.Answer[gate.Sight]{}, map[string]gate.Answer[string]{}
	ask := func(kind gate.Kind, want ...string) {
		t.Helper()
		_, questions := walk.Choose(site("1"), pinsetter.Image{}, gate.Known{Sights: sights, Digests: digests})
		var got []string
		for _, q := range questions {
			got = append(got, q.Tag)
			if q.Kind != kind {
				t.Errorf("asks %v", q)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("asks about %v, want %v", got, want)
		}
	}
	ask(gate.KindSight, "40")
	sights["40"] = gate.Answer[gate.Sight]{Value: old("40", time.Hour)}
	ask(gate.KindSight, behind...)
	for _, tag := range behind {
		sights[tag] = gate.Answer[gate.Sight]{Value: old(tag, 100*time.Hour)}
	}
	ask(gate.KindDigest, "39")
	asked := func(n int, answer gate.Answer[string]) {
		for i := range n {
			digests[fmt.Sprint("of another site ", i)] = answer
		}
	}
	asked(1, gate.Answer[string]{Value: digest("a")})
	ask(gate.KindDigest, behind...)
	asked(13, gate.Answer[string]{Err: errors.New("502 Bad Gateway")})
	ask(gate.KindDigest, behind[:3]...)
	asked(96, gate.Answer[string]{Value: digest("a")})
	ask(gate.KindDigest, behind[:4]...)
}

// TestOneWindowBeyond: the registry is asked about no more than one window of
// candidates behind the one that passes.
func TestOneWindowBeyond(t *testing.T) {
	f := &facts{content: map[string]gate.Content{}}
	var tags []string
	for i := 40; i > 0; i-- {
		tags = append(tags, fmt.Sprint(i))
		f.content[fmt.Sprint(i)] = unserved
	}
	f.content["38"] = served
	got := compiled(t, amd64).Walk(subject(f, tags...)).Choose(t.Context(), site("1"), pinsetter.Image{})
	if got.Candidate.Tag != "38" || !slices.Equal(f.asked, tags[:17]) {
		t.Errorf("takes %q, asked about %v", got.Candidate.Tag, f.asked)
	}
}
