package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// maxVerify bounds the rules about signatures of one object.
const maxVerify = 16 // and the attestations of one rule

// maxIdentities bounds the alternatives of one rule.
const maxIdentities = 64

// verify checks spec.verify of a Gate, whose Secrets are read later.
func (d gateDecoder) verify(rules []spec.GateVerify) {
	const path = "spec.verify"
	d.notEmpty(path, rules != nil, len(rules))
	if len(rules) > maxVerify {
		d.fail(codeBadValue, path, "has %d rules, and at most %d are allowed", len(rules), maxVerify)
	}
	for i, rule := range rules[:min(len(rules), maxVerify)] {
		at := strict.Item(path, i)
		if d.require(at+".provider", rule.Provider) && rule.Provider != fleet.ProviderCosign && rule.Provider != fleet.ProviderNotation {
			d.fail(codeBadValue, at+".provider", "%q is not %s or %s%s", rule.Provider, fleet.ProviderCosign, fleet.ProviderNotation, d.object.Hint(rule.Provider))
		}
		if rule.Provider == fleet.ProviderNotation {
			d.notation(at, rule)
			continue
		}
		d.signers(at, rule)
		d.attestations(at+".attestations", rule.Attestations)
	}
}

// notation checks a rule that is a trust policy of notation.
func (d gateDecoder) notation(at string, rule spec.GateVerify) {
	if rule.MatchOIDCIdentity != nil || rule.TrustedRootSecretRef != nil || rule.Attestations != nil {
		d.fail(codeBadValue, at, "has matchOIDCIdentity, trustedRootSecretRef or attestations, which are cosign's: the trust policy of notation says who may sign")
	}
	if rule.SecretRef == nil {
		d.fail(codeMissingField, at+".secretRef", "is missing: name the Secret of trustpolicy.json and of the certificates (*.crt, *.pem)")
	}
	d.secretReference(at+".secretRef.name", rule.SecretRef)
}

// attestations checks what must be attested.
func (d gateDecoder) attestations(path string, attestations []spec.GateAttestation) {
	d.notEmpty(path, attestations != nil, len(attestations))
	if len(attestations) > maxVerify {
		d.fail(codeBadValue, path, "has %d attestations, and at most %d are allowed", len(attestations), maxVerify)
	}
	for i, a := range attestations[:min(len(attestations), maxVerify)] {
		at := strict.Item(path, i)
		if !d.require(at+".predicateType", a.PredicateType) {
			continue
		}
		if _, err := fleet.NewAttestation(a.PredicateType, a.Builder, a.Source); err != nil {
			d.fail(codeBadValue, at, "%v", err)
		}
	}
}

// signers checks who must have signed by a rule: keys or certificates.
func (d gateDecoder) signers(at string, rule spec.GateVerify) {
	keyless := rule.MatchOIDCIdentity != nil
	switch {
	case rule.SecretRef == nil && !keyless && !d.Blamed(at+".matchOIDCIdentity"):
		d.fail(codeMissingField, at+".secretRef", "is missing, and so is matchOIDCIdentity: name the Secret of the public keys that are trusted, each under a key that ends in .pub, or the identities that sign without keys")
	case rule.SecretRef != nil && keyless:
		d.fail(codeBadValue, at+".matchOIDCIdentity", "is written beside secretRef: a rule asks for keys or for identities; write two rules to ask for both")
	case rule.TrustedRootSecretRef != nil && !keyless:
		d.fail(codeBadValue, at+".trustedRootSecretRef", "is for identities, and the rule has no matchOIDCIdentity")
	}
	d.secretReference(at+".secretRef.name", rule.SecretRef)
	d.secretReference(at+".trustedRootSecretRef.name", rule.TrustedRootSecretRef)
	if keyless {
		d.identities(at+".matchOIDCIdentity", rule.MatchOIDCIdentity)
	}
}

// secretReference checks a reference to a Secret that is read later; nil is none.
func (d gateDecoder) secretReference(path string, ref *spec.LocalObjectReference) {
	if ref != nil {
		d.reference(path, ref.Name)
		d.object.Remember(path)
	}
}

// identities checks who may have signed by a certificate.
func (d gateDecoder) identities(path string, identities []spec.OIDCIdentity) {
	d.notEmpty(path, true, len(identities))
	if len(identities) > maxIdentities {
		d.fail(codeBadValue, path, "has %d identities, and at most %d are allowed", len(identities), maxIdentities)
	}
	for i, identity := range identities[:min(len(identities), maxIdentities)] {
		at := strict.Item(path, i)
		if !d.require(at+".issuer", identity.Issuer) || !d.require(at+".subject", identity.Subject) {
			continue
		}
		if _, err := fleet.NewIdentity(identity.Issuer, identity.Subject); err != nil {
			d.fail(codeRegexp, at, "%v", err)
		}
	}
}

