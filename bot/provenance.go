package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/store"
)

// Bounds on asking where the images of one commit come from: each costs up to four
// requests, and the commit waits for the answers.
const (
	maxTraced    = 50
	tracedWithin = 30 * time.Second
)

// trace finds out where the images come from that a plan is about to write. What
// can't be read is left out: it holds nothing back.
func (c *cycle) trace(ctx context.Context, p *plan.Plan) {
	policies := map[pinsetter.Image]*decide.Policy{}
	var images []pinsetter.Image
	for _, w := range p.Written {
		if policies[w.Image] == nil && len(images) < maxTraced {
			policies[w.Image], images = p.Policies[w.Policy], append(images, w.Image)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tracedWithin)
	defer cancel()
	found := each(images, func(image pinsetter.Image) pinsetter.Provenance {
		return c.selector.provenance(ctx, policies[image], image)
	})
	origins := map[pinsetter.Image]pinsetter.Provenance{}
	for i, image := range images {
		origins[image] = found[i]
	}
	p.Trace(origins)
}

// provenance returns where an image of a policy comes from: what its publisher
// claims, and who was verified to have signed it. An image that isn't there claims
// nothing.
func (s *selector) provenance(ctx context.Context, p *decide.Policy, image pinsetter.Image) pinsetter.Provenance {
	sel := s.of(p)
	if sel == nil || sel.facts == nil {
		return pinsetter.Provenance{Unread: "its policy can't be used"}
	}
	digest := image.Digest
	if digest == "" {
		var err error
		if digest, err = s.scanner.Digest(ctx, sel.facts.repo, image.Tag); err != nil {
			return pinsetter.Provenance{Unread: unreadBy(err)}
		}
	}
	from := pinsetter.Provenance{Digest: digest}
	sel.verified(&from)
	fact, err := sel.facts.fact(ctx, digest, func(known store.Fact) bool { return known.Sourced })
	from.Source, from.Revision, from.Created, from.Unread = fact.Source, fact.Revision, fact.Created, unreadBy(err)
	return from
}

// unreadBy says why something could not be read; "" where it isn't there.
func unreadBy(err error) string {
	if err == nil || errors.Is(err, registry.ErrNotFound) {
		return ""
	}
	return plan.OneLine(err)
}

// verified completes what the rules that the policy's sites are held to have verified
// of a digest. It asks nothing: what was written was judged in this cycle.
func (s *selection) verified(from *pinsetter.Provenance) {
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

// sayUntraced says of pushed images that it could not be read where they come from.
func (c *cycle) sayUntraced(results []*Result) {
	for _, r := range results {
		if r.Pushed == nil {
			continue
		}
		for _, image := range r.Images {
			if image.Unread != "" {
				c.o.Log.Warn("it could not be read where a written image comes from; it was written all the same",
					"automation", r.Automation(), "image", image.Ref, "error", image.Unread)
			}
		}
	}
}
