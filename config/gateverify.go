package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// maxVerify bounds the rules about signatures of one object.
const maxVerify = 16

// verify checks spec.verify of a Gate, whose Secrets are read later.
func (d *decoder) verify(rules []spec.GateVerify) {
	const path = "spec.verify"
	d.notEmpty(path, rules != nil, len(rules))
	if len(rules) > maxVerify {
		d.fail(codeBadValue, path, "has %d rules, and at most %d are allowed", len(rules), maxVerify)
	}
	for i, rule := range rules[:min(len(rules), maxVerify)] {
		at := strict.Item(path, i)
		if d.require(at+".provider", rule.Provider) && rule.Provider != fleet.ProviderCosign {
			d.fail(codeBadValue, at+".provider", "%q is not %s%s", rule.Provider, fleet.ProviderCosign, d.object.hint(rule.Provider))
		}
		if rule.SecretRef == nil {
			d.fail(codeMissingField, at+".secretRef", "is missing: name the Secret of the public keys that are trusted, each under a key that ends in .pub")
			continue
		}
		d.reference(at+".secretRef.name", rule.SecretRef.Name)
		d.object.remember(at + ".secretRef.name")
	}
}

// enclosingVerify checks spec.enclosingVerify of a Gate.
func (d *decoder) enclosingVerify(value string) {
	if value != "" && value != spec.EnclosingIgnore {
		d.fail(codeBadValue, "spec.enclosingVerify", "%q is not %s%s", value, spec.EnclosingIgnore, d.object.hint(value))
	}
}

// publicKeys returns the keys of all Secrets that have some, for objects in the
// repositories that name them.
func (l *loader) publicKeys() map[pinsetter.Name]fleet.KeySet {
	names := map[pinsetter.Name]bool{}
	for name, s := range l.secrets {
		if s.content.HasPublicKey() || s.encrypted {
			names[name] = true
		}
	}
	for _, m := range l.mounts {
		for _, name := range m.PublicKeys(l.opts.Namespace) {
			names[name] = true
		}
	}
	found := map[pinsetter.Name]fleet.KeySet{}
	for name := range names {
		asking := &object{kind: kindSecret, name: name}
		var set fleet.KeySet
		if with := l.secret(asking, "", name.Name); with != nil {
			set.Keys = with.PublicKeys()
		}
		if wrong := asking.firstError(); wrong != nil {
			set = fleet.KeySet{Err: errors.New(strings.TrimPrefix(wrong.Message, asking.String()+": "))}
		}
		found[name] = set
	}
	return found
}

// resolveGate reads what a gate trusts from Secrets.
func (l *loader) resolveGate(g *gateDraft) {
	var trusted []string
	for i, rule := range g.out.Spec.Verify {
		if i == maxVerify || rule.SecretRef == nil {
			return // reported
		}
		trust := &fleet.Trust{From: fmt.Sprintf("Gate %s", g.name), Provider: rule.Provider}
		with := l.secret(g.object, strict.Item("spec.verify", i)+".secretRef.name", rule.SecretRef.Name)
		if with == nil {
			continue // reported
		}
		if trust.Keys = with.PublicKeys(); len(trust.Keys) == 0 {
			continue // reported
		}
		g.out.Trusts = append(g.out.Trusts, trust)
		trusted = append(trusted, trust.ID())
	}
	if g.out.Rule != nil {
		g.out.Rule.Trust(trusted)
	}
}
