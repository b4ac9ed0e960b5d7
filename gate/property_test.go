package gate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// world is whatever a registry and a ledger may answer, the same for the same
// question.
type world struct {
	seen    map[string]gate.Sight
	digests map[string]string
	content map[string]gate.Content // by digest
	errs    map[string]bool         // by question
	had     map[string][]pinsetter.Showing
	gone    map[string]bool // by digest
	signed  map[gate.Signed]pinsetter.SignatureVerdict
	at      map[gate.Signed]time.Time // of the signatures; zero: no log says
}

// Signed implements notary.
func (w world) Signed(digest, trust string) pinsetter.Signature {
	key := gate.Signed{Digest: digest, Trust: trust}
	return pinsetter.Signature{Verdict: w.signed[key], SignedAt: w.at[key], Reason: "so it is"}
}

// trusted are what the gates of a world trust.
var trusted = []string{"us", "them"}

var errWorld = errors.New("no answer")

func (w world) Seen(_ context.Context, tag string) (gate.Sight, error) {
	if w.errs["seen "+tag] {
		return gate.Sight{}, errWorld
	}
	return w.seen[tag], nil
}

func (w world) Digest(_ context.Context, tag string) (string, error) {
	if w.errs["digest "+tag] {
		return w.digests[tag], errWorld
	}
	return w.digests[tag], nil
}

func (w world) Content(_ context.Context, _, digest string) (gate.Content, error) {
	if w.errs["content "+digest] {
		return gate.Content{}, errWorld
	}
	return w.content[digest], nil
}

func (w world) Showings(_ context.Context, tag string) ([]pinsetter.Showing, error) {
	if w.errs["showings "+tag] {
		return nil, errWorld
	}
	return w.had[tag], nil
}

func (w world) Stays(_ context.Context, digest string) (bool, error) {
	if w.errs["stays "+digest] {
		return false, errWorld
	}
	return !w.gone[digest], nil
}

// anyWorld has tags 0 to n-1, of which a few were moved, are broken, or have
// times that can't be.
func anyWorld(r *rand.Rand, n int) world {
	w := world{map[string]gate.Sight{}, map[string]string{}, map[string]gate.Content{}, map[string]bool{}, map[string][]pinsetter.Showing{}, map[string]bool{},
		map[gate.Signed]pinsetter.SignatureVerdict{}, map[gate.Signed]time.Time{}}
	times := []time.Time{{}, time.Unix(0, 0), noon.Add(-100 * time.Hour), noon.Add(-72 * time.Hour), noon.Add(-time.Hour), noon, noon.Add(100 * time.Hour)}
	platforms := [][]string{nil, {}, {"linux/amd64"}, {"linux/amd64", "linux/arm64/v8"}, {"x"}}
	for i := range n {
		tag := strconv.Itoa(i)
		for _, seed := range []string{tag, tag + " moved", tag + " before", tag + " once"} {
			w.content[digest(seed)] = gate.Content{Created: times[r.IntN(len(times))], Platforms: platforms[r.IntN(len(platforms))]}
			w.errs["content "+digest(seed)], w.errs["stays "+digest(seed)] = r.IntN(10) == 0, r.IntN(10) == 0
			w.gone[digest(seed)] = r.IntN(5) == 0
			for _, trust := range trusted {
				w.at[gate.Signed{Digest: digest(seed), Trust: trust}] = times[r.IntN(len(times))]
				w.signed[gate.Signed{Digest: digest(seed), Trust: trust}] = []pinsetter.SignatureVerdict{
					pinsetter.SignatureVerified, pinsetter.SignatureVerified, pinsetter.SignatureRefused, pinsetter.SignatureUnknown, "",
				}[r.IntN(5)]
			}
			if first := times[r.IntN(len(times))]; r.IntN(3) > 0 {
				w.had[tag] = append(w.had[tag], pinsetter.Showing{Digest: digest(seed), First: first, Since: first})
			}
		}
		w.errs["showings "+tag] = r.IntN(10) == 0
		w.digests[tag] = []string{digest(tag), digest(tag), digest(tag), digest(tag + " moved"), "", "sha256:0"}[r.IntN(6)]
		known := []string{digest(tag), digest(tag), ""}[r.IntN(3)]
		w.seen[tag] = gate.Sight{Since: times[r.IntN(len(times))], Digest: known, Previous: []string{"", digest(tag + " before")}[r.IntN(2)]}
		w.errs["seen "+tag], w.errs["digest "+tag] = r.IntN(10) == 0, r.IntN(10) == 0
	}
	return w
}

