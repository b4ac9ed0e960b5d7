package gate

import (
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
)

// judge returns why the gates refuse c, or nil, or the question that must be
// answered first. It asks the cheapest first: what needs no question, then the
// ledger, then the registry.
func (w *Walk) judge(c pinsetter.Candidate, known Known) (*Refusal, *Question) {
	if w.gates.broken != nil {
		return w.closed, nil
	}
	if r := w.gates.held(c, w.subject.Now); r != nil {
		return r, nil
	}
	if w.closed != nil {
		return w.closed, nil
	}
	aged := w.gates.oldest((*rules).fromSight)
	read := w.gates.reading()
	if aged == nil && read == nil && w.gates.verifying() == nil {
		return nil, nil
	}
	sight, told := known.Sights[c.Tag]
	switch {
	case !told:
		return nil, &Question{Kind: KindSight, Tag: c.Tag}
	case sight.Err != nil && aged != nil:
		return aged.unknown("when it was first seen", sight.Err), nil
	case sight.Err != nil:
		sight.Value = Sight{Since: time.Unix(0, 0)} // it isn't taken for new
	}
	if aged != nil && sight.Value.Digest != "" {
		if r := aged.young(c.Tag, sight.Value, w.subject); r != nil {
			r.moved = sight.Value.Previous != ""
			return r, nil
		}
	}
	if read != nil && sight.Value.relied(w.subject.Now) {
		content, told := known.Contents[sight.Value.Digest]
		if !told {
			return nil, &Question{Kind: KindContent, Tag: c.Tag, Digest: sight.Value.Digest}
		}
		if content.Err == nil {
			if r := w.gates.weighContent(c.Tag, content.Value, w.subject.Now); r != nil {
				return r, nil
			}
		}
	}
	return w.inspect(c.Tag, aged, sight.Value, known)
}

// inspect judges by what only the registry knows of a tag; aged is the gate that
// the sight of it passed, or nil.
func (w *Walk) inspect(tag string, aged *rules, sight Sight, known Known) (*Refusal, *Question) {
	read := w.gates.reading()
	asks := firstOf(aged, read, w.gates.verifying())
	digest, told := known.Digests[tag]
	if !told {
		if why := known.exhausted(); why != "" {
			return &Refusal{Rule: pinsetter.RuleUnknown, Gate: asks.gate, Reason: "not looked at, since " + why, unasked: true}, nil
		}
		return nil, &Question{Kind: KindDigest, Tag: tag}
	}
	if digest.Err == nil && !pinsetter.ValidDigest(digest.Value) {
		digest.Err = fmt.Errorf("the registry answers with %q", digest.Value)
	}
	switch {
	case digest.Err != nil:
		return w.unread(asks, digest.Err), nil
	case aged != nil && sight.Digest == "":
		return aged.young(tag, sight, w.subject), nil
	case aged != nil && sight.Digest != digest.Value:
		return aged.fresh(tag, w.subject), nil
	case read == nil:
		return w.signed(tag, digest.Value, w.young(sight, digest.Value), known)
	}
	content, told := known.Contents[digest.Value]
	switch {
	case !told:
		return nil, &Question{Kind: KindContent, Tag: tag, Digest: digest.Value}
	case content.Err != nil:
		return read.unknown("what it holds", content.Err), nil
	}
	if r := w.gates.weighContent(tag, content.Value, w.subject.Now); r != nil {
		return r, nil
	}
	return w.signed(tag, digest.Value, w.young(sight, digest.Value), known)
}

// weighContent asks the gates about what an image says of itself.
func (g Gates) weighContent(tag string, content Content, now time.Time) *Refusal {
	if dated := g.oldest((*rules).fromCreation); dated != nil {
		if r := dated.created(tag, content.Created, now); r != nil {
			return r
		}
	}
	for i := range g.rules {
		if r := g.rules[i].lacking(tag, content); r != nil {
			return r
		}
	}
	return nil
}

// inspect reports whether some gate must know the digest of what passes.
func (g Gates) inspect() bool {
	return g.oldest((*rules).fromSight) != nil || g.reading() != nil || g.verifying() != nil
}

// reading returns a gate that demands something of what an image says of itself,
// or nil.
func (g Gates) reading() *rules {
	return firstOf(g.oldest((*rules).fromCreation), g.served())
}

// served returns the first gate that demands platforms, or nil.
func (g Gates) served() *rules {
	for i := range g.rules {
		if len(g.rules[i].spec.Platforms) > 0 {
			return &g.rules[i]
		}
	}
	return nil
}

func firstOf(gates ...*rules) *rules {
	for _, r := range gates {
		if r != nil {
			return r
		}
	}
	return nil
}

// ends reports whether no candidate passes once one was refused so: nothing may be
// written now, the registry isn't asked any more, or it gave no answer about who
// signed a candidate: else whoever slows it down chooses what is taken.
func (w *Walk) ends(r *Refusal) bool { return r == w.closed || r.unasked || r.failed }
