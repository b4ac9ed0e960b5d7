package bot_test

import (
	"encoding/base64"
	"fmt"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/keyless"
	"github.com/pinsetter/pinsetter/parts/notary"
)

// How the Gate of a walk wants images signed.
const (
	byKey = 1 + iota
	byIdentity
	byAttestation
	byNotation
)

// walkSigners are those who sign in a walk: for each way that one Gate asks for, who
// is trusted and who isn't.
type walkSigners struct {
	how      int
	us, them *parts.Signer
	sigstore *keyless.Sigstore
	notary   notary.Notary
}

func newWalkSigners(t parts.T, how int) walkSigners {
	w := walkSigners{how: how, us: parts.NewSigner(t), them: parts.NewSigner(t)}
	switch how {
	case byIdentity, byAttestation:
		w.sigstore = keyless.New(t)
	case byNotation:
		w.notary = notary.New(t)
	}
	return w
}

// verify is what the Gate asks for, in YAML.
func (w walkSigners) verify() string {
	const identity = "{provider: cosign, matchOIDCIdentity: [{issuer: 'https://issuer[.]test', subject: 'us@example[.]test'}], trustedRootSecretRef: {name: keys}"
	return [...]string{
		byKey:         "[{provider: cosign, secretRef: {name: keys}}]",
		byIdentity:    "[" + identity + "}]",
		byAttestation: "[" + identity + ", attestations: [{predicateType: " + parts.ProvenancePredicate + ", builder: ours}]}]",
		byNotation:    "[{provider: notation, secretRef: {name: keys}}]",
	}[w.how]
}

// secret is what the Gate trusts.
func (w walkSigners) secret() string {
	data := fmt.Sprintf("cosign.pub: %s", base64.StdEncoding.EncodeToString([]byte(w.us.PublicKey)))
	if w.sigstore != nil {
		data = "trusted_root.json: " + base64.StdEncoding.EncodeToString(w.sigstore.Root(keyless.Log, keyless.TimestampIssuer))
	}
	if w.how == byNotation {
		policy := `{"version":"1.0","trustPolicies":[{"name":"p","registryScopes":["*"],"signatureVerification":{"level":"strict","override":{"revocation":"skip"}},"trustStores":["ca:acme"],"trustedIdentities":["*"]}]}`
		data = fmt.Sprintf("trustpolicy.json: %s, root.crt: %s", base64.StdEncoding.EncodeToString([]byte(policy)), base64.StdEncoding.EncodeToString(w.notary.PEM()))
	}
	return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata: {" + data + "}\n"
}

// sign has somebody sign a digest, whom the Gate trusts or not, in one of two ways.
// Who isn't trusted also signs as somebody who is for something else.
func (w walkSigners) sign(on *parts.Shelf, image, digest string, trusted, another bool) {
	by := keyless.Signing{Subject: "them@example.test", Issuer: "https://issuer.test"}
	key := w.them
	if trusted {
		by.Subject, key = "us@example.test", w.us
	}
	attested := func(builder string, by keyless.Signing) {
		predicate := fmt.Sprintf(`{"runDetails":{"builder":{"id":%q}}}`, builder)
		if another {
			on.PutLegacy(image, digest, ".att", w.sigstore.LegacyAttestation(digest, parts.ProvenancePredicate, predicate, by))
			return
		}
		on.Refer(image, digest, parts.Referrer{Predicate: parts.ProvenancePredicate, Content: w.sigstore.Bundle(digest, parts.ProvenancePredicate, predicate, by)})
	}
	switch us := (keyless.Signing{Subject: "us@example.test", Issuer: "https://issuer.test"}); {
	case w.how == byIdentity && trusted && another:
		w.sigstore.SignLegacy(on, image, digest, by)
	case w.how == byIdentity && !trusted && another:
		attested("ours", us) // no signature
	case w.how == byIdentity:
		w.sigstore.Sign(on, image, digest, by)
	case w.how == byAttestation && trusted:
		attested("ours", by)
	case w.how == byAttestation && another:
		attested("theirs", us)
	case w.how == byAttestation:
		w.sigstore.Sign(on, image, digest, us) // no attestation
	case w.how == byNotation && trusted:
		w.notary.Sign(on, image, digest, digest, map[bool]string{false: notary.JWS, true: notary.COSE}[another])
	case w.how == byNotation && another:
		w.notary.Sign(on, image, digest, strangeDigest, notary.JWS) // of another image
	case another:
		on.SignLegacy(image, digest, key, 1)
	default:
		on.Sign(image, digest, key)
	}
}
