package signing

import (
	"crypto/ed25519"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// zeros are bytes for a key that is the same in each run.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// FuzzPrivateKey: whatever a Secret has as a key of SSH or OpenPGP, it signs, or the
// error is one that shows nothing of it.
func FuzzPrivateKey(f *testing.F) {
	_, private, err := ed25519.GenerateKey(zeros{})
	if err != nil {
		f.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		f.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("hunter2-hunter2"))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range [][]byte{
		pem.EncodeToMemory(block), pem.EncodeToMemory(locked), []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n"),
		[]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
		[]byte("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlAEAAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n"), []byte("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n"),
	} {
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		const password = "hunter2-hunter2"
		key, passphrase := pinsetter.NewSecret("key", text), pinsetter.NewSecret("passphrase", password)
		for _, kind := range []string{fleet.SigningSSH, fleet.SigningGPG} {
			signed, err := Sign(nil, &fleet.SigningKey{Type: kind, Key: key, Passphrase: passphrase}, time.Unix(1e9, 0))
			if err == nil && signed == "" || err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("%q, %v", signed, err)
			}
		}
	})
}
