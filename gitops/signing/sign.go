// Package signing signs the bytes of a commit, as git verify-commit reads signatures:
// with OpenPGP, to which it is the only door, or with SSH keys.
package signing

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/sshclient"
)

// Sign returns the armored signature of data. When is the time of an OpenPGP
// signature: the key must be valid then. Errors don't show the key.
func Sign(data []byte, key *fleet.SigningKey, when time.Time) (string, error) {
	switch key.Type {
	case fleet.SigningSSH:
		return sshclient.Sign(data, key)
	case fleet.SigningGPG, "": // Flux's default
		return signGPG(data, key, when)
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
