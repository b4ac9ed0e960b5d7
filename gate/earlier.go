package gate

import (
	"fmt"

	"github.com/pinsetter/pinsetter"
)

// Earlier is a digest that a tag had before its present one, which is too young.
// The gates let it pass, and the registry still has it.
type Earlier struct {
	Digest  string
	Refusal *Refusal // of the present digest
}

// maxTried bounds the earlier digests of a tag that a registry is asked about:
// one that deletes what no tag shows has none of them.
const maxTried = 8

// Earlier returns the digest that a site takes of a candidate whose present one is
// too young: the latest that the gates let pass. So a tag that is pushed anew more
// often than minAge allows is followed all the same, that much later. It is nil
// where the present digest passes, or none does.
//
// A digest's age counts from when the tag was first seen with it. The site never
// goes back from a digest that it shows.
func (w *Walk) Earlier(site pinsetter.Site, c pinsetter.Candidate, known Known) (*Earlier, []Question) {
	refusal, lacks := w.judge(c, known)
	var earlier *Earlier
	if lacks == nil && refusal != nil {
		earlier, _, lacks = w.earlierAt(site, c.Tag, refusal, known)
	}
	if lacks != nil {
		return nil, []Question{*lacks}
	}
	return earlier, nil
}

// earlierAt is earlier for a site, which must show digests.
func (w *Walk) earlierAt(site pinsetter.Site, tag string, refusal *Refusal, known Known) (*Earlier, *Refusal, *Question) {
	if !refusal.moved {
		return nil, refusal, nil
	}
	if w.subject.Pins && (site.Has(pinsetter.PartReference) || site.Pins()) {
		return w.earlier(tag, KeptDigest(site, tag), refusal, known)
	}
	showings, told := known.Showings[tag]
	if !told {
		return nil, nil, &Question{Kind: KindShowing, Tag: tag}
	}
	for _, s := range showings.Value {
		if w.aged(s) {
			without := *refusal
			without.Reason = fmt.Sprintf("%s has aged, and a site without a digest can't say that it means that one; now %s, "+
				"or set digestReflectionPolicy to Always and have the site show a digest", s.Digest, refusal.Reason)
			return nil, &without, nil
		}
	}
	return nil, refusal, nil
}

// aged reports whether a digest has been known for as long as the gates demand.
func (w *Walk) aged(s pinsetter.Showing) bool {
	strictest := w.gates.oldest((*rules).fromSight)
	return strictest != nil && pinsetter.ValidDigest(s.Digest) && !s.First.IsZero() &&
		!w.subject.Now.Before(s.First.Add(strictest.spec.MinAge.Duration))
}

// earlier returns the latest digest of a tag that passes, after the one that a site
// shows, which may be ""; or the refusal, where none passes.
func (w *Walk) earlier(tag, shown string, refusal *Refusal, known Known) (*Earlier, *Refusal, *Question) {
	if !refusal.moved {
		return nil, refusal, nil
	}
	showings, told := known.Showings[tag]
	if !told {
		return nil, nil, &Question{Kind: KindShowing, Tag: tag}
	}
	if showings.Err != nil {
		return nil, refusal, nil
	}
	tried := 0
	for _, s := range showings.Value {
		if s.Digest == shown || tried == maxTried {
			break
		}
		if !w.aged(s) {
			continue
		}
		tried++
		passes, open, lacks := w.passes(tag, s.Digest, known)
		switch {
		case lacks != nil:
			return nil, nil, lacks
		case open != nil:
			return nil, open, nil
		case passes.Err != nil:
			return nil, refusal, nil // not that one, nor one before it
		case passes.Value:
			return &Earlier{Digest: s.Digest, Refusal: refusal}, nil, nil
		}
	}
	return nil, refusal, nil
}

// passes reports whether the registry still has a digest that has aged, and the
// gates let pass what is under it. Open is the refusal of one of which nobody could
// tell who signed it, nil of any other.
func (w *Walk) passes(tag, digest string, known Known) (passes Answer[bool], open *Refusal, lacks *Question) {
	stays, told := known.Stays[digest]
	if !told {
		return passes, nil, &Question{Kind: KindStays, Tag: tag, Digest: digest}
	}
	if stays.Err != nil || !stays.Value {
		return stays, nil, nil
	}
	if w.gates.reading() != nil {
		content, told := known.Contents[digest]
		if !told {
			return passes, nil, &Question{Kind: KindContent, Tag: tag, Digest: digest}
		}
		if content.Err != nil || w.gates.weighContent(tag, content.Value, w.subject.Now) != nil {
			return Answer[bool]{Err: content.Err}, nil, nil
		}
	}
	refusal, lacks := w.signed(tag, digest, false, known)
	if refusal != nil && refusal.failed {
		open = refusal
	}
	return Answer[bool]{Value: refusal == nil && lacks == nil}, open, lacks
}
