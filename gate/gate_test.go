package gate_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// numbers orders tags by value and accepts whole numbers up to max.
type numbers struct {
	max      int
	unranked bool
}

func (n numbers) value(tag string) int {
	v, err := strconv.Atoi(tag)
	if err != nil {
		return -1
	}
	return v
}
func (n numbers) Accepts(tag string) bool { return n.value(tag) >= 0 && n.value(tag) <= n.max }
func (n numbers) Above(a, b string) bool  { return n.value(a) > n.value(b) }
func (n numbers) Ranked() bool            { return !n.unranked }

// site is a place with references; "tag@digest" each.
func site(refs ...string) pinsetter.Site {
	s := pinsetter.Site{
		Path: "apps/a.yaml", Policy: pinsetter.Name{Namespace: "ns", Name: "app"},
		Markers: []pinsetter.Marker{{Line: 7, Part: pinsetter.PartReference}},
	}
	for _, ref := range refs {
		tag, digest, _ := strings.Cut(ref, "@")
		s.Written = append(s.Written, pinsetter.Image{Tag: tag, Digest: digest})
	}
	return s
}

// noon is now in tests that don't care.
var noon = time.Date(2026, 8, 5, 12, 0, 0, 0, time.UTC)

func digest(seed string) string {
	return "sha256:" + fmt.Sprintf("%064x", seed)[:64]
}

// ranges reads ">=5" alone.
func ranges(text string) (func(string) bool, error) {
	least, err := strconv.Atoi(strings.TrimPrefix(text, ">="))
	if err != nil {
		return nil, err
	}
	return func(tag string) bool {
		v, err := strconv.Atoi(tag)
		return err == nil && v >= least
	}, nil
}

// bump takes tens for minor and hundreds for major numbers.
func bump(from, to string) (spec.Bump, bool) {
	a, err := strconv.Atoi(from)
	b, also := strconv.Atoi(to)
	switch {
	case err != nil || also != nil:
		return "", false
	case a/100 != b/100:
		return spec.BumpMajor, true
	case a/10 != b/10:
		return spec.BumpMinor, true
	}
	return spec.BumpPatch, true
}

// facts answers from maps, by tag, and counts what was asked. What is missing
// in seen was never seen; a tag's digest is digest(tag) unless given.
type facts struct {
	seen    map[string]gate.Sight
	digests map[string]string
	content map[string]gate.Content // by tag
	broken  map[string]bool         // tags about which the registry gives no answer
	had     map[string][]pinsetter.Showing
	gone    map[string]bool // digests that the registry hasn't any more
	ledger  error
	asked   []string
}

func (f *facts) Seen(_ context.Context, tag string) (gate.Sight, error) { return f.seen[tag], f.ledger }

func (f *facts) Digest(ctx context.Context, tag string) (string, error) {
	f.asked = append(f.asked, tag)
	if f.broken[tag] {
		return "", errors.New("502 Bad Gateway")
	}
	if d, given := f.digests[tag]; given {
		return d, ctx.Err()
	}
	return digest(tag), ctx.Err()
}

func (f *facts) Content(_ context.Context, tag, _ string) (gate.Content, error) {
	if f.broken[tag+" content"] {
		return gate.Content{}, errors.New("404 Not Found")
	}
	return f.content[tag], nil
}

func (f *facts) Showings(_ context.Context, tag string) ([]pinsetter.Showing, error) {
	return f.had[tag], f.ledger
}

func (f *facts) Stays(_ context.Context, digest string) (bool, error) {
	f.asked = append(f.asked, digest)
	if f.broken[digest] {
		return false, errors.New("502 Bad Gateway")
	}
	return !f.gone[digest], nil
}

// old is the sight of a tag that has been there for a time.
func old(tag string, age time.Duration) gate.Sight {
	return gate.Sight{Since: noon.Add(-age), Digest: digest(tag)}
}

func compiled(t *testing.T, specs ...spec.GateSpec) gates {
	t.Helper()
	var rules []*gate.Rule
	for i, s := range specs {
		rule, err := gate.New(pinsetter.Name{Namespace: "ns", Name: fmt.Sprint("g", i+1)}, s, ranges)
		if err != nil {
			t.Fatal(err)
		}
		var trust []string
		for _, v := range s.Verify {
			trust = append(trust, v.SecretRef.Name)
		}
		rule.Trust(trust)
		rules = append(rules, rule)
	}
	return gates{gate.Join(rules)}
}

// gates are those whose walks get their questions answered.
type gates struct{ gate.Gates }

