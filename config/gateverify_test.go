package config_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/notary"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

func keySecret(name, key, value string) string {
	return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\ndata: {" + key + ": " + base64.StdEncoding.EncodeToString([]byte(value)) + "}\n"
}

// TestGateVerify: a rule about signatures that can't be relied on stops what the
// Gate selects, and says where and what to do.
func TestGateVerify(t *testing.T) {
	objects := object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}") +
		object("ImagePolicy", "a", "spec: {imageRepositoryRef: {name: r}, policy: {alphabetical: {}}}")
	good := keySecret("keys", "cosign.pub", publicKey(t))
	const aRoot = `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","certificateAuthorities":[{}],"tlogs":[{}]}`
	notation := strings.Replace(keySecret("n", "trustpolicy.json", "{}"), "{trust", "{a.crt: "+base64.StdEncoding.EncodeToString(notary.New(t).PEM())+", trust", 1)
	goodRoot := keySecret("root", "trusted_root.json", aRoot)
	for name, row := range map[string]struct{ spec, secret, want string }{
		"good":                          {"[{provider: cosign, secretRef: {name: keys}}]", good, ""},
		"two":                           {"[{provider: cosign, secretRef: {name: keys}}, {provider: cosign, secretRef: {name: keys}}]", good, ""},
		"empty":                         {"[]", good, "is an empty list"},
		"null":                          {"", good, "spec.verify"},
		"null rule":                     {"[null]", good, "spec.verify"},
		"no provider":                   {"[{secretRef: {name: keys}}]", good, "provider: is missing"},
		"other provider":                {"[{provider: gpg, secretRef: {name: keys}}]", good, `"gpg" is not cosign or notation`},
		"no secretRef":                  {"[{provider: cosign}]", good, "secretRef: is missing, and so is matchOIDCIdentity"},
		"no name":                       {"[{provider: cosign, secretRef: {}}]", good, "secretRef.name"},
		"unknown field":                 {"[{provider: cosign, secretRef: {name: keys}, matchOIDCIdentities: []}]", good, "matchOIDCIdentities"},
		"missing":                       {"[{provider: cosign, secretRef: {name: other}}]", good, "Secret default/other was not given: hand it in with -f, or mount it (--secrets DIR"},
		"second missing":                {"[{provider: cosign, secretRef: {name: keys}}, {provider: cosign, secretRef: {name: other}}]", good, "Secret default/other was not given"},
		"no .pub":                       {"[{provider: cosign, secretRef: {name: keys}}]", keySecret("keys", "cosign.key", publicKey(t)), "has no key that ends in .pub: give it the public key of cosign as cosign.pub (it has cosign.key)"},
		"not PEM":                       {"[{provider: cosign, secretRef: {name: keys}}]", keySecret("keys", "cosign.pub", "hello"), "has under cosign.pub no public key in PEM"},
		"private":                       {"[{provider: cosign, secretRef: {name: keys}}]", keySecret("keys", "cosign.pub", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "a private key: give it the public one"},
		"garbage":                       {"[{provider: cosign, secretRef: {name: keys}}]", keySecret("keys", "cosign.pub", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), "no public key that can be read"},
		"two in one":                    {"[{provider: cosign, secretRef: {name: keys}}]", keySecret("keys", "cosign.pub", publicKey(t)+publicKey(t)), "more than one key"},
		"one good one not":              {"[{provider: cosign, secretRef: {name: keys}}]", strings.Replace(good, "{cosign.pub", "{z.pub: aGVsbG8=, cosign.pub", 1), "has under z.pub no public key"},
		"encrypted":                     {"[{provider: cosign, secretRef: {name: keys}}]", strings.Replace(good, "data: {cosign.pub: ", "sops: {}\ndata: {cosign.pub: ", 1), "is encrypted by SOPS"},
		"attestations":                  {"[{provider: cosign, secretRef: {name: keys}, attestations: [{predicateType: https://slsa.dev/provenance/v1, builder: b, source: s}, {predicateType: x}]}]", good, ""},
		"no attestations":               {"[{provider: cosign, secretRef: {name: keys}, attestations: []}]", good, "attestations: is an empty list"},
		"no predicate type":             {"[{provider: cosign, secretRef: {name: keys}, attestations: [{builder: b}]}]", good, "attestations[0].predicateType: is missing"},
		"a signature":                   {"[{provider: cosign, secretRef: {name: keys}, attestations: [{predicateType: https://sigstore.dev/cosign/sign/v1}]}]", good, "is the predicate type of signatures"},
		"builder of no provenance":      {"[{provider: cosign, secretRef: {name: keys}, attestations: [{predicateType: x, builder: b}]}]", good, "are said by SLSA provenance alone"},
		"builder no pattern":            {"[{provider: cosign, secretRef: {name: keys}, attestations: [{predicateType: https://slsa.dev/provenance/v1, builder: '['}]}]", good, "builder is no regular expression"},
		"notation":                      {"[{provider: notation, secretRef: {name: n}}]", notation, ""},
		"notation without Secret":       {"[{provider: notation}]", notation, "secretRef: is missing: name the Secret of trustpolicy.json"},
		"notation with identities":      {"[{provider: notation, secretRef: {name: n}, matchOIDCIdentity: [{issuer: i, subject: s}]}]", notation, "which are cosign's"},
		"notation without policy":       {"[{provider: notation, secretRef: {name: n}}]", strings.Replace(notation, "trustpolicy.json", "policy.json", 1), "has no trustpolicy.json"},
		"notation without certificate":  {"[{provider: notation, secretRef: {name: n}}]", keySecret("n", "trustpolicy.json", "{}"), "has no key that ends in .crt or .pem"},
		"notation without JSON":         {"[{provider: notation, secretRef: {name: n}}]", keySecret("n", "trustpolicy.json", "x"), "has under trustpolicy.json no JSON"},
		"notation, wrong certificate":   {"[{provider: notation, secretRef: {name: n}}]", strings.Replace(keySecret("n", "trustpolicy.json", "{}"), "{trust", "{a.crt: aGVsbG8=, trust", 1), "no certificate that can be read"},
		"notation, key for certificate": {"[{provider: notation, secretRef: {name: n}}]", strings.Replace(keySecret("n", "trustpolicy.json", "{}"), "{trust", "{a.pem: "+base64.StdEncoding.EncodeToString([]byte(publicKey(t)))+", trust", 1), "which is no certificate"},
		"identity":                      {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}]}]", "", ""},
		"identities":                    {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}, {issuer: i, subject: .*}], trustedRootSecretRef: {name: root}}]", goodRoot, ""},
		"no identities":                 {"[{provider: cosign, matchOIDCIdentity: []}]", "", "is an empty list"},
		"null identities":               {"[{provider: cosign, matchOIDCIdentity: }]", "", "matchOIDCIdentity"},
		"null identity":                 {"[{provider: cosign, matchOIDCIdentity: [null]}]", "", "matchOIDCIdentity[0]"},
		"no subject":                    {"[{provider: cosign, matchOIDCIdentity: [{issuer: i}]}]", "", "matchOIDCIdentity[0].subject: is missing"},
		"no issuer":                     {"[{provider: cosign, matchOIDCIdentity: [{subject: i}]}]", "", "matchOIDCIdentity[0].issuer: is missing"},
		"no pattern":                    {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: 'a)|(b'}]}]", "", "subject is no regular expression"},
		"keys and identity":             {"[{provider: cosign, secretRef: {name: keys}, matchOIDCIdentity: [{issuer: i, subject: s}]}]", good, "is written beside secretRef"},
		"root for keys":                 {"[{provider: cosign, secretRef: {name: keys}, trustedRootSecretRef: {name: root}}]", good + goodRoot, "is for identities"},
		"root missing":                  {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}], trustedRootSecretRef: {name: root}}]", "", "trustedRootSecretRef.name: Secret default/root was not given"},
		"root under a name":             {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}], trustedRootSecretRef: {name: root}}]", keySecret("root", "root.json", "{}"), "has no trusted_root.json: give it the trusted root of Sigstore under that key (it has root.json)"},
		"root no JSON":                  {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}], trustedRootSecretRef: {name: root}}]", keySecret("root", "trusted_root.json", "x"), "no trusted root of Sigstore: invalid"},
		"root of another kind":          {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}], trustedRootSecretRef: {name: root}}]", keySecret("root", "trusted_root.json", `{"mediaType":"x"}`), `its mediaType is "x"`},
		"root without authority":        {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}], trustedRootSecretRef: {name: root}}]", keySecret("root", "trusted_root.json", strings.Replace(aRoot, "[{}]", "[]", 1)), "without certificateAuthorities"},
		"root without time":             {"[{provider: cosign, matchOIDCIdentity: [{issuer: i, subject: s}], trustedRootSecretRef: {name: root}}]", keySecret("root", "trusted_root.json", strings.Replace(aRoot, "tlogs", "x", 1)), "nothing says when"},
	} {
		t.Run(name, func(t *testing.T) {
			set := loadText(t, objects+gateObject("g", "spec:\n  verify: "+row.spec)+row.secret)
			gates, err := set.GatesFor(set.Policy(pinsetter.Name{Namespace: "default", Name: "a"}))
			if row.want == "" {
				if err != nil || len(gates) != 1 || len(gates[0].Trusts) != demanded(gates[0].Spec.Verify) {
					t.Errorf("gates %v, error %v", gates, err)
				}
				return
			}
			if err == nil {
				t.Error("the gate counts for nothing")
			}
			said := ""
			for _, f := range set.Findings {
				said += f.String() + "\n"
			}
			if !strings.Contains(said, row.want) || !strings.Contains(said, "in.yaml:") {
				t.Errorf("says %q, want %q", said, row.want)
			}
		})
	}
}

