package signing

import (
	"bytes"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Argon2 as a string-to-key specifier: its type, a salt of 16 bytes, the passes, the
// parallelism, and the memory as a power of two in KiB (RFC 9580, 3.7.1.4).
const (
	specifierArgon2 = 4
	argonSize       = 1 + 16 + 3
	maxArgonMemory  = 17 // 128 MiB; 64 MiB in 3 passes is usual
	maxArgonPasses  = 16
)

// affordable returns an error if opening the keys of an entity with a passphrase would
// take more memory or work than is done. The library's bound is 2 TiB.
func affordable(entity *openpgp.Entity) error {
	keys := []*packet.PrivateKey{entity.PrivateKey}
	for _, sub := range entity.Subkeys {
		keys = append(keys, sub.PrivateKey)
	}
	for _, key := range keys {
		if key == nil || !key.Encrypted {
			continue
		}
		specifier, err := specifierOf(key)
		if err != nil {
			return fmt.Errorf("read OpenPGP key: %w", err)
		}
		if len(specifier) < argonSize || specifier[0] != specifierArgon2 {
			continue
		}
		if passes, memory := specifier[17], specifier[19]; memory > maxArgonMemory || passes > maxArgonPasses {
			return fmt.Errorf("opening the key takes 2^%d KiB of memory %d times (Argon2), and at most 2^%d KiB %d times is done: "+
				"export the key without passphrase, or protected by another string-to-key method, as gpg does", memory, passes, maxArgonMemory, maxArgonPasses)
		}
	}
	return nil
}

// specifierOf returns the bytes of an encrypted key from its string-to-key specifier on
// (RFC 9580, 5.5.3).
func specifierOf(key *packet.PrivateKey) ([]byte, error) {
	private, err := packetOf(key.Serialize)
	if err != nil {
		return nil, err
	}
	public, err := packetOf(key.PublicKey.Serialize)
	if err != nil {
		return nil, err
	}
	const usageAEAD = 253
	rest := private[min(len(public), len(private)):]
	if len(rest) == 0 {
		return nil, nil
	}
	before := 2 // the usage, the cipher
	if rest[0] == usageAEAD {
		before++
	}
	switch key.Version {
	case 5:
		before++ // length of all
	case 6:
		before += 2 // length of all, length of the specifier
	}
	return rest[min(before, len(rest)):], nil
}

// packetOf returns the content of the packet that serialize writes.
func packetOf(serialize func(io.Writer) error) ([]byte, error) {
	written := new(bytes.Buffer)
	if err := serialize(written); err != nil {
		return nil, err
	}
	read, err := packet.NewOpaqueReader(written).Next()
	if err != nil {
		return nil, err
	}
	return read.Contents, nil
}
