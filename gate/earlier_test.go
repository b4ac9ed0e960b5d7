package gate_test

import (
	"context"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// pushedAnew is a tag 5 that had another digest every hour, "5-0" now, and a gate
// that demands five hours.
func pushedAnew() *facts {
	f := &facts{
		seen: map[string]gate.Sight{"5": {Since: noon, Digest: digest("5-0"), Previous: digest("5-1")}}, digests: map[string]string{"5": digest("5-0")},
		had: map[string][]pinsetter.Showing{}, gone: map[string]bool{}, broken: map[string]bool{}, content: map[string]gate.Content{},
	}
	for _, ago := range []int{0, 1, 2, 3, 4, 5, 6, 7} {
		at := noon.Add(-time.Duration(ago) * time.Hour)
		f.had["5"] = append(f.had["5"], pinsetter.Showing{Digest: digest("5-" + string(rune('0'+ago))), First: at, Since: at})
	}
	return f
}

// TestEarlier: a tag that is pushed anew faster than it ages is followed by the
// latest of its digests that passes.
func TestEarlier(t *testing.T) {
	five := pinsetter.Candidate{Tag: "5", Value: "5"}
	aged := spec.GateSpec{MinAge: hours(5)}
	tagOnly := marked(site("4"), pinsetter.PartTag)
	for name, test := range map[string]struct {
		change func(*facts)
		site   pinsetter.Site
		gates  []spec.GateSpec
		never  bool // the policy has no digests written
		want   string
	}{
		"the latest that has aged":        {want: "5-5"},
		"it is gone":                      {change: func(f *facts) { f.gone[digest("5-5")] = true }, want: "5-6"},
		"all are gone":                    {change: func(f *facts) { f.gone[digest("5-5")], f.gone[digest("5-6")], f.gone[digest("5-7")] = true, true, true }},
		"the registry gives no answer":    {change: func(f *facts) { f.broken[digest("5-5")] = true }},
		"the ledger is lost":              {change: func(f *facts) { f.had = nil }},
		"the ledger can't be read":        {change: func(f *facts) { f.seen, f.ledger = nil, errNobody }},
		"the site shows it":               {site: site("5@" + digest("5-5"))},
		"the site shows a later one":      {site: site("5@" + digest("5-2"))},
		"the site shows an older one":     {site: site("5@" + digest("5-6")), want: "5-5"},
		"the site shows an unknown one":   {site: site("5@" + digest("?")), want: "5-5"},
		"the site shows no digest":        {site: tagOnly},
		"the policy writes no digest":     {never: true},
		"two gates":                       {gates: []spec.GateSpec{aged, {MinAge: hours(7)}}, want: "5-7"},
		"the tag went back to an old one": {change: func(f *facts) { f.had["5"][0].First = noon.Add(-9 * time.Hour) }, want: "5-0"},
		"another gate refuses the tag":    {gates: []spec.GateSpec{aged, {Hold: []spec.GateHold{{Tags: []string{"5"}, Reason: "x"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := pushedAnew()
			if test.change != nil {
				test.change(f)
			}
			if test.site.Markers == nil {
				test.site = site("4")
			}
			if test.gates == nil {
				test.gates = []spec.GateSpec{aged}
			}
			s := subject(f, "5")
			s.Pins = !test.never
			w := compiled(t, test.gates...).Walk(s)
			got, want := "", ""
			if earlier := w.Earlier(t.Context(), test.site, five); earlier != nil {
				got = earlier.Digest
			}
			if test.want != "" {
				want = digest(test.want)
			}
			if got != want {
				t.Errorf("takes %q, want %q", got, want)
			}
			for _, had := range []string{digest("5-0"), digest("5-3"), digest("5-5"), digest("5-6")} {
				hold := w.Confirm(t.Context(), test.site, pinsetter.Image{}, pinsetter.Image{Tag: "5", Digest: had}, five)
				if shows := gate.KeptDigest(test.site, "5") == had; (hold == nil) != (had == want || shows) {
					t.Errorf("%s: hold %+v", had, hold)
				}
			}
		})
	}
}

// TestEarlierSkipsWhatOthersRefuse: what is under an earlier digest must pass too.
func TestEarlierSkipsWhatOthersRefuse(t *testing.T) {
	f := pushedAnew()
	f.content = map[string]gate.Content{digest("5-5"): unserved, digest("5-6"): served}
	s := subject(byDigest{f}, "5")
	s.Pins = true
	w := compiled(t, spec.GateSpec{MinAge: hours(5)}, amd64).Walk(s)
	got := w.Earlier(t.Context(), site("4"), pinsetter.Candidate{Tag: "5", Value: "5"})
	if got == nil || got.Digest != digest("5-6") {
		t.Errorf("takes %+v", got)
	}
}

// byDigest are facts whose contents are given by digest.
type byDigest struct{ *facts }

func (b byDigest) Content(ctx context.Context, _, digest string) (gate.Content, error) {
	return b.facts.Content(ctx, digest, "")
}

// TestNoDigestIsHeld: a site without a digest waits, and says for which digest it
// can't ask.
func TestNoDigestIsHeld(t *testing.T) {
	s := subject(pushedAnew(), "5")
	s.Pins = true
	w := compiled(t, spec.GateSpec{MinAge: hours(5)}).Walk(s)
	got := w.Choose(t.Context(), marked(site("4"), pinsetter.PartTag), pinsetter.Image{})
	checkHold(t, got.Hold, "5", digest("5-5")+" has aged, and a site without a digest can't say that it means that one; now seen just now, and minAge is 5h: wait until")
}