// anyGates returns up to three gates; their windows are whole hours of a day in
// UTC, so that a plain check can read them.
func anyGates(r *rand.Rand) []spec.GateSpec {
	specs := make([]spec.GateSpec, r.IntN(4))
	for i := range specs {
		s := &specs[i]
		if r.IntN(3) == 0 {
			s.MinAge, s.MinAgeFrom = hours(r.IntN(150)+1), []spec.AgeFrom{spec.AgeFromFirstSeen, spec.AgeFromCreated}[r.IntN(2)]
		}
		if r.IntN(3) == 0 {
			s.Platforms = []string{"linux/amd64", "linux/arm64"}[:1+r.IntN(2)]
		}
		if r.IntN(8) == 0 {
			s.Windows = []spec.GateWindow{{Schedule: fmt.Sprintf("0 %d * * *", r.IntN(24)), Duration: *hours(1 + r.IntN(20))}}
		}
		if r.IntN(8) == 0 {
			from := noon.Add(time.Duration(r.IntN(20)-18) * time.Hour)
			s.Freeze = &spec.GateFreeze{From: from, To: from.Add(10 * time.Hour), Reason: "x"}
		}
		if r.IntN(3) == 0 {
			s.MaxBump = []spec.Bump{spec.BumpPatch, spec.BumpMinor, spec.BumpMajor}[r.IntN(3)]
		}
		if r.IntN(3) == 0 {
			s.Hold = []spec.GateHold{{Tags: []string{strconv.Itoa(r.IntN(30))}, Reason: "x"}, {Range: fmt.Sprint(">=", 15+r.IntN(30)), Reason: "x", Until: noon.Add(time.Duration(r.IntN(3)-1) * time.Hour)}}
		}
		if r.IntN(3) == 0 {
			for range 1 + r.IntN(2) {
				s.Verify = append(s.Verify, spec.GateVerify{SecretRef: &spec.LocalObjectReference{Name: trusted[r.IntN(2)]}})
			}
		}
		if s.MinAge != nil && s.Verify != nil && r.IntN(2) == 0 {
			s.MinAgeFrom = spec.AgeFromSignature
		}
		if r.IntN(4) == 0 {
			allow := r.IntN(2) == 0
			s.AllowDowngrade = &allow
		}
	}
	return specs
}

// passes says as plainly as the rules are written down whether a tag passes one
// gate.
func passes(s spec.GateSpec, w world, tag string) bool {
	if !opens(s, tag) {
		return false
	}
	d := w.digests[tag]
	known := !w.errs["digest "+tag] && pinsetter.ValidDigest(d)
	if s.MinAge != nil && s.MinAgeFrom == spec.AgeFromFirstSeen {
		sight := w.seen[tag]
		if w.errs["seen "+tag] || !known || sight.Digest != d || sight.Since.IsZero() || noon.Sub(sight.Since) < s.MinAge.Duration {
			return false
		}
	}
	return holds(s, w, d, known) && (s.Verify == nil || known && isSigned([]spec.GateSpec{s}, w, d) == pinsetter.SignatureVerified)
}

// passesEarlier says the same of a digest that a tag was seen with.
func passesEarlier(s spec.GateSpec, w world, tag, d string) bool {
	if !opens(s, tag) || w.errs["showings "+tag] || w.errs["stays "+d] || w.gone[d] {
		return false
	}
	i := slices.IndexFunc(w.had[tag], func(s pinsetter.Showing) bool { return s.Digest == d })
	if i < 0 {
		return false
	}
	if first := w.had[tag][i].First; s.MinAge != nil && s.MinAgeFrom == spec.AgeFromFirstSeen && (first.IsZero() || noon.Sub(first) < s.MinAge.Duration) {
		return false
	}
	return holds(s, w, d, true) && isSigned([]spec.GateSpec{s}, w, d) == pinsetter.SignatureVerified
}

