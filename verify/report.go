package verify

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
)

// Report says what rules about signatures make of one reference.
type Report struct {
	Ref      string       `json:"ref"`
	Digest   string       `json:"digest,omitempty"`
	Verified bool         `json:"verified"` // there are rules, and all of them pass it
	Rules    []RuleReport `json:"rules"`
}

// RuleReport says what one rule makes of it.
type RuleReport struct {
	From     string `json:"from"` // the object or flag that has the rule
	Provider string `json:"provider,omitempty"`
	pinsetter.Signature
}

// unknown adds a rule that can't be used, and why.
func (r *Report) unknown(from, provider string, err error) {
	r.Rules = append(r.Rules, RuleReport{from, provider, pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: pinsetter.OneLine(err)}})
}

// Examiner examines references by the rules of a set of objects.
type Examiner struct {
	Set     *fleet.Set
	Roots   *Roots
	Scanner interface {
		// Digest resolves a tag of an image.
		Digest(ctx context.Context, image *fleet.Repository, tag string) (string, error)

		// Open opens the repository of an image.
		Open(image *fleet.Repository) (*registry.Repository, error)
	}
}

// Examine asks who signed an image, by rules or, without any, by those that apply to
// it: of the Gates that select a policy of the image, of objects in which such a
// policy has one of sites and that verify what they pull, and of OCIRepositories of
// the image. Its tag is resolved once. An error says that the image's name is wrong.
func (x Examiner) Examine(ctx context.Context, image pinsetter.Image, rules []*fleet.Trust, sites []pinsetter.Site) (*Report, error) {
	r := &Report{Ref: image.String(), Digest: image.Digest, Rules: []RuleReport{}}
	canonical, err := registry.Canonical(image.Name)
	if err != nil {
		return nil, err
	}
	object, policies := x.ofImage(canonical)
	if len(rules) == 0 {
		rules = x.rulesOf(policies, r)
		rules = append(rules, x.enclosingRules(x.pullers(canonical, policies, sites), r)...)
	}
	if object = cmp.Or(object, x.accessOf(canonical)); object == nil {
		object = &fleet.Repository{Image: image.Name, Timeout: time.Minute}
	}
	var asking error
	if r.Digest == "" && len(rules) > 0 {
		r.Digest, asking = x.Scanner.Digest(ctx, object, image.Tag)
	}
	found, err := x.Scanner.Open(object)
	asking = errors.Join(asking, err)
	var evidence *Evidence
	if asking == nil {
		evidence = Open(x.Roots, found, r.Digest)
	}
	for _, rule := range rules {
		if asking != nil {
			r.unknown(rule.From, rule.Provider, asking)
			continue
		}
		r.Rules = append(r.Rules, RuleReport{rule.From, rule.Provider, evidence.Check(ctx, rule)})
	}
	r.Verified = len(r.Rules) > 0 && !slices.ContainsFunc(r.Rules, func(r RuleReport) bool { return r.Verdict != pinsetter.SignatureVerified })
	return r, nil
}

// ofImage returns an ImageRepository of an image, nil without a usable one, and the
// policies of all of them.
func (x Examiner) ofImage(canonical string) (object *fleet.Repository, policies []*fleet.Policy) {
	is := func(r *fleet.Repository) bool {
		if r == nil {
			return false
		}
		name, err := registry.Canonical(r.Image)
		return err == nil && name == canonical
	}
	for _, r := range x.Set.Repositories {
		if object == nil && r.Err == nil && is(r) {
			object = r
		}
	}
	for _, p := range x.Set.Policies {
		if is(p.Repository) {
			policies = append(policies, p)
		}
	}
	return object, policies
}

// rulesOf returns the rules of the Gates that select policies, each once. A policy
// whose Gates can't be relied on becomes an unknown rule of the report.
func (x Examiner) rulesOf(policies []*fleet.Policy, r *Report) []*fleet.Trust {
	var rules []*fleet.Trust
	for _, p := range policies {
		gates, err := x.Set.GatesFor(p)
		if err != nil {
			r.unknown(fmt.Sprintf("ImagePolicy %s", p.Name), "", err)
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
