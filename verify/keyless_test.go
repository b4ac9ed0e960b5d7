package verify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
	"github.com/pinsetter/pinsetter/verify"
)

const issuer = "https://token.actions.example"

var builder = keyless.Signing{Subject: "builder@example.test", Issuer: issuer}

// certified returns the rule that somebody with a certificate must have signed.
func certified(t *testing.T, root []byte, identities ...[2]string) *fleet.Trust {
	t.Helper()
	trusted := &fleet.Keyless{Root: root}
	for _, i := range identities {
		identity, err := fleet.NewIdentity(i[0], i[1])
		if err != nil {
			t.Fatal(err)
		}
		trusted.Identities = append(trusted.Identities, identity)
	}
	return &fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keyless: trusted}
}

func refused(words string) want { return want{pinsetter.SignatureRefused, false, words} }

// TestKeyless: a certificate counts that the root's authority made for a trusted
// identity, while it was valid, in both formats of cosign and both versions of the
// log.
func TestKeyless(t *testing.T) {
	s, other := keyless.New(t), keyless.New(t)
	all := []keyless.Part{keyless.Log, keyless.TimestampIssuer}
	me := [2]string{issuer, `builder@example\.test`}
	late := time.Now().Add(time.Hour)
	with := func(change func(*keyless.Signing)) keyless.Signing {
		by := builder
		change(&by)
		return by
	}
	rows := []struct {
		name string
		by   keyless.Signing
		rule *fleet.Trust
		want want
	}{
		{"log and timestamp", builder, certified(t, s.Root(all...), me), verified},
		{"log alone", with(func(by *keyless.Signing) { by.NoTimestamp = true }), certified(t, s.Root(all...), me), verified},
		{"root without timestamps", builder, certified(t, s.Root(keyless.Log), me), verified},
		{"root without log", with(func(by *keyless.Signing) { by.NoLog = true }), certified(t, s.Root(keyless.TimestampIssuer), me), verified},
		{"no log", with(func(by *keyless.Signing) { by.NoLog = true }), certified(t, s.Root(all...), me), refused("not enough verified log entries")},
		{"no time", with(func(by *keyless.Signing) { by.NoLog, by.NoTimestamp = true, true }), certified(t, s.Root(keyless.TimestampIssuer), me), refused("threshold not met for verified")},
		{"certificate expired", with(func(by *keyless.Signing) { by.At = late }), certified(t, s.Root(all...), me), refused("integrated time outside certificate validity")},
		{"certificate of no log", builder, certified(t, s.Root(append(all, keyless.CertificateLog)...), me), refused("signed certificate timestamp")},
		{"other authority", builder, certified(t, other.Root(all...), me), refused("")},
		{"second of two", builder, certified(t, s.Root(all...), [2]string{issuer, "somebody"}, me), verified},
		{"other subject", builder, certified(t, s.Root(all...), [2]string{issuer, "other@example.test"}), refused("it is by builder@example.test of issuer " + issuer)},
		{"other issuer", builder, certified(t, s.Root(all...), [2]string{"https://issuer.example", me[1]}), refused("none of 1 signature verifies with subject " + me[1] + " of issuer https://issuer.example")},
		{"issuer alike", with(func(by *keyless.Signing) { by.Issuer = issuer + ".evil.example" }), certified(t, s.Root(all...), me), refused("it is by")},
		{"subject alike", with(func(by *keyless.Signing) { by.Subject = "builder@example.test.evil.example" }), certified(t, s.Root(all...), me), refused("it is by")},
		{"pattern with alternatives", builder, certified(t, s.Root(all...), [2]string{issuer, "builder|nobody"}), refused("it is by")},
		{"any subject", builder, certified(t, s.Root(all...), [2]string{issuer, ".*"}), verified},
		{"nobody", builder, certified(t, s.Root(all...)), want{pinsetter.SignatureUnknown, false, "nothing is verified by it"}},
		{"root that can't be read", builder, certified(t, []byte(`{}`), me), want{pinsetter.SignatureUnknown, false, "the trusted root can't be read"}},
	}
	for _, on := range shelves(t) {
		for i, row := range rows {
			image := fmt.Sprintf("org/app%d", i)
			digest := on.PushContent(image, "1.0.0", row.name)
			t.Run(on.name+"/bundle/"+row.name, func(t *testing.T) {
				s.Sign(on.Shelf, image, digest, row.by)
				check(t, on.Image(image), digest, row.rule, row.want)
			})
			t.Run(on.name+"/legacy/"+row.name, func(t *testing.T) {
				digest := on.PushContent(image, "2.0.0", row.name+"legacy")
				s.SignLegacy(on.Shelf, image, digest, row.by)
				check(t, on.Image(image), digest, row.rule, row.want)
			})
		}
	}
}

