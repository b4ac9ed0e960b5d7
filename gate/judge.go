package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Bounds on what one walk asks a registry, so that a gate which nothing passes
// costs a policy that much and no more. Tags come a few a day; behind a hundred
// that are refused, a person should look.
const (
	maxAsked  = 100 // candidates that the registry was asked about
	maxFailed = 10  // of them, those about which it gave no answer
)

// judge returns why the gates refuse c, or nil.
func (w *Walk) judge(ctx context.Context, c pinsetter.Candidate) *Refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	refusal, known := w.judged[c.Tag]
	if known {
		return refusal
	}
	refusal = w.weigh(ctx, c)
	if ctx.Err() != nil {
		return refusal // what couldn't be asked for is no answer
	}
	w.judged[c.Tag] = refusal
	if refusal != nil {
		w.refused = append(w.refused, refusal.verdict(c))
	}
	return refusal
}

// weigh asks the gates about c, the cheapest first: what is known without any
// question, then the ledger, then the registry.
func (w *Walk) weigh(ctx context.Context, c pinsetter.Candidate) *Refusal {
	if w.gates.broken != nil {
		return w.closed
	}
	if r := w.gates.held(c, w.subject.Now); r != nil {
		return r
	}
	if w.closed != nil {
		return w.closed
	}
	aged := w.gates.oldest((*rules).fromSight)
	read := w.gates.reading()
	if aged == nil && read == nil {
		return nil
	}
	sight, err := w.facts().Seen(ctx, c.Tag)
	if err != nil && aged != nil {
		return aged.unknown("when it was first seen", err)
	}
	if aged != nil && sight.Digest != "" {
		if r := aged.young(c.Tag, sight, w.subject.Now); r != nil {
			return r
		}
	}
	if read != nil && sight.relied(w.subject.Now) {
		content, err := w.facts().Content(ctx, c.Tag, sight.Digest)
		if err == nil {
			if r := w.gates.weighContent(c.Tag, content, w.subject.Now); r != nil {
				return r
			}
		}
	}
	return w.inspect(ctx, c.Tag, aged, sight)
}

// inspect asks what needs the registry about a tag; aged is the gate that the
// sight of it passed, or nil.
func (w *Walk) inspect(ctx context.Context, tag string, aged *rules, sight Sight) *Refusal {
	read := w.gates.reading()
	asks := firstOf(aged, read)
	if why := w.exhausted(); why != "" {
		return &Refusal{Rule: pinsetter.RuleUnknown, Gate: asks.gate, Reason: "not looked at, since " + why}
	}
	w.asked++
	digest, err := w.facts().Digest(ctx, tag)
	if err == nil && !pinsetter.ValidDigest(digest) {
		err = fmt.Errorf("the registry answers with %q", digest)
	}
	w.digests[tag] = digest
	switch {
	case err != nil:
		w.fail(ctx)
		return asks.unknown("its digest", err)
	case aged != nil && sight.Digest == "":
		return aged.young(tag, sight, w.subject.Now)
	case aged != nil && sight.Digest != digest:
		return aged.fresh(tag, w.subject.Now)
	case read == nil:
		return nil
	}
	content, err := w.facts().Content(ctx, tag, digest)
	if err != nil {
		w.fail(ctx)
		return read.unknown("what it holds", err)
	}
	return w.gates.weighContent(tag, content, w.subject.Now)
}

// fail counts an answer that didn't come, unless nobody waited for it.
func (w *Walk) fail(ctx context.Context) {
	if ctx.Err() == nil {
		w.failed++
	}
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

// facts returns the subject's facts, or those that know nothing.
func (w *Walk) facts() Facts {
	if w.subject.Facts == nil {
		return noFacts{}
	}
	return w.subject.Facts
}

var errFacts = errors.New("there is nothing to ask")

type noFacts struct{}

func (noFacts) Seen(context.Context, string) (Sight, error)              { return Sight{}, errFacts }
func (noFacts) Digest(context.Context, string) (string, error)           { return "", errFacts }
func (noFacts) Content(context.Context, string, string) (Content, error) { return Content{}, errFacts }

// ends reports whether no candidate passes once one was refused so.
func (w *Walk) ends(ctx context.Context, r *Refusal) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return ctx.Err() != nil || r == w.closed || w.exhausted() != ""
}

// exhausted says which bound is reached, or "".
func (w *Walk) exhausted() string {
	switch {
	case w.failed >= maxFailed:
		return fmt.Sprintf("the registry gave no answer about %d better tags: see why", maxFailed)
	case w.asked >= maxAsked:
		return fmt.Sprintf("the registry was asked about %d better tags: exclude what never passes (exclusionList, or the policy's range or filter)", maxAsked)
	}
	return ""
}
