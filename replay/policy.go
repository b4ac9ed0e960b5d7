package replay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/gate"
)

// Policy is a policy, and what is known of its tags. The functions are nil if it
// can't select now, and Tags too if nothing could be listed; then Err says why.
type Policy struct {
	*decide.Policy

	Tags     []string                                                           // those that are listed, in descending order
	Sight    func(ctx context.Context, tag string) (gate.Sight, error)          // what the ledger knows; the zero Sight where nothing
	Showings func(ctx context.Context, tag string) ([]pinsetter.Showing, error) // the digests that the ledger knows of it
	Digest   func(ctx context.Context, tag string) (string, error)              // what the registry shows
}

// errUnusable is why nothing is known of a policy's tags.
var errUnusable = errors.New("its policy can't be used")

// mayShow returns nil where the policy could have had an image written at a site,
// today or earlier. Its name is not looked at.
func (p Policy) mayShow(ctx context.Context, site pinsetter.Site, image pinsetter.Image) error {
	if p.Rules == nil || p.Object.Repository == nil {
		return errors.Join(errUnusable, p.Err)
	}
	if image.Tag == "" && !site.Has(pinsetter.PartReference) && !site.Has(pinsetter.PartTag) {
		return p.mayHave(ctx, site, image) // names alone, or a digest
	}
	if !p.Accepts(image.Tag) {
		return Theirs("%s is no candidate of ImagePolicy %s", image.Tag, p.Object.Name)
	}
	if err := p.isKnown(ctx, image.Tag); err != nil {
		return err
	}
	return p.mayHave(ctx, site, image)
}

// isKnown returns nil where a tag is listed, or the ledger saw it listed.
func (p Policy) isKnown(ctx context.Context, tag string) error {
	descending := func(a, b string) int { return strings.Compare(b, a) }
	if _, listed := slices.BinarySearchFunc(p.Tags, tag, descending); listed {
		return nil
	}
	if p.Sight == nil {
		return cmp.Or(p.Err, errUnusable)
	}
	sight, err := p.Sight(ctx, tag)
	switch {
	case err != nil:
		return err
	case !sight.Since.IsZero():
		return nil
	case p.Disbelief != nil:
		return errors.New(p.Disbelief.Reason)
	}
	return Theirs("ImagePolicy %s never saw the tag %s", p.Object.Name, tag)
}

// mayHave returns nil where an image has no digest, or one that its tag has or had.
// Without a tag it is that of the best candidate.
func (p Policy) mayHave(ctx context.Context, site pinsetter.Site, image pinsetter.Image) error {
	switch {
	case image.Digest == "" || image.Digest == gate.KeptDigest(site, image.Tag):
		return nil
	case !pinsetter.ValidDigest(image.Digest):
		return Theirs("%q is no digest", image.Digest)
	case p.Sight == nil:
		return cmp.Or(p.Err, errUnusable)
	}
	tag := image.Tag
	if tag == "" {
		best, _ := p.Ranking.Best()
		tag = best.Tag
	}
	sight, err := p.Sight(ctx, tag)
	if err == nil && (image.Digest == sight.Digest || image.Digest == sight.Previous) {
		return nil
	}
	showings, err := p.Showings(ctx, tag)
	if err == nil && slices.ContainsFunc(showings, func(s pinsetter.Showing) bool { return s.Digest == image.Digest }) {
		return nil
	}
	now, err := p.Digest(ctx, tag)
	if err != nil {
		return err
	}
	if now != image.Digest {
		return Theirs("%s isn't the digest of %s", image.Digest, tag)
	}
	return nil
}