// isSigned says what the first rule about signatures that a digest doesn't meet
// makes of it: one that was signed too lately, or nobody knows when, is refused.
func isSigned(specs []spec.GateSpec, w world, d string) pinsetter.SignatureVerdict {
	for _, s := range specs {
		for _, v := range s.Verify {
			if got := w.signed[gate.Signed{Digest: d, Trust: v.SecretRef.Name}]; got != pinsetter.SignatureVerified {
				return got
			}
		}
		for _, v := range s.Verify {
			at := w.at[gate.Signed{Digest: d, Trust: v.SecretRef.Name}]
			if s.MinAge != nil && s.MinAgeFrom == spec.AgeFromSignature && (at.IsZero() || noon.Sub(at) < s.MinAge.Duration) {
				return pinsetter.SignatureRefused
			}
		}
	}
	return pinsetter.SignatureVerified
}

// isOpen reports whether nobody could tell who signed a digest that every other rule
// lets pass.
func isOpen(specs []spec.GateSpec, w world, d string) bool {
	if slices.ContainsFunc(specs, func(s spec.GateSpec) bool { return !holds(s, w, d, true) }) {
		return false
	}
	verdict := isSigned(specs, w, d)
	return verdict != pinsetter.SignatureVerified && verdict != pinsetter.SignatureRefused
}

// unasked reports whether nobody could tell who signed a tag, so that the walk ends.
func unasked(specs []spec.GateSpec, w world, tag string, pins bool) bool {
	counted := func(s spec.GateSpec) bool { return s.MinAge != nil && s.MinAgeFrom == spec.AgeFromFirstSeen }
	verifies := func(s spec.GateSpec) bool { return s.Verify != nil }
	if slices.ContainsFunc(specs, func(s spec.GateSpec) bool { return !opens(s, tag) }) || !slices.ContainsFunc(specs, verifies) {
		return false
	}
	sight, d := w.seen[tag], w.digests[tag]
	if slices.ContainsFunc(specs, counted) {
		young := func(s spec.GateSpec) bool {
			return counted(s) && (sight.Since.IsZero() || noon.Sub(sight.Since) < s.MinAge.Duration)
		}
		switch {
		case w.errs["seen "+tag]:
			return false
		case sight.Digest != "" && slices.ContainsFunc(specs, young):
			return pins && sight.Previous != "" && earlierOpen(specs, w, tag)
		case w.errs["digest "+tag] || !pinsetter.ValidDigest(d):
			return true
		case sight.Digest == "":
			return false
		case sight.Digest != d:
			return pins && earlierOpen(specs, w, tag)
		}
	}
	return w.errs["digest "+tag] || !pinsetter.ValidDigest(d) || isOpen(specs, w, d)
}

// earlierOpen is unasked for the digests that a tag had before.
func earlierOpen(specs []spec.GateSpec, w world, tag string) bool {
	if w.errs["showings "+tag] {
		return false
	}
	reads := func(s spec.GateSpec) bool {
		return s.Platforms != nil || s.MinAge != nil && s.MinAgeFrom == spec.AgeFromCreated
	}
	for _, had := range w.had[tag] {
		young := func(s spec.GateSpec) bool {
			return s.MinAge != nil && s.MinAgeFrom == spec.AgeFromFirstSeen && (had.First.IsZero() || noon.Sub(had.First) < s.MinAge.Duration)
		}
		switch {
		case slices.ContainsFunc(specs, young):
			continue
		case w.errs["stays "+had.Digest]:
			return false
		case w.gone[had.Digest]:
			continue
		case w.errs["content "+had.Digest] && slices.ContainsFunc(specs, reads):
			return false
		case isOpen(specs, w, had.Digest):
			return true
		case !slices.ContainsFunc(specs, func(s spec.GateSpec) bool { return !passesEarlier(s, w, tag, had.Digest) }):
			return false
		}
	}
	return false
}

