package deliver

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"

	"github.com/pinsetter/pinsetter/fleet"
)

// NewSigner returns a signer with a key: one that cosign encrypted, or one of PKCS #8 or
// SEC 1 without encryption. Its errors show nothing of the key and the password.
func NewSigner(key *fleet.ArtifactKey) (*Signer, error) {
	signer, err := parseKey([]byte(key.Key.Reveal()), []byte(key.Password.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("cosign.key of Secret %s: %w", key.Secret, err)
	}
	return &Signer{signer}, nil
}

func parseKey(text, password []byte) (crypto.Signer, error) {
	found, err := block(text)
	if err != nil {
		return nil, err
	}
	der, parse := found.Bytes, x509.ParsePKCS8PrivateKey
	switch found.Type {
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		if der, err = decrypt(found, password); err != nil {
			return nil, err
		}
	case "PRIVATE KEY":
	case "EC PRIVATE KEY":
		parse = func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) }
	default:
		return nil, fmt.Errorf("a block %q is no private key: write what cosign generate-key-pair writes", found.Type)
	}
	key, err := parse(der)
	if err != nil {
		return nil, errors.New("it holds no private key")
	}
	signer, ok := key.(crypto.Signer)
	if curve, isEC := key.(*ecdsa.PrivateKey); !ok || isEC && curve.Curve.Params().BitSize != 256 {
		return nil, errors.New("it is of a kind that isn't signed with: use P-256, RSA or Ed25519")
	}
	return signer, nil
}

// sealed is a key as cosign encrypts it
// (github.com/secure-systems-lab/go-securesystemslib, encrypted/encrypted.go).
type sealed struct {
	KDF struct {
		Name   string `json:"name"`
		Params struct{ N, R, P int }
		Salt   []byte `json:"salt"`
	} `json:"kdf"`
	Cipher struct {
		Name  string `json:"name"`
		Nonce []byte `json:"nonce"`
	} `json:"cipher"`
	Text []byte `json:"ciphertext"`
}

// maxWork bounds the product of scrypt's N, r and p: cosign writes 32768 or 65536, 8 and
// 1. Deriving a key takes 128 bytes of memory for each of N times r.
const maxWork = 1 << 20

// affordable reports whether scrypt's N, r and p ask for no more than maxWork.
func affordable(n, r, p int) bool {
	return r > 0 && p > 0 && n <= maxWork && r <= maxWork && int64(n)*int64(r) <= maxWork/int64(p)
}

// decrypt returns the key that cosign encrypted with a password.
func decrypt(found *pem.Block, password []byte) ([]byte, error) {
	var s sealed
	if json.Unmarshal(found.Bytes, &s) != nil || s.KDF.Name != "scrypt" || s.Cipher.Name != "nacl/secretbox" || len(s.Cipher.Nonce) != 24 {
		return nil, errors.New("it isn't encrypted as cosign encrypts keys")
	}
	if p := s.KDF.Params; !affordable(p.N, p.R, p.P) {
		return nil, errors.New("its key derivation asks for more work than is done")
	}
	derived, err := scrypt.Key(password, s.KDF.Salt, s.KDF.Params.N, s.KDF.Params.R, s.KDF.Params.P, 32)
	if err != nil {
		return nil, errors.New("its key derivation can't be used")
	}
	opened, ok := secretbox.Open(nil, s.Text, (*[24]byte)(s.Cipher.Nonce), (*[32]byte)(derived))
	if !ok {
		return nil, errors.New("cosign.password of the Secret doesn't open it")
	}
	return opened, nil
}