func demanded(rules []spec.GateVerify) int {
	n := 0
	for _, rule := range rules {
		n += max(1, len(rule.Attestations))
	}
	return n
}

// TestPublicKeys: Secrets that hold public keys are kept for the objects in
// repositories that name them, wherever they are given; those that can't be read say
// why.
func TestPublicKeys(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{"flux-system/mounted/cosign.pub", "bare/cosign.pub", "flux-system/other/password"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(publicKey(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := object("ImageRepository", "r", "spec: {image: alpine, interval: 5m}") + keySecret("given", "cosign.pub", publicKey(t)) +
		keySecret("wrong", "cosign.pub", "x") + keySecret("plain", "password", "x")
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(text)}}, config.Options{SecretDirs: []string{dir}})
	got := map[string]string{}
	for name, keys := range set.PublicKeys {
		got[name.String()] = fmt.Sprintf("%d keys, %v", len(keys.Value), keys.Err)
	}
	want := map[string]string{
		"flux-system/mounted": "1 keys, <nil>", "default/bare": "1 keys, <nil>", "default/given": "1 keys, <nil>",
		"default/wrong": "0 keys, Secret default/wrong (in.yaml:12) has under cosign.pub no public key in PEM: it begins with -----BEGIN PUBLIC KEY-----",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(set.Findings) > 0 {
		t.Errorf("findings %v", set.Findings)
	}
}

// TestTrustID: what was verified counts for as long as the same keys are trusted,
// whatever they are called.
func TestTrustID(t *testing.T) {
	a, b := fleet.PublicKey{Name: "a.pub", DER: []byte("a")}, fleet.PublicKey{Name: "b.pub", DER: []byte("b")}
	id := func(keys ...fleet.PublicKey) string {
		return (&fleet.Trust{Provider: fleet.ProviderCosign, Keys: keys}).ID()
	}
	if id(a, b) != id(b, a) || id(a) != id(fleet.PublicKey{Name: "x", DER: a.DER}) {
		t.Error("names or order of keys count")
	}
	if id(a) == id(a, b) || id(a) == id(b) {
		t.Error("keys don't count")
	}
}

func publicKey(t *testing.T) string { return parts.NewSigner(t).PublicKey }
