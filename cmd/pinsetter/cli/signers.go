package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
)

// Signers are who must have signed, by flags: the holder of a key, or an identity
// without one.
type Signers struct {
	prefix           string // of the flags' names
	Keys             []string
	Identity, Issuer string
	Root             string
	Attestations     []string // predicate types that they must have attested
	Notation         string   // file with a trust policy
}

// flag returns the name of a flag.
func (f Signers) flag(name string) string { return "--" + f.prefix + name }

// given returns the name of a flag that is given, "" for none.
func (f Signers) given() string {
	switch {
	case len(f.Keys) > 0:
		return f.flag("key")
	case f.Identity != "":
		return f.flag("identity")
	case f.Issuer != "":
		return f.flag("issuer")
	case f.Root != "":
		return f.flag("trusted-root")
	}
	return ""
}

// Rules returns the rule that the flags are; nil without any.
func (f Signers) Rules() ([]*fleet.Trust, error) {
	keyless := f.Identity != "" || f.Issuer != ""
	switch {
	case f.Notation != "" && (keyless || len(f.Keys)+len(f.Attestations) > 0 || f.Root != ""):
		return nil, Usage("%s and the flags for cosign ask for different signatures: leave one out", f.flag("notation-policy"))
	case f.Notation != "":
		return f.ofNotation()
	case len(f.Keys) > 0 && keyless:
		return nil, Usage("%s and %s ask for different signatures: leave one out", f.flag("key"), f.flag("identity"))
	case f.Root != "" && !keyless:
		return nil, Usage("%s is for signatures without keys: name who signed with %s and %s", f.flag("trusted-root"), f.flag("identity"), f.flag("issuer"))
	case keyless:
		return f.attesting(f.ofIdentity())
	case len(f.Keys) > 0:
		return f.attesting(f.ofKeys())
	case len(f.Attestations) > 0:
		return nil, Usage("%s says what must be attested: name by whom with %s, or %s and %s", f.flag("attestation"), f.flag("key"), f.flag("identity"), f.flag("issuer"))
	}
	return nil, nil
}

// attesting returns a rule that trusts signers, or one for each attestation that they
// must have made.
func (f Signers) attesting(trusted *fleet.Trust, err error) ([]*fleet.Trust, error) {
	if err != nil {
		return nil, err
	}
	if len(f.Attestations) == 0 {
		return []*fleet.Trust{trusted}, nil
	}
	var rules []*fleet.Trust
	for _, predicateType := range f.Attestations {
		rule := *trusted
		if rule.Attestation, err = fleet.NewAttestation(predicateType, "", ""); err != nil {
			return nil, Usage("%s: %w", f.flag("attestation"), err)
		}
		rule.From += ", attestation " + predicateType
		rules = append(rules, &rule)
	}
	return rules, nil
}

// ofNotation returns the rule that a trust policy is. Its certificates lie beside it,
// as in notation's own folder: truststore/x509/TYPE/NAME/FILE.
func (f Signers) ofNotation() ([]*fleet.Trust, error) {
	flag := f.flag("notation-policy")
	policy, err := os.ReadFile(f.Notation)
	if err != nil {
		return nil, Usage("%s: %w", flag, err)
	}
	trusted := &fleet.Notation{Policy: policy}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(f.Notation), "truststore", "x509", "*", "*", "*"))
	if err != nil {
		return nil, Usage("%s: %w", flag, err)
	}
	for _, file := range files {
		if !secret.IsCertificate(file) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, Usage("%s: %w", flag, err)
		}
		certificates, err := secret.Certificates(file, text)
		if err != nil {
			return nil, Usage("%s: %s has %w", flag, file, err)
		}
		store := filepath.Dir(file)
		for i := range certificates {
			certificates[i].Store = filepath.Base(filepath.Dir(store)) + ":" + filepath.Base(store)
		}
		trusted.Certificates = append(trusted.Certificates, certificates...)
	}
	if len(trusted.Certificates) == 0 {
		return nil, Usage("%s: there is no certificate beside it, as %s", flag, filepath.Join(filepath.Dir(f.Notation), "truststore", "x509", "ca", "NAME", "FILE.crt"))
	}
	return []*fleet.Trust{{From: flag + " " + f.Notation, Provider: fleet.ProviderNotation, Notation: trusted}}, nil
}

// ofKeys returns the rule that files with public keys are.
func (f Signers) ofKeys() (*fleet.Trust, error) {
	flag := f.flag("key")
	trust := &fleet.Trust{From: flag + " " + strings.Join(f.Keys, ", "), Provider: fleet.ProviderCosign}
	for _, file := range f.Keys {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, Usage("%s: %w", flag, err)
		}
		der, err := secret.ParsePublicKey(text)
		if err != nil {
			return nil, Usage("%s %s has %w", flag, file, err)
		}
		trust.Keys = append(trust.Keys, fleet.PublicKey{Name: file, DER: der})
	}
	return trust, nil
}

// ofIdentity returns the rule that an identity is.
func (f Signers) ofIdentity() (*fleet.Trust, error) {
	identity, err := fleet.NewIdentity(f.Issuer, f.Identity)
	if err != nil {
		return nil, Usage("%s and %s: %w", f.flag("identity"), f.flag("issuer"), err)
	}
	keyless := &fleet.Keyless{Identities: []fleet.Identity{identity}}
	if f.Root != "" {
		if keyless.Root, err = os.ReadFile(f.Root); err != nil {
			return nil, Usage("%s: %w", f.flag("trusted-root"), err)
		}
		if err := secret.CheckTrustedRoot(keyless.Root); err != nil {
			return nil, Usage("%s %s has %w", f.flag("trusted-root"), f.Root, err)
		}
	}
	return &fleet.Trust{From: f.flag("identity") + " " + f.Identity, Provider: fleet.ProviderCosign, Keyless: keyless}, nil
}
