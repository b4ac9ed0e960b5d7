package deliver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/setters"
)

// FuzzParseClaim: whatever a manifest's annotations claim, they are read with a base
// that is a digest, are written as they were read, and doing the changes again ends and
// changes marked values only.
func FuzzParseClaim(f *testing.F) {
	sum := "sha256:" + strings.Repeat("ab", 32)
	manifest := func(base, changes string) []byte {
		document, err := json.Marshal(map[string]any{"annotations": map[string]string{
			annotationAutomation: "ns/name", annotationBase: base, annotationChanges: changes,
		}})
		if err != nil {
			f.Fatal(err)
		}
		return document
	}
	for _, document := range [][]byte{
		manifest(sum, `[]`), manifest(sum, `null`), manifest("sha256:x", `[]`), manifest(sum, strings.Repeat("[", 20_000)),
		manifest(sum, `[{"path":"a.yaml","line":1,"setter":"ns:app:tag","old":"1.0","new":"2.0"}]`),
		manifest(sum, `[{"path":"a.yaml","line":-1,"setter":"ns:app:tag","old":"1.0","new":"2.0 # x\nb: c"}]`),
		manifest(sum, `[{"path":"../a.yaml","new":7}]`), []byte(`null`), []byte(`{"annotations":null}`), []byte(`{"annotations":{"pinsetter.dev/base":1}}`),
	} {
		f.Add(document)
	}
	const path, rest = "a.yaml", ` # {"$imagepolicy": "ns:app:tag"}` + "\nkeep: this\n"
	text := []byte("tag: 1.0" + rest)
	f.Fuzz(func(t *testing.T, document []byte) {
		budget.Affords(t, len(document), func() {
			claim, err := ParseClaim(document)
			if err != nil {
				return
			}
			if !pinsetter.ValidDigest(claim.Base) {
				t.Errorf("base %q", claim.Base)
			}
			again, err := claim.Annotations()
			if err != nil || again[annotationBase] != claim.Base {
				t.Errorf("%v, %v", again, err)
			}
			redone, err := Redo(path, setters.Find(path, text), text, claim.Changes)
			if err == nil && !(bytes.HasPrefix(redone.Data, []byte("tag: ")) && bytes.HasSuffix(redone.Data, []byte(rest)) && bytes.Count(redone.Data, []byte("\n")) == 2) {
				t.Errorf("%q", redone.Data)
			}
		})
	})
}

// sealKey returns a key as cosign encrypts it, with parameters of scrypt.
func sealKey(f *testing.F, n, r, p int) []byte {
	f.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	var s sealed
	s.KDF.Name, s.KDF.Params.N, s.KDF.Params.R, s.KDF.Params.P, s.KDF.Salt = "scrypt", n, r, p, []byte("salt")
	s.Cipher.Name, s.Cipher.Nonce = "nacl/secretbox", make([]byte, 24)
	derived, err := scrypt.Key([]byte(keyPassword), s.KDF.Salt, n, r, p, 32)
	if err != nil {
		f.Fatal(err)
	}
	s.Text = secretbox.Seal(nil, der, (*[24]byte)(s.Cipher.Nonce), (*[32]byte)(derived))
	body, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: body})
}

const keyPassword = "hunter2-hunter2"

// FuzzKey: whatever a key file holds, it is a key that signs, or the error quotes
// nothing of it.
func FuzzKey(f *testing.F) {
	f.Add(sealKey(f, 16, 1, 1), keyPassword)
	f.Add(sealKey(f, 16, 1, 1), "wrong")
	for _, params := range []string{`"N":1048576,"r":8,"p":1`, `"N":-1,"r":-1,"p":-1`, `"N":3,"r":1,"p":1`, `"N":262144,"r":16,"p":16`, `"N":9223372036854775807,"r":9223372036854775807,"p":2`} {
		body := fmt.Sprintf(`{"kdf":{"name":"scrypt","params":{%s},"salt":"AA=="},"cipher":{"name":"nacl/secretbox","nonce":"%s"},"ciphertext":""}`, params, strings.Repeat("A", 32))
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED COSIGN PRIVATE KEY", Bytes: []byte(body)}), keyPassword)
	}
	for _, kind := range []string{"PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"} {
		f.Add(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("null")}), "")
	}
	f.Fuzz(func(t *testing.T, text []byte, password string) {
		signer, err := parseKey(text, []byte(password))
		if err != nil {
			if len(password) > 8 && strings.Contains(err.Error(), password) {
				t.Errorf("%v", err)
			}
			return
		}
		s, payload := &Signer{signer}, []byte("payload")
		raw, err := s.sign(payload)
		layer := signedPart{Digest: registry.DigestOf(payload), Annotations: map[string]string{signedAnnotation: base64.StdEncoding.EncodeToString(raw)}}
		if err == nil && !s.made(layer, payload) {
			t.Error("it doesn't know its signature again")
		}
	})
}

// TestKeyThatAsksForTooMuch: a key whose derivation would take hundreds of megabytes or
// minutes is refused before that.
func TestKeyThatAsksForTooMuch(t *testing.T) {
	for _, tt := range []struct {
		n, r, p int
		right   bool
	}{
		{1 << 15, 8, 1, true}, {1 << 16, 8, 1, true}, // as cosign writes them
		{1 << 18, 16, 1, false}, {1 << 16, 8, 16, false}, {1 << 21, 1, 1, false}, {2, 1 << 60, 1, false}, {2, 1, 1 << 60, false}, {2, 1 << 20, 2, false},
		{1 << 15, 0, 1, false}, {1 << 15, 8, -1, false},
	} {
		if affordable(tt.n, tt.r, tt.p) != tt.right {
			t.Errorf("%+v", tt)
		}
	}
}
