package decide_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
)

var noon = time.Date(2026, 8, 5, 12, 0, 0, 0, time.UTC)

// tags are all that there are: fewer than a policy may fail to ask about, so that no
// bound makes the order of sites count.
var tags = []string{"1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.2.0", "1.2.1", "1.3.0", "1.4.0", "2.0.0"}

func digest(seed string) string { return "sha256:" + fmt.Sprintf("%064x", seed)[:64] }

// world is a policy, its sites, and whatever a registry and a ledger may answer.
type world struct {
	policy *decide.Policy
	views  []decide.View
	shown  []pinsetter.Image // of each view
	known  decide.Known      // all there is to know
}

// anyOf returns one of some values.
func anyOf[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// newWorld returns the world of a seed.
func newWorld(t testing.TB, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{policy: anyPolicy(t, r), known: anyKnown(r)}
	for i := range 1 + r.IntN(6) {
		site := anySite(t, r, fmt.Sprintf("%d.yaml", i))
		v := decide.View{Site: site, Reviewed: r.IntN(2) == 0}
		if r.IntN(3) > 0 {
			proposal := anySite(t, r, site.Path)
			v.Proposal = &proposal
		}
		shown := anyOf(r, pinsetter.Image{}, gate.Standing(site, anyImage(r)))
		if r.IntN(2) == 0 {
			v.Shown = &shown
		}
		w.views, w.shown = append(w.views, v), append(w.shown, shown)
	}
	return w
}

// anyPolicy returns a policy that takes versions below 2, with gates.
func anyPolicy(t testing.TB, r *rand.Rand) *decide.Policy {
	p := &decide.Policy{Object: &fleet.Policy{
		Name:       pinsetter.Name{Namespace: "ns", Name: "app"},
		Repository: &fleet.Repository{Image: "registry.test/app"},
		Spec: spec.ImagePolicySpec{
			Policy:                 spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: ">=1.0.0 <2.0.0"}},
			DigestReflectionPolicy: anyOf(r, spec.ReflectNever, spec.ReflectIfNotPresent, spec.ReflectAlways),
		},
	}}
	if r.IntN(4) == 0 {
		p.Object.Spec.Policy = spec.ImagePolicyChoice{Alphabetical: &spec.AlphabeticalPolicy{Order: "asc"}}
	}
	if r.IntN(20) == 0 {
		p.Err = errors.New("the registry lists nothing")
		return p
	}
	var err error
	if p.Rules, err = policy.New(p.Object.Spec); err != nil {
		t.Fatal(err)
	}
	listed := slices.DeleteFunc(slices.Clone(tags), func(string) bool { return r.IntN(4) == 0 })
	slices.Reverse(listed)
	if p.Ranking, err = p.Rules.Rank(policy.NewTags(append(listed, "1.0.0"))); err != nil {
		t.Fatal(err)
	}
	if r.IntN(10) == 0 {
		p.Disbelief = &gate.Refusal{Rule: pinsetter.RuleListing, Reason: "the list may be cut: wait"}
	}
	var rules []*gate.Rule
	for i := range r.IntN(3) {
		demanded := anyGate(r)
		rule, err := gate.New(pinsetter.Name{Namespace: "ns", Name: fmt.Sprint("g", i)}, demanded, policy.Range)
		if err != nil {
			t.Fatal(err)
		}
		rule.Trust(trusted[:len(demanded.Verify)])
		rules = append(rules, rule)
	}
	p.Walk = gate.Join(rules).Walk(gate.Subject{Candidates: p.Ranking.All(), Order: p, Bump: p.Rules.Bump, Now: noon, Listing: p.Disbelief,
		Pins: p.Object.Spec.DigestReflectionPolicy != spec.ReflectNever, Remembers: r.IntN(2) == 0})
	return p
}

// trusted are what gates trust.
var trusted = []string{"us", "them"}

