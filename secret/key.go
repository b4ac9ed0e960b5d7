package secret

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// rsaKey returns the RSA key in PEM that a key holds, zero after reporting that it
// holds none.
func (r *Reader) rsaKey(key string) pinsetter.Secret {
	block, _ := pem.Decode(r.bytes(key))
	if block == nil || !isRSA(block.Bytes) {
		r.fail("has no RSA private key in PEM under %s", key)
		return pinsetter.Secret{}
	}
	return r.Secret(key)
}

// isRSA reports whether a PEM block holds a private RSA key, in PKCS #1 or #8.
func isRSA(der []byte) bool {
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	_, ok := parsed.(*rsa.PrivateKey)
	return err == nil && ok
}

// sshBlocks are the PEM blocks that golang.org/x/crypto/ssh reads keys from.
var sshBlocks = []string{"OPENSSH PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"}

// SSHKey returns the private key of SSH that a key holds, zero after reporting that
// it holds none. It may be locked; whoever uses it finds out if it can't be opened.
func (r *Reader) SSHKey(key string) pinsetter.Secret {
	text := r.value(key)
	block, _ := pem.Decode([]byte(text))
	switch {
	case block != nil && slices.Contains(sshBlocks, block.Type) && len(block.Bytes) > 0:
		return r.Secret(key)
	case block == nil && (strings.HasPrefix(text, "ssh-") || strings.HasPrefix(text, "ecdsa-") || strings.HasPrefix(text, "sk-")):
		r.fail("has a public key under %s: give it the private one, which begins with -----BEGIN OPENSSH PRIVATE KEY-----", key)
	default:
		r.fail("has no private key under %s: give it the whole file that ssh-keygen wrote, which begins with -----BEGIN OPENSSH PRIVATE KEY-----", key)
	}
	return pinsetter.Secret{}
}

// GPGKey returns the armored OpenPGP key that a key holds, zero after reporting that
// it holds none.
func (r *Reader) GPGKey(key string) pinsetter.Secret {
	const export = "(gpg --export-secret-keys --armor KEY)"
	switch text := r.value(key); {
	case strings.Contains(text, "-----BEGIN PGP PRIVATE KEY BLOCK-----"):
		return r.Secret(key)
	case strings.Contains(text, "-----BEGIN PGP PUBLIC KEY BLOCK-----"):
		r.fail("has a public key under %s: give it the private one %s", key, export)
	default:
		r.fail("has no armored OpenPGP key under %s %s", key, export)
	}
	return pinsetter.Secret{}
}
