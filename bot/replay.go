package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/setters"
)

// errTheirs is why a commit isn't the bot's. Any other error of a replay says that
// it can't be found out now.
var errTheirs = errors.New("not a commit of Pinsetter")

func theirs(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errTheirs, fmt.Sprintf(format, args...))
}

// replay returns nil where an automation could have made a step: it is its parent
// with values set that the automation's policies mark, each to a candidate of its
// policy, and no other byte is different.
func (c *cycle) replay(ctx context.Context, a *fleet.Automation, step gitops.Step) error {
	if errors.Is(step.Err, gitops.ErrNotEdits) {
		return theirs("%v", step.Err)
	}
	if step.Err != nil {
		return step.Err
	}
	for _, path := range step.Paths {
		if !a.Covers(path) {
			return theirs("%s is outside of update.path of ImageUpdateAutomation %s", path, a.Name)
		}
		before, foundBefore, err := step.Before.Read(ctx, path)
		if err != nil {
			return err
		}
		after, foundAfter, err := step.After.Read(ctx, path)
		if err != nil {
			return err
		}
		if !foundBefore || !foundAfter {
			return theirs("%s is no file on both sides", path)
		}
		if err := c.replayFile(ctx, a, path, before, after); err != nil {
			return err
		}
	}
	return nil
}

// replayFile is replay for one file.
func (c *cycle) replayFile(ctx context.Context, a *fleet.Automation, path string, before, after []byte) error {
	file := setters.Find(path, before)
	set, ok := moved(file.Sites, setters.Find(path, after).Sites)
	if !ok {
		return theirs("%s has other markers, or markers of one policy that disagree", path)
	}
	for i, image := range set {
		site := file.Sites[i]
		policy := c.set.Policy(site.Policy)
		if policy == nil && c.set.Missing.MayHide() {
			return fmt.Errorf("ImagePolicy %s is not known: not everything could be loaded", site.Policy)
		}
		if policy == nil || !a.Selects(policy) {
			return theirs("ImageUpdateAutomation %s doesn't write ImagePolicy %s", a.Name, site.Policy)
		}
		sel := c.selector.selection(ctx, policy)
		if err := sel.mayShow(ctx, site, image); err != nil {
			return err
		}
		image.Name = policy.Repository.Image // else the bytes are others
		set[i] = image
		anyKind(site)
	}
	made, _, err := file.Apply(set)
	if err != nil || !bytes.Equal(made, after) {
		return theirs("%s has other bytes than marked values", path)
	}
	return nil
}

// anyKind has a site's markers take every value: earlier versions also wrote where
// a value isn't what its marker names, and what they propose there is to be taken
// back.
func anyKind(site pinsetter.Site) {
	for i := range site.Markers {
		site.Markers[i].Kind = pinsetter.KindAny
	}
}

// moved returns what sites show after a commit that changed them, by their index,
// and false where the sites aren't the same ones, or one shows several images.
func moved(before, after []pinsetter.Site) (map[int]pinsetter.Image, bool) {
	if len(before) != len(after) {
		return nil, false
	}
	set := map[int]pinsetter.Image{}
	for i, was := range before {
		is := after[i]
		if slices.Equal(was.Markers, is.Markers) {
			continue
		}
		if was.Policy != is.Policy || len(is.Written) > 1 {
			return nil, false
		}
		set[i] = pinsetter.Image{}
		if len(is.Written) == 1 {
			set[i] = is.Written[0]
		}
	}
	return set, true
}

// mayShow returns nil where the policy could have had an image written at a site,
// today or earlier. Its name is not looked at.
func (s *selection) mayShow(ctx context.Context, site pinsetter.Site, image pinsetter.Image) error {
	if s.Rules == nil || s.Object.Repository == nil {
		return errors.Join(errors.New("its policy can't be used"), s.Err)
	}
	if image.Tag == "" && !site.Has(pinsetter.PartReference) && !site.Has(pinsetter.PartTag) {
		return s.mayHave(ctx, site, image) // names alone, or a digest
	}
	if !s.Accepts(image.Tag) {
		return theirs("%s is no candidate of ImagePolicy %s", image.Tag, s.Object.Name)
	}
	if err := s.isKnown(ctx, image.Tag); err != nil {
		return err
	}
	return s.mayHave(ctx, site, image)
}

// isKnown returns nil where a tag is listed, or the ledger saw it listed.
func (s *selection) isKnown(ctx context.Context, tag string) error {
	if s.listing == nil {
		return s.Err
	}
	descending := func(a, b string) int { return strings.Compare(b, a) }
	if _, listed := slices.BinarySearchFunc(s.listing.Tags, tag, descending); listed {
		return nil
	}
	if s.facts == nil {
		return s.Err
	}
	sight, err := s.facts.sight(ctx, tag)
	switch {
	case err != nil:
		return err
	case !sight.Since.IsZero():
		return nil
	case s.Disbelief != nil:
		return errors.New(s.Disbelief.Reason)
	}
	return theirs("ImagePolicy %s never saw the tag %s", s.Object.Name, tag)
}

// mayHave returns nil where an image has no digest, or one that its tag has or had.
// Without a tag it is that of the best candidate.
func (s *selection) mayHave(ctx context.Context, site pinsetter.Site, image pinsetter.Image) error {
	switch {
	case image.Digest == "" || image.Digest == gate.KeptDigest(site, image.Tag):
		return nil
	case !pinsetter.ValidDigest(image.Digest):
		return theirs("%q is no digest", image.Digest)
	case s.facts == nil:
		return s.Err
	}
	tag := image.Tag
	if tag == "" {
		best, _ := s.Ranking.Best()
		tag = best.Tag
	}
	sight, err := s.facts.sight(ctx, tag)
	if err == nil && (image.Digest == sight.Digest || image.Digest == sight.Previous) {
		return nil
	}
	now, err := s.digest(ctx, tag)
	if err != nil {
		return err
	}
	if now != image.Digest {
		return theirs("%s isn't the digest of %s", image.Digest, tag)
	}
	return nil
}