func anyGate(r *rand.Rand) (s spec.GateSpec) {
	hours := func(n int) *spec.Duration { return &spec.Duration{Duration: time.Duration(n) * time.Hour} }
	if r.IntN(2) == 0 {
		s.MinAge, s.MinAgeFrom = hours(1+r.IntN(100)), anyOf(r, spec.AgeFromFirstSeen, spec.AgeFromCreated)
	}
	if r.IntN(2) == 0 {
		s.Platforms = []string{"linux/amd64", "linux/arm64"}[:1+r.IntN(2)]
	}
	if r.IntN(4) == 0 {
		s.MaxBump = anyOf(r, spec.BumpPatch, spec.BumpMinor)
	}
	if r.IntN(4) == 0 {
		s.Hold = []spec.GateHold{{Tags: []string{anyOf(r, tags...)}, Reason: "x"}}
	}
	if r.IntN(3) == 0 {
		s.Verify = make([]spec.GateVerify, 1+r.IntN(2))
	}
	if r.IntN(8) == 0 {
		s.Freeze = &spec.GateFreeze{From: noon.Add(-time.Hour), To: noon.Add(time.Hour), Reason: "x"}
	}
	return s
}

// anyKnown returns facts about all tags: some were moved, some can't be had.
func anyKnown(r *rand.Rand) decide.Known {
	known := nothing()
	failed := func() error { return anyOf(r, nil, nil, nil, nil, nil, nil, errors.New("502 Bad Gateway")) }
	for _, tag := range tags {
		now := anyOf(r, digest(tag), digest(tag), digest(tag), digest(tag+" moved"), "sha256:0")
		asked := gate.Answer[string]{Value: now, Err: failed()}
		known.Digests[tag], known.Pins[tag] = asked, asked
		since := noon.Add(-time.Duration(r.IntN(100)) * time.Hour)
		known.Sights[tag] = gate.Answer[gate.Sight]{Err: failed(), Value: gate.Sight{
			Since: since, Read: anyOf(r, since, noon, time.Time{}),
			Digest: anyOf(r, digest(tag), digest(tag), ""), Previous: anyOf(r, "", digest("before")),
		}}
		var had []pinsetter.Showing
		for _, d := range []string{digest(tag + " moved"), digest(tag), digest("before"), digest(tag + " once")} {
			first := noon.Add(-time.Duration(r.IntN(100)) * time.Hour)
			had = append(had, pinsetter.Showing{Digest: d, First: first, Since: first})
			known.Stays[d] = gate.Answer[bool]{Value: r.IntN(4) > 0, Err: failed()}
		}
		known.Showings[tag] = gate.Answer[[]pinsetter.Showing]{Value: had[r.IntN(len(had)+1):], Err: failed()}
		for _, d := range []string{digest(tag), digest(tag + " moved"), digest("before"), digest(tag + " once"), "sha256:0"} {
			for _, trust := range trusted {
				known.Signatures[gate.Signed{Digest: d, Trust: trust}] = pinsetter.Signature{
					Verdict: anyOf(r, pinsetter.SignatureVerified, pinsetter.SignatureVerified, pinsetter.SignatureVerified,
						pinsetter.SignatureRefused, pinsetter.SignatureRefused, pinsetter.SignatureUnknown, ""),
					Unsigned: r.IntN(2) == 0, Reason: "so it is",
				}
			}
			known.Contents[d] = gate.Answer[gate.Content]{Err: failed(), Value: gate.Content{
				Created: noon.Add(-time.Duration(r.IntN(200)) * time.Hour), Platforms: anyOf(r, nil, []string{"linux/amd64"}, []string{"linux/amd64", "linux/arm64"}),
				Builds: anyOf(r, nil, []pinsetter.Build{{Platform: "linux/amd64", Digest: digest("amd64")}, {Platform: "linux/arm64", Digest: digest("arm64")}}),
			}}
		}
	}
	return known
}

