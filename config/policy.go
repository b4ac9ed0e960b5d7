package config

import (
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// policyDraft is an ImagePolicy whose reference is not yet resolved.
type policyDraft struct {
	*index.Object
	out *fleet.Policy
}

func (l reader) readPolicy(o *index.Object, n *strict.Node) {
	p := &fleet.Policy{Name: o.Name, Origin: o.Origin, Labels: o.Labels}
	l.policies = append(l.policies, &policyDraft{o, p})
	d := l.strictSpec(o, n, &p.Spec)
	p.Suspended = p.Spec.Suspend
	d.defaultOrder(&p.Spec.Policy)
	d.reference("spec.imageRepositoryRef.name", p.Spec.ImageRepositoryRef.Name)
	d.namespace("spec.imageRepositoryRef.namespace", p.Spec.ImageRepositoryRef.Namespace)
	d.reflection(&p.Spec)
	if !d.Blamed("spec") {
		var err error
		p.Rules, err = policy.New(p.Spec)
		d.wrong(codePolicy, errors.Join(err, policy.Warnings(p.Spec)))
	}
	o.Remember("spec.digestReflectionPolicy", "spec.imageRepositoryRef", "spec.imageRepositoryRef.name")
}

func (d *decoder) defaultOrder(p *spec.ImagePolicyChoice) {
	if p.Alphabetical != nil && p.Alphabetical.Order == "" {
		p.Alphabetical.Order = spec.OrderAscending
	}
	if p.Numerical != nil && p.Numerical.Order == "" {
		p.Numerical.Order = spec.OrderAscending
	}
}

// reflection applies the default of digestReflectionPolicy and the CRD's rules
// on spec.interval.
func (d *decoder) reflection(s *spec.ImagePolicySpec) {
	switch s.DigestReflectionPolicy {
	case "":
		s.DigestReflectionPolicy = spec.ReflectNever
	case spec.ReflectAlways, spec.ReflectIfNotPresent, spec.ReflectNever:
	default:
		d.fail(codeBadValue, "spec.digestReflectionPolicy", "%q is not Always, IfNotPresent or Never%s",
			s.DigestReflectionPolicy, d.object.Hint(string(s.DigestReflectionPolicy)))
		return
	}
	switch {
	case d.Blamed("spec.digestReflectionPolicy"):
	case s.DigestReflectionPolicy == spec.ReflectAlways && s.Interval == nil:
		d.fail(codeMissingField, "spec.interval", `is missing, and digestReflectionPolicy Always needs it: write how often digests are looked up, such as "10m"`)
	case s.DigestReflectionPolicy != spec.ReflectAlways && s.Interval != nil:
		d.fail(codeBadValue, "spec.interval", "is for digestReflectionPolicy Always alone: remove it, or set that")
	}
}

// resolvePolicy finds the policy's repository.
func (l *loader) resolvePolicy(p *policyDraft, repositories map[pinsetter.Name]*repositoryDraft) {
	ref := p.out.Spec.ImageRepositoryRef
	name := pinsetter.Name{Namespace: ref.Namespace, Name: ref.Name}
	if name.Namespace == "" {
		name.Namespace = p.Name.Namespace
	}
	r := repositories[name]
	switch {
	case !index.ValidName(name.Name) || !index.ValidName(name.Namespace): // reported
	case !l.mayCross(p.Object, "spec.imageRepositoryRef", index.Key{Kind: claim.KindImageRepository, Name: name}):
	case r == nil:
		l.missing(p.Object, "spec.imageRepositoryRef.name", index.Key{Kind: claim.KindImageRepository, Name: name})
	case l.mayUse(p.Object, r):
		p.out.Repository = r.out
		if r.out.Index != nil && p.out.Spec.DigestReflectionPolicy != spec.ReflectNever {
			p.Fail(codeUnsupported, "spec.digestReflectionPolicy", "the digest that an index has is that of a chart's archive, which nothing takes: leave it out beside %s", r)
		}
	}
	p.out.Err = p.Err()
	if p.out.Repository != nil {
		p.out.Err = errors.Join(p.out.Err, dependency(p.Object, "spec.imageRepositoryRef.name", r.Object))
	}
}

// dependency returns an error if an object that o needs has errors.
func dependency(o *index.Object, field string, needed *index.Object) error {
	cause := needed.FirstError()
	if cause == nil {
		return nil
	}
	return fmt.Errorf("%s:%d: %s: its %s has errors: %s:%d", o.Origin.Path, o.Line(field), o, needed, cause.Path, cause.Line)
}
