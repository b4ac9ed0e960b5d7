package signing

import (
	"bytes"
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// argonKey returns a key that opens with 8 MiB of memory, or another power of two in
// KiB, and other passes, if these are given, for each of its packets.
func argonKey(t *testing.T, v6 bool, passes, memory byte) *fleet.SigningKey {
	t.Helper()
	const lanes = 7
	config := &packet.Config{V6Keys: v6, Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA256, AEADConfig: &packet.AEADConfig{}, S2KConfig: &s2k.Config{
		S2KMode: s2k.Argon2S2K, Argon2Config: &s2k.Argon2Config{NumberOfPasses: 3, DegreeOfParallelism: lanes, Memory: 1 << 13},
	}}
	if v6 {
		config.Algorithm = packet.PubKeyAlgoEd25519
	}
	entity, err := openpgp.NewEntity("Bot", "", "bot@example.test", config)
	if err != nil {
		t.Fatal(err)
	}
	var plain, armored bytes.Buffer
	if err := entity.EncryptPrivateKeys([]byte("secret"), config); err != nil {
		t.Fatal(err)
	}
	if err := entity.SerializePrivateWithoutSigning(&plain, nil); err != nil {
		t.Fatal(err)
	}
	data, is := plain.Bytes(), []byte{3, lanes, 13}
	if bytes.Count(data, is) != 2 {
		t.Fatalf("%d specifiers", bytes.Count(data, is))
	}
	data = bytes.ReplaceAll(data, is, []byte{passes, lanes, memory})
	w, err := armor.Encode(&armored, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &fleet.SigningKey{Type: fleet.SigningGPG, Key: pinsetter.NewSecret("key", armored.String()), Passphrase: pinsetter.NewSecret("passphrase", "secret")}
}

// TestKeyThatTakesTooMuchMemory: a passphrase opens a key of Argon2, and one that would
// take gigabytes or hours is refused before that.
func TestKeyThatTakesTooMuchMemory(t *testing.T) {
	for name, v6 := range map[string]bool{"v4": false, "v6": true} {
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct {
				passes, memory byte
				says           string
			}{
				{3, 13, ""}, {3, 14, "the passphrase doesn't open the key"}, // it is done, and yields another key
				{3, 18, "2^18 KiB of memory 3 times"}, {3, 31, "2^31 KiB"}, {255, 13, "255 times"},
			} {
				_, err := readKeyRing(argonKey(t, v6, tt.passes, tt.memory), time.Now())
				if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%d, %d: %v", tt.passes, tt.memory, err)
				}
			}
		})
	}
}
