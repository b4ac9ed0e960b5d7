package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/sshclient"
)

// content returns the bytes of an object.
func content(o *plumbing.MemoryObject) []byte {
	r, _ := o.Reader() // reads from memory
	data, _ := io.ReadAll(r)
	return data
}

// sign returns the armored signature of an unsigned commit, in the form that
// git verify-commit reads.
func sign(o *plumbing.MemoryObject, key *fleet.SigningKey, when time.Time) (string, error) {
	switch key.Type {
	case fleet.SigningSSH:
		return sshclient.Sign(content(o), key)
	case fleet.SigningGPG, "": // Flux's default
		return signGPG(content(o), key, when)
	}
	return "", fmt.Errorf("unknown type %q: use gpg or ssh", key.Type)
}

// signGPG signs with the first key of the ring that can sign.
func signGPG(data []byte, key *fleet.SigningKey, when time.Time) (string, error) {
	at := &packet.Config{Time: func() time.Time { return when }}
	signer, err := readKeyRing(key, when)
	if err != nil {
		return "", err
	}
	var armored strings.Builder
	if err := openpgp.ArmoredDetachSign(&armored, signer, bytes.NewReader(data), at); err != nil {
		return "", err
	}
	return armored.String() + "\n", nil
}

// readKeyRing returns the entity to sign with, unlocked.
func readKeyRing(key *fleet.SigningKey, when time.Time) (*openpgp.Entity, error) {
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(key.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("read OpenPGP key: %w", err)
	}
	for _, entity := range ring {
		private, ok := entity.SigningKey(when)
		if !ok || private.PrivateKey == nil {
			continue
		}
		if private.PrivateKey.Encrypted {
			if key.Passphrase.IsZero() {
				return nil, errors.New("the key is encrypted: give its passphrase")
			}
			if err := affordable(entity); err != nil {
				return nil, err
			}
			if err := entity.DecryptPrivateKeys([]byte(key.Passphrase.Reveal())); err != nil {
				return nil, errors.New("the passphrase doesn't open the key")
			}
		}
		return entity, nil
	}
	return nil, errors.New("the key ring has no private key that can sign now: check that it holds a secret key and hasn't expired")
}