// opens says whether a gate lets a tag be written now, whatever is under it.
func opens(s spec.GateSpec, tag string) bool {
	n, _ := strconv.Atoi(tag)
	for _, h := range s.Hold {
		least, ranged := 0, h.Range != ""
		_, _ = fmt.Sscanf(h.Range, ">=%d", &least) // anyGates wrote it
		if (slices.Contains(h.Tags, tag) || ranged && n >= least) && (h.Until.IsZero() || noon.Before(h.Until)) {
			return false
		}
	}
	for _, win := range s.Windows {
		var start int
		_, _ = fmt.Sscanf(win.Schedule, "0 %d", &start) // as above
		if since := time.Duration((12-start+24)%24) * time.Hour; since >= win.Duration.Duration {
			return false
		}
	}
	if f := s.Freeze; f != nil && !noon.Before(f.From) && noon.Before(f.To) {
		return false
	}
	return true
}

// holds says whether what is under a digest is what a gate demands.
func holds(s spec.GateSpec, w world, d string, known bool) bool {
	content, told := w.content[d], known && !w.errs["content "+d]
	if s.MinAge != nil && s.MinAgeFrom == spec.AgeFromCreated {
		if !told || content.Created.Year() < 2013 || noon.Sub(content.Created) < s.MinAge.Duration {
			return false
		}
	}
	if s.Platforms != nil && !told {
		return false
	}
	if s.Platforms != nil && content.Platforms != nil {
		return slices.Contains(content.Platforms, "linux/amd64") &&
			(len(s.Platforms) == 1 || slices.Contains(content.Platforms, "linux/arm64/v8"))
	}
	return true
}

// fits says as plainly whether a site that shows one tag may take another.
func fits(specs []spec.GateSpec, written, shown, tag string, most int) bool {
	allowed, denied := false, false
	for _, s := range specs {
		size, _ := bump(written, tag)
		if s.MaxBump == spec.BumpPatch && size != spec.BumpPatch || s.MaxBump == spec.BumpMinor && size == spec.BumpMajor {
			return false
		}
		if s.AllowDowngrade != nil {
			allowed, denied = allowed || *s.AllowDowngrade, denied || !*s.AllowDowngrade
		}
	}
	w, _ := strconv.Atoi(written)
	n, _ := strconv.Atoi(tag)
	back, err := strconv.Atoi(shown)
	down := w > n && w <= most && (!allowed || denied)
	reverted := err == nil && shown != written && back <= most && n <= back
	return !down && !reverted
}

// checkWalk holds, for one seed, that a site takes the best candidate that passes
// every gate and every rule, or stays; that it is held where a better one was
// refused; and that it takes nothing below one of whose signer nobody could tell.
func checkWalk(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	w, specs := anyWorld(r, 40), anyGates(r)
	tags := r.Perm(40)[:r.IntN(12)] // lists are cut and shuffled
	slices.Sort(tags)
	slices.Reverse(tags)
	var listed []string
	for _, tag := range tags {
		listed = append(listed, strconv.Itoa(tag))
	}
	most, written, shown := 20+r.IntN(30), strconv.Itoa(r.IntN(40)), []string{"", strconv.Itoa(r.IntN(40))}[r.IntN(2)]
	s := subject(w, listed...)
	s.Order, s.Pins = numbers{max: most}, r.IntN(2) == 0
	var own []spec.GateSpec // the verify of the site's object, as one more gate
	at := func(written string) pinsetter.Site { return site(written) }
	if trust := []string{"", "us", "them"}[r.IntN(3)]; trust != "" {
		own = []spec.GateSpec{{Verify: []spec.GateVerify{{SecretRef: &spec.LocalObjectReference{Name: trust}}}}}
		at = func(written string) pinsetter.Site {
			s := site(written)
			s.Enclosing = &pinsetter.Enclosing{Trust: trust}
			return s
		}
	}
	walk := compiled(t, specs...).Walk(s)
	specs = append(slices.Clone(specs), own...)
	passes := func(tag string) bool { return passesAll(specs, w, tag) || s.Pins && plainEarlier(specs, w, tag) != "" }
	unknown := func(tag string) bool { return unasked(specs, w, tag, s.Pins) }
	want, better := plainChoice(specs, passes, unknown, listed, written, shown, most)
	got := walk.Choose(t.Context(), at(written), image(shown))
	if got.Candidate.Tag != want || (got.Hold != nil) != better {
		t.Errorf("seed %d: %v, shows %s, shown %q, gates %+v: takes %+v, want %q, hold %v", seed, listed, written, shown, specs, got, want, better)
	}
	for _, tag := range listed {
		take := pinsetter.Image{Tag: tag, Digest: []string{"", digest(tag), digest(tag + " before"), digest(tag + " once")}[r.IntN(4)]}
		if take == image(written) || walk.Confirm(t.Context(), at(written), image(shown), take, pinsetter.Candidate{Tag: tag, Value: tag}) != nil {
			continue
		}
		ok := tag == written || fits(specs, written, shown, tag, most)
		if !ok || !confirmable(specs, w, take, s.Pins) {
			t.Errorf("seed %d: %v is confirmed at %s, shown %q, gates %+v", seed, take, written, shown, specs)
		}
	}
}

