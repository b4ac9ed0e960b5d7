package gate

import (
	"fmt"

	"github.com/pinsetter/pinsetter"
)

// Choice is what a site takes.
type Choice struct {
	// Candidate is what the site takes: the tag that it shows already where that is
	// listed and nothing better may be taken. Its own tag is empty where the site
	// shows something else and takes nothing.
	Candidate pinsetter.Candidate

	// Hold says why a better candidate isn't taken; nil where there is none. If it
	// is a failure, the site takes nothing.
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
func (w *Walk) Choose(site pinsetter.Site, shown pinsetter.Image, known Known) (Choice, []Question) {
	var hold *pinsetter.Hold
	var asked questions
	ended := false // no candidate passes any more: the written tag is looked for
	i := -1
	for c := range w.subject.Candidates {
		i++
		if showsOnly(site, c.Tag) || nameOnly(site) {
			return choice(c, hold, asked)
		}
		if ended {
			continue
		}
		refusal, last, lacks := w.weigh(site, shown, c, known)
		switch {
		case lacks != nil:
			if asked.add(i, *lacks, known) {
				return Choice{}, asked
			}
		case refusal == nil:
			return choice(c, hold, asked)
		case refusal.failed:
			return choice(pinsetter.Candidate{}, refusal.Hold(site, c.Tag), asked)
		default:
			ended = last
			if hold == nil || hold.Soon && !refusal.soon {
				hold = refusal.Hold(site, c.Tag)
			}
		}
	}
	return choice(pinsetter.Candidate{}, hold, asked)
}

// choice returns a choice, or what must be asked before it is one.
func choice(c pinsetter.Candidate, hold *pinsetter.Hold, asked questions) (Choice, []Question) {
	if len(asked) > 0 {
		return Choice{}, asked
	}
	return Choice{Candidate: c, Hold: hold}, nil
}

// weigh returns why a site may not take a candidate, or nil, and whether it may
// take none that ranks below either.
func (w *Walk) weigh(site pinsetter.Site, shown pinsetter.Image, c pinsetter.Candidate, known Known) (refusal *Refusal, last bool, lacks *Question) {
	refusal, last, lacks = w.rules(site, shown, c.Tag, known)
	if refusal != nil || lacks != nil {
		return refusal, last, lacks
	}
	refusal, lacks = w.judge(c, known)
	var earlier *Earlier
	if refusal != nil {
		earlier, refusal, lacks = w.earlierAt(site, c.Tag, refusal, known)
	}
	if refusal != nil && refusal.unread {
		refusal.failed = refusal.failed || site.Enclosing != nil
	}
	if refusal == nil && lacks == nil {
		digest := ""
		if earlier != nil {
			digest = earlier.Digest
		}
		refusal, lacks = w.enclosed(site, c.Tag, digest, known)
	}
	return refusal, refusal != nil && w.ends(refusal), lacks
}

// Confirm judges an image that is about to be written at a site, with the digest
// that will be written; c is the candidate that has its tag. It returns nil where
// the image may be written, or changes nothing of what the site shows. Call it
// for everything that is written: the tag that a site shows may have moved, its
// digest may have been taken back, and another name alone is a change too.
func (w *Walk) Confirm(site pinsetter.Site, shown, image pinsetter.Image, c pinsetter.Candidate, known Known) (*pinsetter.Hold, []Question) {
	if !changes(site, image) {
		return nil, nil
	}
	if c.Tag != image.Tag {
		c = pinsetter.Candidate{Tag: image.Tag, Value: image.Tag}
	}
	refusal, lacks := w.confirm(site, shown, image, c, known)
	switch {
	case lacks != nil:
		return nil, []Question{*lacks}
	case refusal == nil:
		return nil, nil
	}
	return refusal.Hold(site, image.Tag), nil
}

func (w *Walk) confirm(site pinsetter.Site, shown, image pinsetter.Image, c pinsetter.Candidate, known Known) (*Refusal, *Question) {
	if nameOnly(site) {
		return w.closed, nil // a tag isn't written
	}
	if reason := Reverted(site, shown, image, w.subject.Order); reason != "" {
		return &Refusal{Rule: pinsetter.RuleRevert, Reason: reason}, nil
	}
	if refusal, _, lacks := w.weigh(site, pinsetter.Image{}, c, known); refusal != nil || lacks != nil {
		return refusal, lacks
	}
	if !w.gates.inspect() && site.Enclosing == nil || image.Digest == "" {
		return nil, nil
	}
	earlier, lacks := w.Earlier(site, c, known)
	if len(lacks) > 0 {
		return nil, &lacks[0]
	}
	digest := known.Digests[c.Tag].Value
	if earlier != nil {
		digest = earlier.Digest
	}
	if image.Digest != digest {
		return &Refusal{Rule: pinsetter.RuleDigest, Reason: fmt.Sprintf("%s is what passed the gates, and %s would be written: "+
			"to take one of them, write it by hand", digest, image.Digest)}, nil
	}
	return nil, nil
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

// rules is weigh without the policy's gates.
func (w *Walk) rules(site pinsetter.Site, shown pinsetter.Image, tag string, known Known) (refusal *Refusal, last bool, lacks *Question) {
	// Of digests alone, only Confirm can tell.
	if Standing(site, shown).Tag != "" {
		if reason := Reverted(site, shown, pinsetter.Image{Tag: tag}, w.subject.Order); reason != "" {
			return &Refusal{Rule: pinsetter.RuleRevert, Reason: reason}, true, nil
		}
	}
	if r, lacks := w.down(site, tag, known); r != nil || lacks != nil {
		return r, r != nil, lacks
	}
	return w.bump(site, tag), false, nil
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