func nothing() decide.Known {
	return decide.Known{
		Known: gate.Known{
			Sights: map[string]gate.Answer[gate.Sight]{}, Digests: map[string]gate.Answer[string]{}, Contents: map[string]gate.Answer[gate.Content]{},
			Showings: map[string]gate.Answer[[]pinsetter.Showing]{}, Stays: map[string]gate.Answer[bool]{},
			Signatures: map[gate.Signed]pinsetter.Signature{},
		},
		Pins: map[string]gate.Answer[string]{},
	}
}

func clone(k decide.Known) decide.Known {
	return decide.Known{
		Known: gate.Known{Sights: maps.Clone(k.Sights), Digests: maps.Clone(k.Digests), Contents: maps.Clone(k.Contents),
			Showings: maps.Clone(k.Showings), Stays: maps.Clone(k.Stays), Signatures: maps.Clone(k.Signatures)},
		Pins: maps.Clone(k.Pins),
	}
}

func anyImage(r *rand.Rand) pinsetter.Image {
	tag := anyOf(r, tags...)
	return pinsetter.Image{Name: "registry.test/app", Tag: tag, Digest: anyOf(r, "", digest(tag), digest(tag+" moved"))}
}

// anySite returns a site as a file shows it, with markers of any kind.
func anySite(t testing.TB, r *rand.Rand, path string) pinsetter.Site {
	image := anyImage(r)
	marked := func(key, value, suffix string) string {
		return fmt.Sprintf("%s: %s # {\"$imagepolicy\": \"ns:app%s\"}\n", key, value, suffix)
	}
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n" + anyOf(r,
		marked("image", image.String(), ""),
		marked("tag", image.Tag, ":tag"),
		marked("tag", image.Tag, ":tag")+marked("digest", digest(image.Tag), ":digest"),
		marked("digest", digest(image.Tag), ":digest"),
		marked("name", anyOf(r, image.Name, "registry.test/old"), ":name"),
		marked("image", image.String(), "")+marked("other", anyImage(r).String(), ""),
		marked("digest", "1.0.0", ":digest"), // not what it names
	)
	sites := setters.Find(path, []byte(text)).Sites
	if len(sites) != 1 {
		t.Fatalf("%d sites in %s", len(sites), text)
	}
	return sites[0]
}

