//go:build e2emore

package verify_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/verify"
)

// TestSigstore: what cosign signs and attests without keys, by Sigstore's own
// servers, verifies for whom it names alone.
func TestSigstore(t *testing.T) {
	s := parts.NewLocalSigstore(t)
	const email = "ci@example.test"
	exactly := func(root []byte, issuer, subject string) *fleet.Trust {
		return certified(t, root, [2]string{regexp.QuoteMeta(issuer), regexp.QuoteMeta(subject)})
	}
	us := exactly(s.Root, s.Issuers[0], email)
	predicate := filepath.Join(s.Dir, "predicate.json")
	if err := os.WriteFile(predicate, []byte(ofGitHub), 0o600); err != nil {
		t.Fatal(err)
	}
	sign := func(issuer int, who string, command ...string) func(ref string) {
		return func(ref string) {
			cosign(t, s.Dir, append(command, "--identity-token="+s.Token(issuer, who), "--signing-config=signing.json", "--trusted-root=root.json", "--allow-insecure-registry", "-y", ref)...)
		}
	}
	signed, attested := sign(0, email, "sign"), sign(0, email, "attest", "--type=slsaprovenance1", "--predicate="+predicate)
	provenance := func(builder, source string) *fleet.Trust {
		return attesting(t, us, parts.ProvenancePredicate, builder, source)
	}
	for i, row := range []struct {
		name string
		sign func(ref string)
		rule *fleet.Trust
		want want
	}{
		{"right", signed, us, verified},
		{"right, patterns", signed, certified(t, s.Root, [2]string{".*", ".*@example[.]test"}), verified},
		{"wrong identity", signed, exactly(s.Root, s.Issuers[0], "cd@example.test"), refused("it is by " + email + " of issuer " + s.Issuers[0])},
		{"identity alike", signed, exactly(s.Root, s.Issuers[0], "ci@example.tes"), refused("it is by " + email)},
		{"wrong issuer", sign(1, email, "sign"), us, refused("it is by " + email + " of issuer " + s.Issuers[1])},
		{"ended authority", signed, exactly(s.Ended, s.Issuers[0], email), refused("none of 1 signature verifies")},
		{"another Sigstore", signed, exactly(keyless.New(t).Root(keyless.Log, keyless.TimestampIssuer), s.Issuers[0], email), refused("none of 1 signature verifies")},
		{"key asked for", signed, trusting(t, parts.NewSigner(t)), refused("none of 1 signature verifies")},
		{"unsigned", func(string) {}, us, unsigned},
		{"attestation alone", attested, us, want{pinsetter.SignatureRefused, true, "it isn't signed: it has 1 attestation, which prove something else"}},
		{"attestation asked for", attested, provenance("https://github.com/org/builders/.*", "https://github.com/org/app"), verified},
		{"another builder", attested, provenance("https://github.com/org/other/.*", ""), refused("its builder is")},
		{"another source", attested, provenance("", "https://github.com/org/ap"), refused("its source is")},
		{"another attester", sign(1, email, "attest", "--type=slsaprovenance1", "--predicate="+predicate), provenance("", ""), refused("none of 1 attestation verifies")},
		{"signature alone, attestation asked for", signed, provenance("", ""), want{pinsetter.SignatureRefused, true, "it has no attestation of type"}},
	} {
		for _, on := range shelves(t) {
			t.Run(on.name+"/"+row.name, func(t *testing.T) {
				image := fmt.Sprintf("org/app%d", i)
				digest := on.PushContent(image, "1.0.0", row.name)
				row.sign(on.Image(image) + "@" + digest)
				check(t, on.Image(image), digest, row.rule, row.want)
			})
		}
	}
	on := parts.NewRegistry(t, parts.RegistryOptions{})
	digest := on.PushContent("org/app", "1.0.0", "x")
	signed(on.Image("org/app") + "@" + digest)
	attested(on.Image("org/app") + "@" + digest)
	evidence := verify.Open(nil, open(t, on.Image("org/app")), digest)
	if got := evidence.Check(t.Context(), us); got.Signer != email || got.Issuer != s.Issuers[0] || got.SignedAt.IsZero() || got.Log != "http://rekor.local" {
		t.Errorf("%+v", got)
	}
	if got := evidence.Check(t.Context(), provenance("", "")); got.Builder != builderID || got.Source != "https://github.com/org/app@refs/heads/main" {
		t.Errorf("%+v", got)
	}
}

// notation runs the real program with a configuration of its own.
func notation(t *testing.T, config string, args ...string) {
	t.Helper()
	cmd := exec.Command(parts.Need(t, "notation"), args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+config, "NOTATION_EXPERIMENTAL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("notation %v: %v\n%s", args, err, out)
	}
}

