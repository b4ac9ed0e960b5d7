package selector

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// Image returns the best candidate that passes the gates, with its digest if the
// policy reflects digests. If none passes, held says why, and the image is zero.
func (s *Selection) Image(ctx context.Context) (image pinsetter.Image, held string, err error) {
	if s.Err != nil {
		return pinsetter.Image{}, "", s.Err
	}
	first := s.First(ctx)
	best := first.Candidate
	if err := s.Failure(first); err != nil {
		return pinsetter.Image{}, "", err
	}
	if best.Tag == "" {
		return pinsetter.Image{}, whyHeld(first), context.Cause(ctx)
	}
	image = pinsetter.Image{Name: s.Object.Repository.Image, Tag: best.Tag}
	if first.Earlier != nil {
		image.Digest = first.Earlier.Digest
		return image, "", nil
	}
	if s.Object.Spec.DigestReflectionPolicy != spec.ReflectNever {
		image.Digest, err = s.Digest(ctx, best.Tag)
	}
	return image, "", err
}

// Failure returns the error if a gate's question got no answer, so that nobody knows
// whether a candidate passes, else nil.
func (s *Selection) Failure(first gate.First) error {
	if !first.Failed {
		return nil
	}
	last := first.Refused[len(first.Refused)-1]
	return fmt.Errorf("ImagePolicy %s: Gate %s: %s", s.Object.Name, last.Gate, last.Reason)
}

// whyHeld says why the best candidate doesn't pass. It is for when none passes.
func whyHeld(first gate.First) string {
	refused := first.Refused
	if len(refused) == 0 {
		return "no candidate passes"
	}
	if refused[0].Gate == "" {
		return refused[0].Reason
	}
	return fmt.Sprintf("Gate %s: %s", refused[0].Gate, refused[0].Reason)
}

// Explain returns every listed tag's verdict, those of the exclusion list and
// reserved names last. The error is that of Failure; if the policy can't rank its
// tags, the selection's Err says so.
func (s *Selection) Explain(ctx context.Context) ([]pinsetter.Verdict, error) {
	verdicts, _ := s.Rules.Explain(s.tags)
	var failed error
	switch {
	case s.Walk != nil:
		failed = s.overrule(ctx, verdicts)
		s.addDigests(ctx, verdicts)
	case s.Err != nil:
		for i, v := range verdicts {
			if v.Verdict == pinsetter.Selected {
				verdicts[i].Verdict, verdicts[i].Stage = pinsetter.Eligible, pinsetter.StageOrder
				verdicts[i].Reason = "would be selected, but the policy fails"
			}
		}
	}
	for _, tag := range s.Listing.Excluded {
		verdicts = append(verdicts, pinsetter.Verdict{
			Tag: tag, Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude,
			Reason: "on the exclusionList of ImageRepository " + s.Object.Repository.Name.String(),
		})
	}
	for _, tag := range s.Listing.Deprecated {
		verdicts = append(verdicts, pinsetter.Verdict{
			Tag: tag, Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude,
			Reason: "deprecated in the index: deprecated: true in ChartRepository " + s.Object.Repository.Name.String() + " lets it in",
		})
	}
	for _, tag := range s.Listing.Reserved {
		verdicts = append(verdicts, s.Rules.Judge(tag))
	}
	return verdicts, failed
}

// overrule puts what the gates say in the place of the policy's verdicts. The error
// is that of failure.
func (s *Selection) overrule(ctx context.Context, verdicts []pinsetter.Verdict) error {
	found := s.First(ctx)
	first, refused := found.Candidate, map[string]pinsetter.Verdict{}
	for _, v := range found.Refused {
		refused[v.Tag] = v
	}
	for i, v := range verdicts {
		switch gated, ok := refused[v.Tag]; {
		case ok:
			verdicts[i] = gated
		case v.Tag == first.Tag:
			verdicts[i] = pinsetter.Verdict{Tag: v.Tag, Value: v.Value, Verdict: pinsetter.Selected}
			if e := found.Earlier; e != nil {
				verdicts[i].Reason = fmt.Sprintf("with its earlier digest %s, by Gate %s: %s", e.Digest, e.Refusal.Gate, e.Refusal.Reason)
			}
		case len(refused) > 0 && v.Verdict == pinsetter.Eligible:
			verdicts[i].Reason = "outranked by " + cmp.Or(first.Tag, "what is held")
		}
	}
	return s.Failure(found)
}

// addDigests adds to candidates the digests that the ledger knows, where a tag had
// several. They are left out if the ledger can't be read.
func (s *Selection) addDigests(ctx context.Context, verdicts []pinsetter.Verdict) {
	var tags []string
	asks := maxCompared
	for some := range slices.Chunk(verdicts, seenAtOnce) {
		tags = tags[:0]
		for _, v := range some {
			if v.Verdict != pinsetter.Rejected || v.Stage == pinsetter.StageGate || v.Stage == pinsetter.StageHold {
				tags = append(tags, v.Tag)
			}
		}
		showings, err := s.facts.showingsOf(ctx, tags)
		if err != nil {
			return
		}
		for i, v := range some {
			if found := showings[v.Tag]; len(found) > 1 {
				some[i].Digests = s.moves(ctx, found, &asks)
			}
		}
	}
}

// maxCompared bounds the digests whose content explain asks a registry for: some
// count pulls.
const maxCompared = 8

// moves returns what each digest of a tag changed, the latest first. It asks for the
// content of so many digests, and leaves out what isn't known.
func (s *Selection) moves(ctx context.Context, showings []pinsetter.Showing, asks *int) []pinsetter.Move {
	moves := make([]pinsetter.Move, len(showings))
	contents := make([]gate.Content, len(showings))
	for i, showing := range showings {
		moves[i].Showing = showing
		if *asks--; *asks >= 0 {
			contents[i], _ = s.facts.content(ctx, showing.Digest)
		}
		if i > 0 && len(contents[i-1].Builds) > 0 && len(contents[i].Builds) > 0 {
			later := &moves[i-1]
			later.Added, later.Removed, later.Changed = gate.Difference(contents[i], contents[i-1])
		}
	}
	return moves
}