// enclosingVerify checks spec.enclosingVerify of a Gate.
func (d gateDecoder) enclosingVerify(value string) {
	if value != "" && value != spec.EnclosingIgnore {
		d.fail(codeBadValue, "spec.enclosingVerify", "%q is not %s%s", value, spec.EnclosingIgnore, d.object.Hint(value))
	}
}

// material reads from all Secrets what signatures are verified by, for objects in the
// repositories that name them: of those with a key called like a pattern.
func material[T any](l *loader, pattern string, read func(*secret.Reader) T) map[pinsetter.Name]fleet.Given[T] {
	names := map[pinsetter.Name]bool{}
	for name, s := range l.secrets {
		if s.content.Has(pattern) || s.encrypted {
			names[name] = true
		}
	}
	for _, m := range l.mounts {
		for _, name := range m.Having(pattern, l.opts.Namespace) {
			names[name] = true
		}
	}
	found := map[pinsetter.Name]fleet.Given[T]{}
	for name := range names {
		asking := &index.Object{Kind: claim.KindSecret, Name: name}
		var given fleet.Given[T]
		if with := l.secret(asking, "", name.Name); with != nil {
			given.Value = read(with)
		}
		if wrong := asking.FirstError(); wrong != nil {
			given = fleet.Given[T]{Err: errors.New(strings.TrimPrefix(wrong.Message, asking.String()+": "))}
		}
		found[name] = given
	}
	return found
}

// resolveGate reads what a gate trusts from Secrets.
func (l *loader) resolveGate(g *gateDraft) {
	var trusted []string
	for i, rule := range g.out.Spec.Verify {
		if i == maxVerify {
			return // reported
		}
		trust := l.trust(g, strict.Item("spec.verify", i), rule)
		if trust == nil {
			continue // reported
		}
		for _, trust := range attesting(trust, rule.Attestations) {
			g.out.Trusts = append(g.out.Trusts, trust)
			trusted = append(trusted, trust.ID())
		}
	}
	if g.out.Rule != nil {
		g.out.Rule.Trust(trusted)
	}
}

// attesting returns a rule that trusts signers, or one for each attestation that they
// must have made; those that are wrong are left out.
func attesting(signers *fleet.Trust, attestations []spec.GateAttestation) []*fleet.Trust {
	if attestations == nil {
		return []*fleet.Trust{signers}
	}
	var rules []*fleet.Trust
	for _, a := range attestations[:min(len(attestations), maxVerify)] {
		attestation, err := fleet.NewAttestation(a.PredicateType, a.Builder, a.Source)
		if err != nil {
			continue // reported
		}
		rule := *signers
		rule.Attestation = attestation
		rule.From += ", attestation " + a.PredicateType
		rules = append(rules, &rule)
	}
	return rules
}

// trust returns what a rule trusts, nil after reporting why that isn't known.
func (l *loader) trust(g *gateDraft, at string, rule spec.GateVerify) *fleet.Trust {
	trust := &fleet.Trust{From: fmt.Sprintf("Gate %s", g.Name), Provider: rule.Provider}
	if rule.Provider == fleet.ProviderNotation {
		if rule.SecretRef == nil {
			return nil
		}
		if with := l.secret(g.Object, at+".secretRef.name", rule.SecretRef.Name); with != nil {
			trust.Notation = with.Notation()
		}
		if trust.Notation == nil {
			return nil
		}
		return trust
	}
	if rule.SecretRef != nil {
		if with := l.secret(g.Object, at+".secretRef.name", rule.SecretRef.Name); with != nil {
			trust.Keys = with.PublicKeys()
		}
		if len(trust.Keys) == 0 {
			return nil
		}
		return trust
	}
	trust.Keyless = &fleet.Keyless{}
	for _, i := range rule.MatchOIDCIdentity {
		identity, err := fleet.NewIdentity(i.Issuer, i.Subject)
		if err != nil {
			return nil
		}
		trust.Keyless.Identities = append(trust.Keyless.Identities, identity)
	}
	if ref := rule.TrustedRootSecretRef; ref != nil {
		if with := l.secret(g.Object, at+".trustedRootSecretRef.name", ref.Name); with != nil {
			trust.Keyless.Root = with.TrustedRoot()
		}
		if trust.Keyless.Root == nil {
			return nil
		}
	}
	if !trust.Keyless.Asks() {
		return nil
	}
	return trust
}