// TestNotationProgram: what notation itself signs verifies, in both of its forms.
func TestNotationProgram(t *testing.T) {
	config := t.TempDir()
	notation(t, config, "cert", "generate-test", "--default", "parts.test")
	file := filepath.Join(config, "notation", "truststore", "x509", "ca", "parts.test", "parts.test.crt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := secret.Certificates(file, text)
	if err != nil {
		t.Fatal(err)
	}
	trust := func(level, scope, identity string) *fleet.Trust {
		policy := fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"a","registryScopes":[%q],"signatureVerification":{"level":%q},"trustStores":["ca:parts.test"],"trustedIdentities":[%q]}]}`, scope, level, identity)
		return &fleet.Trust{From: "test", Provider: fleet.ProviderNotation, Notation: &fleet.Notation{Policy: []byte(policy), Certificates: ours}}
	}
	const subject = "x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=parts.test"
	for _, form := range []string{"jws", "cose"} {
		for _, on := range shelves(t) {
			t.Run(on.name+"/"+form, func(t *testing.T) {
				image := on.Image("org/" + form)
				digest := on.PushContent("org/"+form, "1.0.0", form)
				check(t, image, digest, trust("strict", "*", "*"), unsigned)
				notation(t, config, "sign", "--insecure-registry", "--signature-format", form, image+"@"+digest)
				check(t, image, digest, trust("strict", image, subject), verified)
				check(t, image, digest, trust("permissive", "*", "*"), verified)
				check(t, image, digest, trust("strict", image, strings.Replace(subject, "parts.test", "other.test", 1)), refused("none of 1 signature"))
				check(t, image, digest, trust("strict", image+"r", "*"), refused("no applicable"))
				check(t, image, digest, trust("audit", "*", "*"), refused("audit or skip"))
				check(t, image, digest, trusting(t, parts.NewSigner(t)), want{pinsetter.SignatureRefused, true, "it isn't signed"})
				other := on.PushContent("org/"+form, "1.0.1", form+"other")
				check(t, image, other, trust("strict", "*", "*"), unsigned)
			})
		}
	}
}

// TestNotationTimestamps: when a signature was made is known by a countersignature
// that the policy has verified, and by nothing else.
func TestNotationTimestamps(t *testing.T) {
	s, config := parts.NewLocalSigstore(t), t.TempDir()
	notation(t, config, "cert", "generate-test", "--default", "parts.test")
	var all []fleet.StoredCertificate
	for store, file := range map[string]string{
		"ca:parts.test": filepath.Join(config, "notation", "truststore", "x509", "ca", "parts.test", "parts.test.crt"), "tsa:local": s.StampsRoot,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := secret.Certificates(file, text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			found[i].Store = store
		}
		all = append(all, found...)
	}
	judged := func(ref, digest, stores, verification string) pinsetter.Signature {
		policy := fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"a","registryScopes":["*"],"signatureVerification":%s,"trustStores":[%s],"trustedIdentities":["*"]}]}`, verification, stores)
		return verify.Open(nil, open(t, ref), digest).Check(t.Context(), &fleet.Trust{From: "test", Provider: fleet.ProviderNotation,
			Notation: &fleet.Notation{Policy: []byte(policy), Certificates: all}})
	}
	check := func(ref, digest, stores, verification string, stamped bool, w want) {
		t.Helper()
		got := judged(ref, digest, stores, verification)
		if got.Verdict != w.verdict || !strings.Contains(got.Reason, w.words) || got.SignedAt.IsZero() == stamped {
			t.Errorf("%s %s: %+v", stores, verification, got)
		}
	}
	on := parts.NewRegistry(t, parts.RegistryOptions{})
	image := on.Image("org/app")
	plain, stamped := on.PushContent("org/app", "1.0.0", "x"), on.PushContent("org/app", "1.1.0", "y")
	notation(t, config, "sign", "--insecure-registry", image+"@"+plain)
	const ca, both = `"ca:parts.test"`, `"ca:parts.test","tsa:local"`
	for range 50 { // a timestamp is exact to a second, and may be from before the certificate
		notation(t, config, "sign", "--insecure-registry", "--timestamp-url", s.Stamps, "--timestamp-root-cert", s.StampsRoot, image+"@"+stamped)
		if judged(image, stamped, both, `{"level":"strict"}`).Verdict == pinsetter.SignatureVerified {
			break
		}
	}
	check(image, stamped, both, `{"level":"strict"}`, true, verified)
	check(image, stamped, both, `{"level":"strict","verifyTimestamp":"always"}`, true, verified)
	check(image, stamped, both, `{"level":"strict","verifyTimestamp":"afterCertExpiry"}`, false, verified)
	check(image, stamped, ca, `{"level":"strict"}`, false, verified)
	check(image, stamped, `"ca:parts.test","tsa:other"`, `{"level":"strict"}`, false, refused("has no certificate"))
	check(image, plain, ca, `{"level":"strict"}`, false, verified)
	check(image, plain, both, `{"level":"strict"}`, false, refused("no timestamp countersignature"))
}
