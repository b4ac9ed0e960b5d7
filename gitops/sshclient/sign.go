package sshclient

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/pinsetter/pinsetter/fleet"
)

// Sign returns the armored signature of data, as ssh-keygen -Y sign -n git makes it.
func Sign(data []byte, key *fleet.SigningKey) (string, error) {
	signer, err := parsePrivateKey(key.Key.Reveal(), key.Passphrase.Reveal())
	if err != nil {
		return "", err
	}
	if weak(signer.PublicKey()) {
		return "", fmt.Errorf("the RSA key has fewer than %d bits: make one with ssh-keygen -t ed25519", minRSABits)
	}
	signature, err := sshsig.Sign(bytes.NewReader(data), signer, sshsig.HashSHA512, "git")
	if err != nil {
		return "", err
	}
	return string(sshsig.Armor(signature)), nil
}

// minRSABits is the least that Flux signs with.
const minRSABits = 2048

// weak reports whether an RSA key is too short to sign with.
func weak(key ssh.PublicKey) bool {
	public, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return false
	}
	k, ok := public.CryptoPublicKey().(*rsa.PublicKey)
	return ok && k.N.BitLen() < minRSABits
}

// parsePrivateKey reads a private key of SSH. Errors don't show what is in it.
func parsePrivateKey(pem, password string) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey([]byte(pem))
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked) && password == "":
		return nil, errors.New("the key is encrypted: give its password")
	case errors.As(err, &locked):
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(password))
	}
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	return signer, nil
}
