package decide

import (
	"cmp"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// pin is the digest that a site shows beside a tag.
type pin struct {
	digest  string          // "" where the site shows none
	refusal *gate.Refusal   // why the site is held; nil where it isn't
	hold    *pinsetter.Hold // why it is not the digest that the tag has now; nil where it is
	moved   string          // that the tag was moved, for people
	err     error           // why the digest can't be had
}

// pin returns the digest that a site shows beside a tag, as the policy reflects
// digests.
func (p *Policy) pin(v View, c pinsetter.Candidate, known Known) (pin, []Question) {
	tag := c.Tag
	reflect := p.Object.Spec.DigestReflectionPolicy
	if reflect == spec.ReflectNever && v.Site.Has(pinsetter.PartDigest) {
		return pin{refusal: &gate.Refusal{Rule: pinsetter.RuleDigest, Reason: "a :digest marker needs a digest, and the policy reflects none: " +
			"set digestReflectionPolicy to IfNotPresent or Always, or remove the marker"}}, nil
	}
	if reflect == spec.ReflectNever || !v.Site.Has(pinsetter.PartReference) && !v.Site.Pins() {
		return pin{}, nil
	}
	if reflect == spec.ReflectIfNotPresent {
		if kept := cmp.Or(gate.KeptDigest(v.Site, tag), v.keptDigest(tag)); kept != "" {
			return pin{digest: kept}, nil
		}
	}
	now, before, lacks := p.digests(v.Site, tag, known)
	if len(lacks) > 0 {
		return pin{}, lacks
	}
	if now.Err != nil {
		return pin{err: fmt.Errorf("ImagePolicy %s: %w", p.Object.Name, now.Err)}, nil
	}
	if moved := gate.Move(tag, before, now.Value, reflect, p); moved != nil && moved.Held {
		return pin{digest: now.Value, refusal: &gate.Refusal{Rule: pinsetter.RuleMoved, Reason: moved.Reason}}, nil
	}
	found, lacks := p.follow(v.Site, c, now.Value, known)
	if moved := gate.Move(tag, before, found.digest, reflect, p); moved != nil {
		found.moved = moved.Reason
	}
	return found, lacks
}

// follow returns the digest that a site takes of a tag that has one now: that one,
// or an earlier one where that is too young, or the one that it shows where the
// platforms that gates name have the same images under both.
func (p *Policy) follow(site pinsetter.Site, c pinsetter.Candidate, now string, known Known) (pin, []Question) {
	kept := gate.KeptDigest(site, c.Tag)
	if kept == now {
		return pin{digest: now}, nil
	}
	if same, lacks := p.Walk.Same(c.Tag, kept, now, known.Known); same || len(lacks) > 0 {
		return pin{digest: kept}, lacks
	}
	earlier, lacks := p.Walk.Earlier(site, c, known.Known)
	if len(lacks) > 0 || earlier == nil {
		return pin{digest: now}, lacks
	}
	hold := earlier.Refusal.Hold(site, c.Tag+"@"+now)
	if same, lacks := p.Walk.Same(c.Tag, kept, earlier.Digest, known.Known); same || len(lacks) > 0 {
		return pin{digest: kept, hold: hold}, lacks
	}
	return pin{digest: earlier.Digest, hold: hold}, nil
}

// digests returns the digest that a tag has now, and the one that it had before as
// far as it matters to a site: what the site shows, where it follows every move,
// else what the ledger remembers. It is "" where none is known.
func (p *Policy) digests(site pinsetter.Site, tag string, known Known) (now gate.Answer[string], before string, lacks []Question) {
	now, told := known.pinOf(tag)
	if !told {
		lacks = append(lacks, Question{Kind: KindPin, Tag: tag})
	}
	if p.Object.Spec.DigestReflectionPolicy == spec.ReflectAlways {
		return now, gate.KeptDigest(site, tag), lacks
	}
	sight, told := known.Sights[tag]
	if !told {
		lacks = append(lacks, Question{Kind: gate.KindSight, Tag: tag})
	}
	if sight.Err != nil {
		return now, "", lacks
	}
	return now, sight.Value.Before(now.Value), lacks
}

// pinOf returns the digest of a tag, also where it is a gate that asked for it.
func (k Known) pinOf(tag string) (gate.Answer[string], bool) {
	if digest, told := k.Pins[tag]; told {
		return digest, true
	}
	digest, told := k.Digests[tag]
	return digest, told
}