// confirmable says whether an image may be written: the digest with it, if any, is
// the present one of a tag that passes, or an earlier one that passes itself.
func confirmable(specs []spec.GateSpec, w world, take pinsetter.Image, pins bool) bool {
	if passesAll(specs, w, take.Tag) {
		return true // TestConfirmJudges has the digests
	}
	earlier := plainEarlier(specs, w, take.Tag)
	return pins && earlier != "" && (take.Digest == "" || take.Digest == earlier)
}

func passesAll(specs []spec.GateSpec, w world, tag string) bool {
	return !slices.ContainsFunc(specs, func(s spec.GateSpec) bool { return !passes(s, w, tag) })
}

// plainEarlier is the latest digest of a tag that passes where its present one is
// too young; "" where there is none, or where that can't be known.
func plainEarlier(specs []spec.GateSpec, w world, tag string) string {
	if w.errs["showings "+tag] || !slices.ContainsFunc(specs, func(s spec.GateSpec) bool { return tooYoung(s, w, tag) }) {
		return ""
	}
	for _, had := range w.had[tag] {
		young := func(s spec.GateSpec) bool {
			return s.MinAge != nil && s.MinAgeFrom == spec.AgeFromFirstSeen && (had.First.IsZero() || noon.Sub(had.First) < s.MinAge.Duration)
		}
		reads := func(s spec.GateSpec) bool {
			return s.Platforms != nil || s.MinAge != nil && s.MinAgeFrom == spec.AgeFromCreated
		}
		if slices.ContainsFunc(specs, young) {
			continue
		}
		if w.errs["stays "+had.Digest] || !w.gone[had.Digest] && w.errs["content "+had.Digest] && slices.ContainsFunc(specs, reads) {
			return ""
		}
		if !w.gone[had.Digest] && isOpen(specs, w, had.Digest) {
			return ""
		}
		if !slices.ContainsFunc(specs, func(s spec.GateSpec) bool { return !passesEarlier(s, w, tag, had.Digest) }) {
			return had.Digest
		}
	}
	return ""
}

// tooYoung says whether a gate refuses a tag that was moved for its age alone.
func tooYoung(s spec.GateSpec, w world, tag string) bool {
	if s.MinAge == nil || s.MinAgeFrom != spec.AgeFromFirstSeen || w.errs["seen "+tag] {
		return false
	}
	sight := w.seen[tag]
	if sight.Digest != "" && (sight.Since.IsZero() || noon.Sub(sight.Since) < s.MinAge.Duration) {
		return sight.Previous != ""
	}
	return sight.Digest != "" && !w.errs["digest "+tag] && pinsetter.ValidDigest(w.digests[tag]) && w.digests[tag] != sight.Digest
}

func plainChoice(specs []spec.GateSpec, passes, unknown func(string) bool, listed []string, written, shown string, most int) (tag string, better bool) {
	for _, tag := range listed {
		if tag == written {
			return tag, better
		}
		if fits(specs, written, shown, tag, most) && passes(tag) {
			return tag, better
		}
		better = true
		if fits(specs, written, shown, tag, most) && unknown(tag) {
			return "", better // nothing lower is taken, nor is what the site shows looked at
		}
	}
	return "", better
}

func TestWalkProperty(t *testing.T) {
	for seed := range uint64(3000) {
		checkWalk(t, seed)
		if t.Failed() {
			return
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(checkWalk)
}