func (g gates) Walk(s tested) *walker {
	return &walker{walk: g.Gates.Walk(s.Subject), source: s.source, known: gate.Known{
		Sights: map[string]gate.Answer[gate.Sight]{}, Digests: map[string]gate.Answer[string]{}, Contents: map[string]gate.Answer[gate.Content]{},
		Showings: map[string]gate.Answer[[]pinsetter.Showing]{}, Stays: map[string]gate.Answer[bool]{},
		Signatures: map[gate.Signed]pinsetter.Signature{},
	}}
}

// notary is a source that knows of signatures too; any other has none.
type notary interface {
	Signed(digest, trust string) pinsetter.Signature
}

// source is who answers a walk's questions, as long as the ctx hasn't ended. A nil
// one knows nothing.
type source interface {
	Seen(ctx context.Context, tag string) (gate.Sight, error)
	Digest(ctx context.Context, tag string) (string, error)
	Content(ctx context.Context, tag, digest string) (gate.Content, error)
	Showings(ctx context.Context, tag string) ([]pinsetter.Showing, error)
	Stays(ctx context.Context, digest string) (bool, error)
}

// tested is a subject, and who knows about it.
type tested struct {
	gate.Subject
	source source
}

// walker is a walk whose questions are answered until there are none. What was
// answered for one site is known for the others.
type walker struct {
	walk    *gate.Walk
	source  source
	known   gate.Known
	refused []pinsetter.Verdict // by First
}

// until calls ask until it has no question any more. What could not be asked for,
// since ctx ended, isn't remembered.
func (w *walker) until(ctx context.Context, ask func(gate.Known) []gate.Question) {
	known := gate.Known{Sights: maps.Clone(w.known.Sights), Digests: maps.Clone(w.known.Digests), Contents: maps.Clone(w.known.Contents),
		Showings: maps.Clone(w.known.Showings), Stays: maps.Clone(w.known.Stays), Signatures: maps.Clone(w.known.Signatures)}
	for questions := ask(known); len(questions) > 0; questions = ask(known) {
		if len(questions) > 16 {
			panic(fmt.Sprint(len(questions), " questions at once"))
		}
		for _, q := range questions {
			w.answer(ctx, known, q)
		}
	}
	if ctx.Err() == nil {
		w.known = known
	}
}

// answer panics where a question was answered before.
func (w *walker) answer(ctx context.Context, known gate.Known, q gate.Question) {
	source, again := w.source, false
	if source == nil || ctx.Err() != nil {
		source = nobody{}
	}
	switch q.Kind {
	case gate.KindSight:
		_, again = known.Sights[q.Tag]
		known.Sights[q.Tag] = answered(source.Seen(ctx, q.Tag))
	case gate.KindDigest:
		_, again = known.Digests[q.Tag]
		known.Digests[q.Tag] = answered(source.Digest(ctx, q.Tag))
	case gate.KindContent:
		_, again = known.Contents[q.Digest]
		known.Contents[q.Digest] = answered(source.Content(ctx, q.Tag, q.Digest))
	case gate.KindShowing:
		_, again = known.Showings[q.Tag]
		known.Showings[q.Tag] = answered(source.Showings(ctx, q.Tag))
	case gate.KindStays:
		_, again = known.Stays[q.Digest]
		known.Stays[q.Digest] = answered(source.Stays(ctx, q.Digest))
	case gate.KindSignature:
		key := gate.Signed{Digest: q.Digest, Trust: q.Trust}
		_, again = known.Signatures[key]
		known.Signatures[key] = pinsetter.Signature{Verdict: pinsetter.SignatureRefused, Unsigned: true, Reason: "it isn't signed"}
		if n, ok := source.(notary); ok {
			known.Signatures[key] = n.Signed(q.Digest, q.Trust)
		}
	}
	if again {
		panic(fmt.Sprint("asked again: ", q))
	}
}

func answered[T any](value T, err error) gate.Answer[T] {
	return gate.Answer[T]{Value: value, Err: err}
}

func (w *walker) Choose(ctx context.Context, site pinsetter.Site, shown pinsetter.Image) (choice gate.Choice) {
	w.until(ctx, func(known gate.Known) (questions []gate.Question) {
		choice, questions = w.walk.Choose(site, shown, known)
		return questions
	})
	return choice
}

func (w *walker) Confirm(ctx context.Context, site pinsetter.Site, shown, image pinsetter.Image, c pinsetter.Candidate) (hold *pinsetter.Hold) {
	w.until(ctx, func(known gate.Known) (questions []gate.Question) {
		hold, questions = w.walk.Confirm(site, shown, image, c, known)
		return questions
	})
	return hold
}

func (w *walker) Earlier(ctx context.Context, site pinsetter.Site, c pinsetter.Candidate) (earlier *gate.Earlier) {
	w.until(ctx, func(known gate.Known) (questions []gate.Question) {
		earlier, questions = w.walk.Earlier(site, c, known)
		return questions
	})
	return earlier
}

