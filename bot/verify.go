package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/verify"
)

// Verified is what rules about signatures make of one reference.
type Verified struct {
	Ref      string         `json:"ref"`
	Digest   string         `json:"digest,omitempty"`
	Verified bool           `json:"verified"` // there are rules, and all of them hold
	Rules    []VerifiedRule `json:"rules"`
}

// VerifiedRule is what one rule makes of it.
type VerifiedRule struct {
	From     string `json:"from"` // the object or flag that has the rule
	Provider string `json:"provider,omitempty"`
	pinsetter.Signature
}

// Verify asks who signed an image, by rules or, without any, by those that apply to
// it: of the Gates that select a policy of the image, of objects in whose sites such
// a policy writes what they pull and verify, and of OCIRepositories of the image. Its
// tag is resolved once.
func (b *Bot) Verify(ctx context.Context, image pinsetter.Image, rules []*fleet.Trust, sites []pinsetter.Site) (*Verified, error) {
	v := &Verified{Ref: image.String(), Rules: []VerifiedRule{}}
	canonical, err := registry.Canonical(image.Name)
	if err != nil {
		return nil, err
	}
	object, policies := b.ofImage(canonical)
	if len(rules) == 0 {
		rules = b.rulesOf(policies, v)
		rules = append(rules, b.enclosingRules(b.pullers(canonical, policies, sites), v)...)
	}
	if object = cmp.Or(object, b.accessOf(canonical)); object == nil {
		object = &fleet.Repository{Image: image.Name, Timeout: time.Minute}
	}
	c := b.newCycle(Propose)
	v.Digest = image.Digest
	var asking error
	if v.Digest == "" && len(rules) > 0 {
		v.Digest, asking = c.selector.Scanner.Digest(ctx, object, image.Tag)
	}
	found, err := c.selector.Scanner.Open(object)
	asking = errors.Join(asking, err)
	var evidence *verify.Evidence
	if asking == nil {
		evidence = verify.Open(b.o.Roots, found, v.Digest)
	}
	for _, rule := range rules {
		signature := pinsetter.Signature{Verdict: pinsetter.SignatureUnknown}
		if asking != nil {
			signature.Reason = pinsetter.OneLine(asking)
		} else {
			signature = evidence.Check(ctx, rule)
		}
		v.Rules = append(v.Rules, VerifiedRule{rule.From, rule.Provider, signature})
	}
	v.Verified = len(v.Rules) > 0 && !slices.ContainsFunc(v.Rules, func(r VerifiedRule) bool { return r.Verdict != pinsetter.SignatureVerified })
	return v, nil
}

// ofImage returns an ImageRepository of an image, nil without a usable one, and the
// policies of all of them.
func (b *Bot) ofImage(canonical string) (object *fleet.Repository, policies []*fleet.Policy) {
	is := func(r *fleet.Repository) bool {
		if r == nil {
			return false
		}
		name, err := registry.Canonical(r.Image)
		return err == nil && name == canonical
	}
	for _, r := range b.set.Repositories {
		if object == nil && r.Err == nil && is(r) {
			object = r
		}
	}
	return object, keep(b.set.Policies, func(p *fleet.Policy) bool { return is(p.Repository) })
}

// rulesOf returns the rules of the Gates that select policies, each once. A policy
// whose Gates can't be relied on becomes a rule that nobody knows.
func (b *Bot) rulesOf(policies []*fleet.Policy, v *Verified) []*fleet.Trust {
	var rules []*fleet.Trust
	for _, p := range policies {
		gates, err := b.set.GatesFor(p)
		if err != nil {
			v.Rules = append(v.Rules, VerifiedRule{From: fmt.Sprintf("ImagePolicy %s", p.Name),
				Signature: pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: pinsetter.OneLine(err)}})
			continue
		}
		for _, g := range gates {
			for _, rule := range g.Trusts {
				if !slices.Contains(rules, rule) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules
}