// TestLogOfVersion2: its entries say no time, so a timestamp must.
func TestLogOfVersion2(t *testing.T) {
	s, on := keyless.New(t), parts.NewRegistry(t, parts.RegistryOptions{})
	rule := certified(t, s.Root(keyless.Log, keyless.TimestampIssuer), [2]string{issuer, ".*"})
	by := builder
	by.LogV2 = true
	digest := on.PushContent("org/app", "1.0.0", "x")
	s.Sign(&on.Shelf, "org/app", digest, by)
	check(t, on.Image("org/app"), digest, rule, verified)
	by.NoTimestamp = true
	digest = on.PushContent("org/app", "2.0.0", "y")
	s.Sign(&on.Shelf, "org/app", digest, by)
	check(t, on.Image("org/app"), digest, rule, refused("threshold not met"))
}

// TestKeylessIsNoKey: what a key signed is by nobody with a certificate, and the
// other way round; an attestation is no signature, whoever made it; and a signature
// is for its digest alone.
func TestKeylessIsNoKey(t *testing.T) {
	s, on, key := keyless.New(t), parts.NewRegistry(t, parts.RegistryOptions{}), parts.NewSigner(t)
	rule := certified(t, s.Root(keyless.Log), [2]string{issuer, ".*"})
	other := "sha256:" + strings.Repeat("0", 64)
	for name, row := range map[string]struct {
		sign func(image, digest string)
		rule *fleet.Trust
		want want
	}{
		"key, bundle":         {func(image, digest string) { on.Sign(image, digest, key) }, rule, refused("it is made with a key")},
		"key, legacy":         {func(image, digest string) { on.SignLegacy(image, digest, key, 1) }, rule, refused("it is made with a key")},
		"certificate, bundle": {func(image, digest string) { s.Sign(&on.Shelf, image, digest, builder) }, trusting(t, key), refused("none of 1 signature")},
		"certificate, legacy": {func(image, digest string) { s.SignLegacy(&on.Shelf, image, digest, builder) }, trusting(t, key), refused("none of 1 signature")},
		"attestation": {func(image, digest string) {
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(digest, parts.ProvenancePredicate, "", builder), Predicate: parts.ProvenancePredicate})
		}, rule, unsigned},
		"attestation that says it is a signature": {func(image, digest string) {
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(digest, parts.ProvenancePredicate, "", builder), Predicate: parts.SigningPredicate})
		}, rule, unsigned},
		"of another image, bundle": {func(image, digest string) {
			on.Refer(image, digest, parts.Referrer{Content: s.Bundle(other, parts.SigningPredicate, "", builder), Predicate: parts.SigningPredicate})
		}, rule, refused("does not match")},
		"of another image, legacy": {func(image, digest string) {
			on.PutLegacy(image, digest, ".sig", s.Legacy(parts.SimplePayload(other), builder))
		}, rule, refused("it is for another image")},
		"both keys and certificates asked for": {func(image, digest string) { s.Sign(&on.Shelf, image, digest, builder) },
			&fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keys: trusting(t, key).Keys, Keyless: rule.Keyless}, want{verdict: pinsetter.SignatureUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			image := "org/" + strings.NewReplacer(" ", "-", ",", "").Replace(strings.ToLower(name))
			digest := on.PushContent(image, "1.0.0", name)
			row.sign(image, digest)
			check(t, on.Image(image), digest, row.rule, row.want)
		})
	}
}

