package bot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
)

// A builder counts as verified if a rule asked for its provenance. What the image's
// labels say stays a claim, and what a rule didn't ask for isn't said.
func TestCommitSaysWhoBuiltItsImages(t *testing.T) {
	const (
		issuer    = "https://issuer.example.test"
		builder   = "https://builds.example.test/runner"
		from      = "https://git.example.test/org/app@refs/heads/main"
		rule      = "{provider: cosign, matchOIDCIdentity: [{issuer: 'https://issuer\\.example\\.test', subject: 'ci@.*'}], trustedRootSecretRef: {name: root}"
		attesting = ", attestations: [{predicateType: https://slsa.dev/provenance/v1}]}"
	)
	for _, row := range []struct{ name, verify, builder, from string }{
		{"signature", "[" + rule + "}]", "", ""},
		{"attestation", "[" + rule + attesting + "]", builder, from},
		{"both", "[" + rule + "}, " + rule + attesting + "]", builder, from},
	} {
		t.Run(row.name, func(t *testing.T) {
			sigstore := keyless.New(t)
			root := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: root}\nstringData:\n  trusted_root.json: |\n" +
				indented(string(sigstore.Root(keyless.Log, keyless.TimestampIssuer)))
			s := tell(t, "{verify: "+row.verify+"}\n"+root, "", "1.0.0")
			ci := keyless.Signing{Subject: "ci@example.test", Issuer: issuer}
			s.Registry.PushBuilt("org/app", "1.1.0", "https://git.example.test/claimed", "v1")
			digest := s.Registry.Digest("org/app", "1.1.0")
			sigstore.Sign(&s.Registry.Shelf, "org/app", digest, ci)
			s.Registry.Refer("org/app", digest, parts.Referrer{Predicate: parts.ProvenancePredicate, Content: sigstore.Bundle(digest, parts.ProvenancePredicate,
				`{"buildDefinition":{"externalParameters":{"workflow":{"repository":"https://git.example.test/org/app","ref":"refs/heads/main"}}},"runDetails":{"builder":{"id":"`+builder+`"}}}`, ci)})
			s.next("1.1.0")
			want := []pinsetter.Written{{Policy: "default/app", Ref: s.Named("REG/org/app:1.1.0"), Provenance: pinsetter.Provenance{
				Digest: digest, Source: "https://git.example.test/claimed", Revision: "v1", Signer: "ci@example.test", Builder: row.builder, BuiltFrom: row.from,
			}}}
			if diff := cmp.Diff(want, s.last.Images); diff != "" {
				t.Error(diff)
			}
			trailer := "&signer=ci%40example.test"
			if row.builder != "" {
				trailer += "&builder=https%3A//builds.example.test/runner&builtFrom=https%3A//git.example.test/org/app%40refs/heads/main"
			}
			if message := s.Repo.Git("log", "-1", "--format=%B", "main"); !strings.Contains(message, trailer+"\n") {
				t.Errorf("the message is\n%s", message)
			}
		})
	}
}
