package deliver

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/verify"
)

func TestClaim(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for name, claim := range map[string]Claim{
		"without changes": {Automation: pinsetter.Name{Namespace: "a", Name: "b"}, Base: digest, Changes: []pinsetter.Change{}},
		"with changes": {Automation: pinsetter.Name{Namespace: "a", Name: "b"}, Base: digest, Changes: []pinsetter.Change{
			{Path: "ü/a.yaml", Line: 3, Setter: "a:b:tag", Object: pinsetter.Object{Kind: "X", Name: "y"}, Old: "<1>", New: "2"}}},
	} {
		annotations, err := claim.Annotations()
		if err != nil {
			t.Fatal(err)
		}
		document, _ := json.Marshal(map[string]any{"annotations": annotations})
		got, err := ParseClaim(document)
		if diff := cmp.Diff(claim, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"annotations": {"pinsetter.dev/base": "x"}}`, `{"annotations": {"pinsetter.dev/base": "` + digest + `"}}`} {
		if c, err := ParseClaim([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, c)
		}
	}
}

// TestRedo: changes are done again where the values are those that were changed, site
// by site, and nowhere else.
func TestRedo(t *testing.T) {
	const text = `image: r/app:1.0.0 # {"$imagepolicy": "a:app"}
---
kind: HelmRelease
metadata: {name: x}
spec:
  name: r/app # {"$imagepolicy": "a:app:name"}
  tag: 1.0.0 # {"$imagepolicy": "a:app:tag"}
  again: 1.0.0 # {"$imagepolicy": "a:app:tag"}
  other: 1.0.0 # {"$imagepolicy": "a:other:tag"}
`
	release := pinsetter.Object{Kind: "HelmRelease", Name: "x"}
	first := pinsetter.Change{Path: "f.yaml", Setter: "a:app", Old: "r/app:1.0.0", New: "r/app:1.1.0@sha256:" + strings.Repeat("b", 64)}
	second := pinsetter.Change{Path: "f.yaml", Setter: "a:app:tag", Object: release, Old: "1.0.0", New: "1.2.0"}
	for _, test := range []struct {
		name          string
		changes       []pinsetter.Change
		want          string // "old->new" replacements, one a line
		took, expired int
	}{
		{"none", nil, "", 0, 0},
		{"another file", []pinsetter.Change{{Path: "g.yaml", Setter: "a:app", Old: "r/app:1.0.0", New: "r/app:1.1.0"}}, "", 0, 0},
		{"a reference", []pinsetter.Change{first}, "r/app:1.0.0->" + first.New, 1, 0},
		{"two tags", []pinsetter.Change{second, second}, "tag: 1.0.0->tag: 1.2.0\nagain: 1.0.0->again: 1.2.0", 1, 0},
		{"both", []pinsetter.Change{first, second}, "r/app:1.0.0->" + first.New + "\ntag: 1.0.0->tag: 1.2.0\nagain: 1.0.0->again: 1.2.0", 2, 0},
		{"CI changed it", []pinsetter.Change{{Path: "f.yaml", Setter: "a:app", Old: "r/app:0.9.0", New: "r/app:1.1.0"}}, "", 0, 1},
		{"no reference", []pinsetter.Change{{Path: "f.yaml", Setter: "a:app", Old: "r/app:1.0.0", New: "\n"}}, "", 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := setters.Find("f.yaml", []byte(text))
			redone, err := Redo("f.yaml", found, []byte(text), test.changes)
			if err != nil {
				t.Fatal(err)
			}
			want := text
			for line := range strings.SplitSeq(test.want, "\n") {
				was, is, _ := strings.Cut(line, "->")
				want = strings.Replace(want, was, is, 1)
			}
			if diff := cmp.Diff(want, string(redone.Data)); diff != "" || len(redone.Took) != test.took || len(redone.Stale) != test.expired {
				t.Errorf("took %v, stale %v\n%s", redone.Took, redone.Stale, diff)
			}
			between := Between("f.yaml", found, setters.Find("f.yaml", redone.Data))
			if (len(between) > 0) != (test.took > 0) {
				t.Errorf("between: %+v", between)
			}
			if again, err := Redo("f.yaml", found, []byte(text), between); err != nil || string(again.Data) != want {
				t.Errorf("what was changed isn't done again: %v\n%s", err, cmp.Diff(want, string(again.Data)))
			}
		})
	}
}

// encrypt encrypts a key as cosign does.
func encrypt(t *testing.T, der, password []byte, n int) []byte {
	t.Helper()
	var s sealed
	s.KDF.Name, s.KDF.Params.N, s.KDF.Params.R, s.KDF.Params.P, s.KDF.Salt = "scrypt", n, 8, 1, []byte("salt")
	s.Cipher.Name, s.Cipher.Nonce = "nacl/secretbox", make([]byte, 24)
	derived, err := scrypt.Key(password, s.KDF.Salt, min(n, 1<<14), 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	s.Text = secretbox.Seal(nil, der, (*[24]byte)(s.Cipher.Nonce), (*[32]byte)(derived))
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: text})
}

func keyOf(text []byte, password string) *fleet.ArtifactKey {
	return &fleet.ArtifactKey{
		Secret: pinsetter.Name{Namespace: "a", Name: "keys"},
		Key:    pinsetter.NewSecret("cosign.key", string(text)), Password: pinsetter.NewSecret("cosign.password", password),
	}
}

// TestSign: what is signed verifies by the key, once however often it is signed, and
// beside what others signed.
func TestSign(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	digest := server.PushContent("org/live", "1", "content")
	in, err := registry.New(registry.Options{Anonymous: true}).Repository(server.Image("org/live"), registry.Access{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for _, key := range []any{ec, rs, ed} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := NewSigner(keyOf(encrypt(t, der, []byte("s3cret"), 1<<14), "s3cret"))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := signer.Sign(t.Context(), in, digest); err != nil {
				t.Fatal(err)
			}
		}
		public, err := x509.MarshalPKIXPublicKey(signer.key.Public())
		if err != nil {
			t.Fatal(err)
		}
		trust := &fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keys: []fleet.PublicKey{{Name: "cosign.pub", DER: public}}}
		if got := verify.Open(&verify.Roots{}, in, digest).Check(t.Context(), trust); got.Verdict != pinsetter.SignatureVerified {
			t.Errorf("%T: %+v", key, got)
		}
	}
	there, err := signatures(t.Context(), in, strings.Replace(digest, ":", "-", 1)+".sig")
	if err != nil || len(there.Layers) != 3 {
		t.Errorf("%d signatures: %v", len(there.Layers), err)
	}
}

func TestNewSignerRefuses(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	large, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	der, _ := x509.MarshalPKCS8PrivateKey(ec)
	largeDER, _ := x509.MarshalPKCS8PrivateKey(large)
	sec1, _ := x509.MarshalECPrivateKey(ec)
	public, _ := x509.MarshalPKIXPublicKey(&ec.PublicKey)
	text := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, test := range map[string]struct {
		text []byte
		want string // "": it is taken
	}{
		"PKCS #8":        {text("PRIVATE KEY", der), ""},
		"SEC 1":          {text("EC PRIVATE KEY", sec1), ""},
		"empty":          {nil, "it is not one block of PEM"},
		"two":            {append(text("PRIVATE KEY", der), text("PRIVATE KEY", der)...), "it is not one block of PEM"},
		"public":         {text("PUBLIC KEY", public), `a block "PUBLIC KEY" is no private key`},
		"garbage":        {text("PRIVATE KEY", []byte("x")), "it holds no private key"},
		"another curve":  {text("PRIVATE KEY", largeDER), "use P-256, RSA or Ed25519"},
		"wrong password": {encrypt(t, der, []byte("other"), 1<<14), "cosign.password of the Secret doesn't open it"},
		"much work":      {encrypt(t, der, []byte("s3cret"), 1<<30), "asks for more work than is done"},
		"no JSON":        {text("ENCRYPTED COSIGN PRIVATE KEY", []byte("x")), "it isn't encrypted as cosign encrypts keys"},
	} {
		_, err := NewSigner(keyOf(test.text, "s3cret"))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Secret a/keys")) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s shows the password", name)
		}
	}
}