// decided answers questions until there are none. Views come in a given order, and
// of each round's questions so many are answered, in any order.
func (w *world) decided(t testing.TB, order []int, r *rand.Rand, some func(n int) int) []string {
	t.Helper()
	known, decisions := nothing(), make([]string, len(w.views))
	for open := slices.Clone(order); len(open) > 0; {
		var views []decide.View
		for _, i := range open {
			v := w.views[i]
			if known.Pins["shown"].Value != "" {
				v.Shown = &w.shown[i]
			}
			views = append(views, v)
		}
		made, questions := w.decide(t, views, known)
		open = slices.DeleteFunc(slices.Clone(open), func(i int) bool {
			d := made[slices.Index(open, i)]
			if d != nil {
				decisions[i] = text(*d)
			}
			return d != nil
		})
		if len(questions) == 0 && len(open) > 0 || len(questions) > 16 {
			t.Fatalf("%d questions, %d open", len(questions), len(open))
		}
		r.Shuffle(len(questions), func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
		for _, q := range questions[:min(len(questions), some(len(questions)))] {
			w.answer(t, known, q)
		}
	}
	return decisions
}

// decide is decide.Decide, twice: it must say the same and change nothing.
func (w *world) decide(t testing.TB, views []decide.View, known decide.Known) ([]*decide.Decision, []decide.Question) {
	t.Helper()
	before, viewed := clone(known), fmt.Sprintf("%+v", views)
	made, questions := decide.Decide(w.policy, views, known)
	again, asked := decide.Decide(w.policy, views, known)
	if diff := cmp.Diff(texts(made), texts(again)); diff != "" || !slices.Equal(questions, asked) {
		t.Fatalf("asked twice (-first +second):\n%s%v, %v", diff, questions, asked)
	}
	if !reflect.DeepEqual(before, known) || fmt.Sprintf("%+v", views) != viewed {
		t.Fatal("what was given is changed")
	}
	return made, questions
}

// answer fails where a question was answered before.
func (w *world) answer(t testing.TB, known decide.Known, q decide.Question) {
	t.Helper()
	again := false
	switch q.Kind {
	case gate.KindSight:
		_, again = known.Sights[q.Tag]
		known.Sights[q.Tag] = w.known.Sights[q.Tag]
	case gate.KindDigest:
		_, again = known.Digests[q.Tag]
		known.Digests[q.Tag] = w.known.Digests[q.Tag]
	case gate.KindContent:
		_, again = known.Contents[q.Digest]
		known.Contents[q.Digest] = w.known.Contents[q.Digest]
	case gate.KindShowing:
		_, again = known.Showings[q.Tag]
		known.Showings[q.Tag] = w.known.Showings[q.Tag]
	case gate.KindStays:
		_, again = known.Stays[q.Digest]
		known.Stays[q.Digest] = w.known.Stays[q.Digest]
	case gate.KindSignature:
		key := gate.Signed{Digest: q.Digest, Trust: q.Trust}
		_, again = known.Signatures[key]
		known.Signatures[key] = w.known.Signatures[key]
	case decide.KindPin:
		_, again = known.Pins[q.Tag]
		known.Pins[q.Tag] = w.known.Pins[q.Tag]
	case decide.KindShown:
		_, again = known.Pins["shown"]
		known.Pins["shown"] = gate.Answer[string]{Value: "yes"}
	default:
		t.Fatalf("asks %+v", q)
	}
	if again {
		t.Fatalf("asks again %+v", q)
	}
}

func text(d decide.Decision) string {
	hold := "nothing"
	if d.Hold != nil {
		hold = fmt.Sprintf("%+v", *d.Hold)
	}
	return fmt.Sprintf("takes %v, fate %d, moved %q, error %v, holds %s", d.Takes, d.Fate, d.Moved, d.Err, hold)
}

func texts(decisions []*decide.Decision) []string {
	var all []string
	for _, d := range decisions {
		if d == nil {
			all = append(all, "open")
			continue
		}
		all = append(all, text(*d))
	}
	return all
}

// checkPure holds, for one seed, that decisions depend on the views and the facts
// alone: not on the order of sites, of questions or of answers, nor on who was
// decided before. It returns what sites take.
func checkPure(t *testing.T, seed uint64) []string {
	w, r := newWorld(t, seed), rand.New(rand.NewPCG(seed, 2))
	inOrder := make([]int, len(w.views))
	for i := range inOrder {
		inOrder[i] = i
	}
	all := func(n int) int { return n }
	want := w.decided(t, inOrder, r, all)
	check := func(how string, got []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, %s (-want +got):\n%s", seed, how, diff)
		}
	}
	check("sites in another order", w.decided(t, r.Perm(len(w.views)), r, all))
	check("answers one by one", w.decided(t, inOrder, r, func(int) int { return 1 }))
	check("both", w.decided(t, r.Perm(len(w.views)), r, func(n int) int { return 1 + r.IntN(max(n, 1)) }))
	complete := slices.Clone(w.views)
	for i := range complete {
		complete[i].Shown = &w.shown[i]
		alone, questions := w.decide(t, complete[i:i+1], w.known)
		if len(questions) > 0 || text(*alone[0]) != want[i] {
			t.Fatalf("seed %d: site %d with all facts: %v, asks %v, want %s", seed, i, texts(alone), questions, want[i])
		}
		checkWritten(t, w, complete[i], *alone[0])
	}
	return want
}

