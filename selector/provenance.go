package selector

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/store"
)

// Provenance returns the origin of an image of a policy: the source and revision that
// its publisher claims, and its verified signers. Unread says why they could not be
// read; an image that isn't there claims nothing.
func (s *Selector) Provenance(ctx context.Context, p *decide.Policy, image pinsetter.Image) pinsetter.Provenance {
	sel := s.Of(p)
	if sel == nil || sel.facts == nil {
		return pinsetter.Provenance{Unread: "its policy can't be used"}
	}
	digest := image.Digest
	if digest == "" {
		var err error
		if digest, err = s.Scanner.Digest(ctx, sel.facts.repo, image.Tag); err != nil {
			return pinsetter.Provenance{Unread: unreadBy(err)}
		}
	}
	from := pinsetter.Provenance{Digest: digest}
	sel.verified(&from)
	fact, err := sel.facts.fact(ctx, digest, func(known store.Fact) bool { return known.Sourced })
	from.Source, from.Revision, from.Created, from.Unread = fact.Source, fact.Revision, fact.Created, unreadBy(err)
	return from
}

// unreadBy says why something could not be read; "" if it isn't there.
func unreadBy(err error) string {
	if err == nil || errors.Is(err, registry.ErrNotFound) {
		return ""
	}
	return pinsetter.OneLine(err)
}

// verified completes what the rules that the policy's sites are held to have verified
// of a digest. It asks nothing: what was written was judged in this cycle.
func (s *Selection) verified(from *pinsetter.Provenance) {
	var signers, builders, sources []string
	note := func(trust string) {
		found, known := s.facts.learnt.verdict(gate.Signed{Digest: from.Digest, Trust: trust})
		if known && found.Verdict == pinsetter.SignatureVerified {
			signers, builders, sources = append(signers, found.Signer), append(builders, found.Builder), append(sources, found.Source)
		}
	}
	for trust := range s.facts.trusts {
		note(trust)
	}
	s.enclosing.Range(func(trust, _ any) bool {
		note(trust.(string))
		return true
	})
	from.Signer, from.Builder, from.BuiltFrom = listed(signers), listed(builders), listed(sources)
}

// listed returns texts sorted, each once, without those that are "".
func listed(texts []string) string {
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ", ")
}
