package verify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/notary"
	"github.com/pinsetter/pinsetter/verify"
)

// policy is a trust policy.
func policy(scope, level, store, identity string) string {
	return fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"p","registryScopes":[%q],"signatureVerification":%s,"trustStores":[%q],"trustedIdentities":[%q]}]}`, scope, level, store, identity)
}

const (
	jws  = notary.JWS
	cose = notary.COSE

	strict     = `{"level":"strict"}`
	strictSkip = `{"level":"strict","override":{"revocation":"skip"}}`
)

// TestNotation: a signature counts by the trust policy for exactly that repository,
// at a level that verifies.
func TestNotation(t *testing.T) {
	n := notary.New(t)
	other := notary.NewRevocable(t)
	ours := []fleet.StoredCertificate{{Name: "root.crt", DER: n.Root().Raw}}
	me := "x509.subject: " + strings.ReplaceAll(n.Subject(), "+", ",")
	for _, on := range shelves(t) {
		for i, row := range []struct {
			name         string
			sign         string // media type; "": not signed
			about        string
			level, store string
			scope        string // "": the image's
			identity     string
			certificates []fleet.StoredCertificate
			want         want
		}{
			{"JWS", jws, "", strictSkip, "ca:acme", "", "*", ours, verified},
			{"COSE", cose, "", strictSkip, "ca:acme", "", "*", ours, verified},
			{"every repository", jws, "", strictSkip, "ca:acme", "*", "*", ours, verified},
			{"identity", jws, "", strictSkip, "ca:acme", "", me, ours, verified},
			{"named store", jws, "", strictSkip, "ca:acme", "", "*", []fleet.StoredCertificate{{Store: "ca:acme", DER: n.Root().Raw}}, verified},
			{"other store", jws, "", strictSkip, "ca:acme", "", "*", []fleet.StoredCertificate{{Store: "ca:other", DER: n.Root().Raw}}, refused("")},
			{"permissive", jws, "", `{"level":"permissive"}`, "ca:acme", "", "*", ours, verified},
			{"other identity", jws, "", strictSkip, "ca:acme", "", "x509.subject: C=US, ST=WA, O=other", ours, refused("")},
			{"other certificate", jws, "", strictSkip, "ca:acme", "", "*", []fleet.StoredCertificate{{DER: other.Root().Raw}}, refused("")},
			{"other repository", jws, "", strictSkip, "ca:acme", "registry.example/other", "*", ours, refused("no applicable")},
			{"audit", jws, "", `{"level":"audit"}`, "ca:acme", "", "*", ours, refused("audit or skip")},
			{"skip", jws, "", `{"level":"skip"}`, "", "", "", ours, refused("audit or skip")},
			{"logged authenticity", jws, "", `{"level":"permissive","override":{"authenticity":"log"}}`, "ca:acme", "", "*", []fleet.StoredCertificate{{DER: other.Root().Raw}}, refused("")},
			{"of another image", jws, "sha256:" + strings.Repeat("0", 64), strictSkip, "ca:acme", "", "*", ours, refused("it is for another image")},
			{"no policy", jws, "", `{"level":"x"}`, "ca:acme", "", "*", ours, want{pinsetter.SignatureUnknown, false, "can't be used"}},
			{"unsigned", "", "", strictSkip, "ca:acme", "", "*", ours, unsigned},
		} {
			t.Run(on.name+"/"+row.name, func(t *testing.T) {
				image := fmt.Sprintf("org/app%d", i)
				subject := on.PushContent(image, "1.0.0", row.name)
				if row.about == "" {
					row.about = subject
				}
				if row.sign != "" {
					n.Sign(on.Shelf, image, subject, row.about, row.sign)
				}
				scope := row.scope
				if scope == "" {
					scope = on.Image(image)
				}
				text := policy(scope, row.level, row.store, row.identity)
				if row.store == "" {
					text = fmt.Sprintf(`{"version":"1.0","trustPolicies":[{"name":"p","registryScopes":[%q],"signatureVerification":%s}]}`, scope, row.level)
				}
				check(t, on.Image(image), subject, &fleet.Trust{From: "test", Provider: fleet.ProviderNotation,
					Notation: &fleet.Notation{Policy: []byte(text), Certificates: row.certificates}}, row.want)
			})
		}
	}
}

// TestNotationAlone: what cosign signed is no signature of notation, and the other way
// round.
func TestNotationAlone(t *testing.T) {
	n, key := notary.New(t), parts.NewSigner(t)
	for _, on := range shelves(t) {
		subject := on.PushContent("org/app", "1.0.0", "x")
		on.Sign("org/app", subject, key)
		rule := &fleet.Trust{From: "test", Provider: fleet.ProviderNotation, Notation: &fleet.Notation{
			Policy: []byte(policy("*", strictSkip, "ca:acme", "*")), Certificates: []fleet.StoredCertificate{{DER: n.Root().Raw}}}}
		check(t, on.Image("org/app"), subject, rule, unsigned)
		subject = on.PushContent("org/app", "2.0.0", "y")
		n.Sign(on.Shelf, "org/app", subject, subject, jws)
		check(t, on.Image("org/app"), subject, trusting(t, key), unsigned)
		check(t, on.Image("org/app"), subject, rule, verified)
	}
}

// TestNotationRevocation: where the policy demands to know whether a certificate is
// revoked and nobody answers, it could not be asked.
func TestNotationRevocation(t *testing.T) {
	n := notary.NewRevocable(t)
	on := shelves(t)[0]
	subject := on.PushContent("org/app", "1.0.0", "x")
	n.Sign(on.Shelf, "org/app", subject, subject, jws)
	rule := func(level string) *fleet.Trust {
		return &fleet.Trust{From: "test", Provider: fleet.ProviderNotation, Notation: &fleet.Notation{
			Policy: []byte(policy("*", level, "ca:acme", "*")), Certificates: []fleet.StoredCertificate{{DER: n.Root().Raw}}}}
	}
	check(t, on.Image("org/app"), subject, rule(strict), want{pinsetter.SignatureUnknown, false, "revocation status is unknown"})
	check(t, on.Image("org/app"), subject, rule(`{"level":"permissive"}`), want{pinsetter.SignatureVerified, false, "it isn't known whether its certificate is revoked"})
	check(t, on.Image("org/app"), subject, rule(strictSkip), want{pinsetter.SignatureVerified, false, "isn't asked, as the policy says"})
	asked := 0
	roots := &verify.Roots{Client: &http.Client{Transport: transport(func(*http.Request) { asked++ })}}
	got := verify.Open(roots, open(t, on.Image("org/app")), subject).Check(t.Context(), rule(strict))
	if got.Verdict != pinsetter.SignatureUnknown || asked == 0 {
		t.Errorf("%+v, asked %d times", got, asked)
	}
}

// TestNotationRevoked: a revoked certificate is refused at every level that asks, by
// both ways to ask. It is asked through the given connections alone.
func TestNotationRevoked(t *testing.T) {
	for _, by := range []string{"ocsp", "crl"} {
		t.Run(by, func(t *testing.T) {
			n, authority := notary.NewRevoked(t, by)
			on := shelves(t)[0]
			subject := on.PushContent("org/app", "1.0.0", "x")
			n.Sign(on.Shelf, "org/app", subject, subject, jws)
			got := func(level string, dialer login.Dialer) pinsetter.Signature {
				connections, err := login.Environment{Getenv: func(string) string { return "" }}.Transport(dialer, pinsetter.TLS{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				roots := &verify.Roots{Client: &http.Client{Transport: connections}}
				return verify.Open(roots, open(t, on.Image("org/app")), subject).Check(t.Context(), &fleet.Trust{
					From: "test", Provider: fleet.ProviderNotation, Notation: &fleet.Notation{
						Policy: []byte(policy("*", level, "ca:acme", "*")), Certificates: []fleet.StoredCertificate{{DER: n.Root().Raw}}}})
			}
			say := func(name string, got pinsetter.Signature, w want) {
				t.Helper()
				if got.Verdict != w.verdict || !strings.Contains(got.Reason, w.words) {
					t.Errorf("%s: %+v, want %+v", name, got, w)
				}
			}
			const permissive = `{"level":"permissive"}`
			say("good", got(strict, login.Dialer{}), verified)
			if authority.Asked.Load() == 0 {
				t.Error("nobody asked")
			}
			asked := authority.Asked.Load()
			unknown := want{pinsetter.SignatureUnknown, false, "revocation status is unknown"}
			say("refused by the dialer", got(strict, login.Dialer{RefusePrivate: true}), unknown)
			say("skipped", got(strictSkip, login.Dialer{}), want{pinsetter.SignatureVerified, false, "isn't asked"})
			if authority.Asked.Load() != asked {
				t.Error("it was asked all the same")
			}
			authority.Revoked.Store(true)
			say("revoked", got(strict, login.Dialer{}), refused("is revoked"))
			say("revoked, permissive", got(permissive, login.Dialer{}), refused("is revoked"))
			authority.Broken.Store(true)
			say("broken", got(strict, login.Dialer{}), unknown)
			say("broken, permissive", got(permissive, login.Dialer{}), want{pinsetter.SignatureVerified, false, "it isn't known whether"})
		})
	}
}

// transport counts requests, and answers none.
type transport func(*http.Request)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return nil, fmt.Errorf("nobody there")
}