// checkWritten holds that what a site is to be written with passes every gate, and
// that nothing is where a question got no answer.
func checkWritten(t *testing.T, w *world, v decide.View, d decide.Decision) {
	t.Helper()
	if d.Hold != nil && d.Hold.Failed && (d.Err == nil || d.Takes.Tag != "" && d.Fate != decide.Waits) {
		t.Fatalf("no answer about %s, and %s is written at %+v", d.Hold.Candidate, d.Takes, v.Site.Written)
	}
	if d.Takes.Tag == "" || decide.ShownAt(v.Site, d.Takes) || d.Fate == decide.Waits || d.Fate == decide.Refused {
		return
	}
	c := pinsetter.Candidate{Tag: d.Takes.Tag, Value: d.Takes.Tag}
	if hold, _ := w.policy.Walk.Confirm(v.Site, *v.Shown, d.Takes, c, w.known.Known); hold != nil {
		t.Fatalf("%s is written at %+v: %s", d.Takes, v.Site.Written, hold.Reason)
	}
}

func TestDecideIsPure(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(800) {
		for _, d := range checkPure(t, seed) {
			fate := strings.Split(d, ", ")[1]
			outcomes[fate]++
			if strings.Contains(d, "holds nothing") {
				outcomes["not held"]++
			}
		}
	}
	for _, outcome := range []string{"fate 0", "fate 1", "fate 2", "fate 3", "not held"} {
		if outcomes[outcome] < 20 {
			t.Errorf("%q came %d times only: %v", outcome, outcomes[outcome], outcomes)
		}
	}
}

func FuzzDecide(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkPure(t, seed) })
}

// TestQuestions: each of several sites is asked about, and no question comes twice.
func TestQuestions(t *testing.T) {
	p, views := plainPolicy(t, spec.ReflectIfNotPresent), []decide.View{}
	for i := range 40 {
		tag := tags[i%8]
		value := fmt.Appendf(nil, "tag: %s # {\"$imagepolicy\": \"ns:app:tag\"}\ndigest: sha256:0 # {\"$imagepolicy\": \"ns:app:digest\"}\n", tag)
		views = append(views, decide.View{Site: setters.Find("a.yaml", value).Sites[0], Shown: &pinsetter.Image{}})
	}
	decisions, questions := decide.Decide(p, views, decide.Known{})
	want := []decide.Question{{Kind: decide.KindPin, Tag: "1.4.0"}, {Kind: gate.KindSight, Tag: "1.4.0"}}
	if diff := cmp.Diff(want, questions); diff != "" || slices.ContainsFunc(decisions, func(d *decide.Decision) bool { return d != nil }) {
		t.Errorf("decisions %v, questions (-want +got):\n%s", texts(decisions), diff)
	}
	views[0].Shown = nil
	if _, questions = decide.Decide(p, views[:1], decide.Known{}); !slices.Equal(questions, []decide.Question{{Kind: decide.KindShown}}) {
		t.Errorf("asks %v", questions)
	}
}

// plainPolicy takes the best of all tags, without gates.
func plainPolicy(t *testing.T, reflect spec.ReflectionPolicy) *decide.Policy {
	p := &decide.Policy{Object: &fleet.Policy{
		Repository: &fleet.Repository{Image: "registry.test/app"},
		Spec: spec.ImagePolicySpec{
			Policy:                 spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: ">=1.0.0 <2.0.0"}},
			DigestReflectionPolicy: reflect,
		},
	}}
	var err error
	if p.Rules, err = policy.New(p.Object.Spec); err != nil {
		t.Fatal(err)
	}
	if p.Ranking, err = p.Rules.Rank(policy.NewTags(slices.Sorted(slices.Values(tags)))); err != nil {
		t.Fatal(err)
	}
	p.Walk = gate.Gates{}.Walk(gate.Subject{Candidates: p.Ranking.All(), Order: p, Bump: p.Rules.Bump, Now: noon})
	return p
}