func (w *walker) Judge(ctx context.Context, c pinsetter.Candidate) (verdict pinsetter.Verdict) {
	w.until(ctx, func(known gate.Known) (questions []gate.Question) {
		verdict, questions = w.walk.Judge(c, known)
		return questions
	})
	return verdict
}

func (w *walker) First(ctx context.Context) (pinsetter.Candidate, bool) {
	var first gate.First
	w.until(ctx, func(known gate.Known) (questions []gate.Question) {
		first, questions = w.walk.First(known)
		return questions
	})
	w.refused = first.Refused
	return first.Candidate, first.Candidate.Tag != ""
}

// nobody knows anything.
type nobody struct{}

var errNobody = errors.New("there is nothing to ask")

func (nobody) Seen(context.Context, string) (gate.Sight, error) { return gate.Sight{}, errNobody }
func (nobody) Digest(context.Context, string) (string, error)   { return "", errNobody }
func (nobody) Content(context.Context, string, string) (gate.Content, error) {
	return gate.Content{}, errNobody
}

func (nobody) Showings(context.Context, string) ([]pinsetter.Showing, error) { return nil, errNobody }
func (nobody) Stays(context.Context, string) (bool, error)                   { return false, errNobody }

func hours(n int) *spec.Duration { return &spec.Duration{Duration: time.Duration(n) * time.Hour} }

// subject is candidates, best first, of a policy that orders by number.
func subject(f source, tags ...string) tested {
	var candidates []pinsetter.Candidate
	for _, tag := range tags {
		candidates = append(candidates, pinsetter.Candidate{Tag: tag, Value: tag})
	}
	return tested{gate.Subject{Candidates: slices.Values(candidates), Order: numbers{max: 1000}, Bump: bump, Now: noon, Starts: true}, f}
}

// judged returns what gates make of tag 5.
func judged(t *testing.T, f source, at time.Time, specs ...spec.GateSpec) pinsetter.Verdict {
	t.Helper()
	s := subject(f, "5")
	s.Now = at
	return compiled(t, specs...).Walk(s).Judge(t.Context(), pinsetter.Candidate{Tag: "5", Value: "5"})
}

// end returns when what a verdict refuses ends, the zero time if no time ends it.
func end(v pinsetter.Verdict) time.Time {
	if v.Until == nil {
		return time.Time{}
	}
	return *v.Until
}

// checkVerdict compares a verdict with the start of the reason that is wanted, ""
// for a candidate that passes, and with when it ends.
func checkVerdict(t *testing.T, got pinsetter.Verdict, reason string, until time.Time) {
	t.Helper()
	passed := got.Verdict == pinsetter.Eligible
	if passed != (reason == "") || !strings.HasPrefix(got.Reason, reason) || !end(got).Equal(until) {
		t.Errorf("got %+v, want reason %q until %v", got, reason, until)
	}
	if !passed && !strings.Contains(got.Reason, ": ") {
		t.Errorf("reason %q has no way out", got.Reason)
	}
}

// TestNew: what can't be compiled is an error that names its place, and lets
// nothing pass.
func TestNew(t *testing.T) {
	s := spec.GateSpec{
		Hold:    []spec.GateHold{{Tags: []string{"1"}}, {Range: "x"}},
		Windows: []spec.GateWindow{{Schedule: "* * *", TimeZone: "Nowhere", Duration: *hours(1)}},
	}
	rule, err := gate.New(pinsetter.Name{Namespace: "ns", Name: "g"}, s, ranges)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"spec.hold[1].range: ", "spec.windows[0].schedule: ", "spec.windows[0].timeZone: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if got := (gates{gate.Join([]*gate.Rule{rule})}).Walk(subject(nil, "5")).Judge(t.Context(), pinsetter.Candidate{Tag: "5"}); got.Verdict != pinsetter.Rejected || strings.Contains(got.Reason, "\n") {
		t.Errorf("a broken gate says %+v", got)
	}
}

func TestRemembering(t *testing.T) {
	compiled := compiled(t, spec.GateSpec{MinAge: hours(1)}, spec.GateSpec{MaxBump: spec.BumpMinor},
		spec.GateSpec{MinAge: hours(1), MinAgeFrom: spec.AgeFromCreated}, spec.GateSpec{MinAge: hours(1), MinAgeFrom: spec.AgeFromFirstSeen})
	if got := compiled.Remembering(); !slices.Equal(got, []string{"ns/g1", "ns/g4"}) {
		t.Errorf("got %v", got)
	}
}

// TestNoGates: without gates everything passes, and nobody is asked.
func TestNoGates(t *testing.T) {
	f := &facts{}
	checkVerdict(t, judged(t, f, noon), "", time.Time{})
	if len(f.asked) > 0 {
		t.Errorf("asked about %v", f.asked)
	}
}
