package config

import (
	"fmt"

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