// TestKeylessProof: the verdict says who signed, by whose word, when and where that
// is recorded.
func TestKeylessProof(t *testing.T) {
	s, on := keyless.New(t), parts.NewRegistry(t, parts.RegistryOptions{})
	by := builder
	by.At = time.Now().Add(2 * time.Minute).UTC().Truncate(time.Second)
	digest := on.PushContent("org/app", "1.0.0", "x")
	s.Sign(&on.Shelf, "org/app", digest, by)
	got := verify.Open(nil, open(t, on.Image("org/app")), digest).Check(t.Context(),
		certified(t, s.Root(keyless.Log, keyless.TimestampIssuer), [2]string{issuer, ".*"}))
	want := pinsetter.Signature{
		Verdict: pinsetter.SignatureVerified, Signer: by.Subject, Issuer: issuer, SignedAt: by.At, Log: "https://rekor.localhost",
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLegacyAnnotations: what can't be read of a certificate proves nothing.
func TestLegacyAnnotations(t *testing.T) {
	s, on := keyless.New(t), parts.NewRegistry(t, parts.RegistryOptions{})
	rule := certified(t, s.Root(keyless.Log), [2]string{issuer, ".*"})
	const entry = "dev.sigstore.cosign/bundle"
	for i, row := range []struct{ key, value, words string }{
		{"dev.sigstore.cosign/certificate", "", "it is made with a key"},
		{"dev.sigstore.cosign/certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ""},
		{entry, "{", "can't be read"},
		{entry, `{"Payload":{"body":"%"}}`, "can't be read"},
		{entry, `{"Payload":{"body":"e30=","logID":"x"}}`, "can't be read"},
		{entry, `{"Payload":{"body":"e30=","logID":"00"}}`, ""},
		{entry, `{}`, "can't be read"},
		{"dev.sigstore.cosign/rfc3161timestamp", "[]", "can't be read"},
	} {
		image := fmt.Sprintf("org/app%d", i)
		digest := on.PushContent(image, "1.0.0", image)
		signed := s.Legacy(parts.SimplePayload(digest), builder)
		signed.Annotations[row.key] = row.value
		on.PutLegacy(image, digest, ".sig", signed)
		check(t, on.Image(image), digest, rule, refused(row.words))
	}
}

// TestPartsOfABundle: sigstore takes the parts that this package's other tests rely
// on it to check.
func TestPartsOfABundle(t *testing.T) {
	s, on := keyless.New(t), parts.NewRegistry(t, parts.RegistryOptions{})
	rule := certified(t, s.Root(keyless.Log), [2]string{issuer, ".*"})
	for name, change := range map[string]func(*protobundle.Bundle){
		"time": func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].IntegratedTime++ },
		"entry": func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].CanonicalizedBody[20] ^= 1
		},
		"promise": func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].InclusionPromise.SignedEntryTimestamp[8] ^= 1
		},
		"payload":   func(b *protobundle.Bundle) { b.GetDsseEnvelope().Payload = append(b.GetDsseEnvelope().Payload, ' ') },
		"signature": func(b *protobundle.Bundle) { b.GetDsseEnvelope().Signatures[0].Sig[10] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			image := "org/" + name
			digest := on.PushContent(image, "1.0.0", name)
			b := &protobundle.Bundle{}
			if err := protojson.Unmarshal(s.Bundle(digest, parts.SigningPredicate, "", builder), b); err != nil {
				t.Fatal(err)
			}
			change(b)
			text, err := protojson.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			on.Refer(image, digest, parts.Referrer{Content: text, Predicate: parts.SigningPredicate})
			got := verify.Open(nil, open(t, on.Image(image)), digest).Check(t.Context(), rule)
			if got.Verdict == pinsetter.SignatureVerified {
				t.Errorf("%+v", got)
			}
		})
	}
}
