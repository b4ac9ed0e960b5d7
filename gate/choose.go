package gate

import (
	"context"
	"fmt"

	"github.com/pinsetter/pinsetter"
)

// Choice is what a site takes.
type Choice struct {
	// Candidate is what the site takes: the tag that it shows already where that is
	// listed and nothing better may be taken. Its own tag is empty where the site
	// shows something else and takes nothing.
	Candidate pinsetter.Candidate

	// Hold says why a better candidate isn't taken; nil where there is none.
	Hold *pinsetter.Hold
}

// Choose returns what a site takes: the first candidate that the rules for the
// site and the policy's gates let pass. It goes no further than the tag that the
// site shows, which is then the choice: that needs no gate, as long as nothing
// changes. A site with :name markers alone takes the best candidate, since it
// shows no tag.
//
// The site's rules come first, since they ask nobody. Shown is the last
// reference of ours that the base showed at the site; see TakenBack.
//
// Confirm the whole image before it is written.
func (w *Walk) Choose(ctx context.Context, site pinsetter.Site, shown pinsetter.Image) Choice {
	var hold *pinsetter.Hold
	ended := false // no candidate passes any more: the written tag is looked for
	for i := 0; ; i++ {
		c, more := w.at(i)
		if !more {
			return Choice{Hold: hold}
		}
		if showsOnly(site, c.Tag) || nameOnly(site) {
			return Choice{Candidate: c, Hold: hold}
		}
		if ended {
			continue
		}
		var refusal *Refusal
		if refusal, ended = w.rules(ctx, site, shown, c.Tag); refusal == nil {
			if refusal = w.judge(ctx, c); refusal == nil {
				return Choice{Candidate: c, Hold: hold}
			}
			ended = w.ends(ctx, refusal)
		}
		if hold == nil {
			hold = refusal.hold(site, c.Tag)
		}
	}
}

// Confirm judges an image that is about to be written at a site, with the digest
// that will be written; c is the candidate that has its tag. It returns nil where
// the image may be written, or changes nothing of what the site shows. Call it
// for everything that is written: the tag that a site shows may have moved, its
// digest may have been taken back, and another name alone is a change too.
func (w *Walk) Confirm(ctx context.Context, site pinsetter.Site, shown, image pinsetter.Image, c pinsetter.Candidate) *pinsetter.Hold {
	if !changes(site, image) {
		return nil
	}
	if c.Tag != image.Tag {
		c = pinsetter.Candidate{Tag: image.Tag, Value: image.Tag}
	}
	refusal := w.confirm(ctx, site, shown, image, c)
	if refusal == nil {
		return nil
	}
	return refusal.hold(site, image.Tag)
}

func (w *Walk) confirm(ctx context.Context, site pinsetter.Site, shown, image pinsetter.Image, c pinsetter.Candidate) *Refusal {
	if nameOnly(site) {
		return w.closed // a tag isn't written
	}
	if reason := Reverted(site, shown, image, w.subject.Order); reason != "" {
		return &Refusal{Rule: pinsetter.RuleRevert, Reason: reason}
	}
	if refusal, _ := w.rules(ctx, site, pinsetter.Image{}, image.Tag); refusal != nil {
		return refusal
	}
	if refusal := w.judge(ctx, c); refusal != nil {
		return refusal
	}
	if digest := w.judgedDigest(c.Tag); digest != "" && image.Digest != "" && image.Digest != digest {
		return &Refusal{Rule: pinsetter.RuleDigest, Reason: fmt.Sprintf("%s is what passed the gates, and %s would be written: "+
			"to take one of them, write it by hand", digest, image.Digest)}
	}
	return nil
}

// judgedDigest returns the digest under which a tag was judged, "" where no gate
// asked for one.
func (w *Walk) judgedDigest(tag string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.digests[tag]
}

// changes reports whether writing an image changes what a site's markers show.
func changes(site pinsetter.Site, image pinsetter.Image) bool {
	for _, m := range site.Markers {
		if _, name := pinsetter.CutScheme(m.Value); m.Part == pinsetter.PartName && name != image.Name {
			return true
		}
	}
	shows, agreed := Shows(site)
	return !agreed || Standing(site, shows) != Standing(site, image)
}

// nameOnly reports whether a site shows no more than a name.
func nameOnly(site pinsetter.Site) bool {
	return !site.Has(pinsetter.PartReference) && !site.Has(pinsetter.PartTag) && !site.Has(pinsetter.PartDigest)
}

// rules returns why a site may not take a tag, or nil, and whether it may take
// none that ranks below either.
func (w *Walk) rules(ctx context.Context, site pinsetter.Site, shown pinsetter.Image, tag string) (refusal *Refusal, ends bool) {
	// Of digests alone, only Confirm can tell.
	if Standing(site, shown).Tag != "" {
		if reason := Reverted(site, shown, pinsetter.Image{Tag: tag}, w.subject.Order); reason != "" {
			return &Refusal{Rule: pinsetter.RuleRevert, Reason: reason}, true
		}
	}
	if r := w.down(ctx, site, tag); r != nil {
		return r, true
	}
	return w.bump(site, tag), false
}

// showsOnly reports whether tag is all that a site shows.
func showsOnly(site pinsetter.Site, tag string) bool {
	for _, written := range site.Written {
		if written.Tag != tag {
			return false
		}
	}
	return len(site.Written) > 0
}
