//go:build e2emore

package verify_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/secret"
)

// cosign runs the real program in a folder.
func cosign(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command(parts.Need(t, "cosign"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cosign %v: %v\n%s", args, err, out)
	}
}

// cosignKey makes a key pair in a new folder, which it returns with the rule that
// trusts it.
func cosignKey(t *testing.T) (dir string, trust *fleet.Trust) {
	t.Helper()
	dir = t.TempDir()
	cosign(t, dir, "generate-key-pair")
	cosign(t, dir, "signing-config", "create", "--out", "empty.json")
	text, err := os.ReadFile(filepath.Join(dir, "cosign.pub"))
	if err != nil {
		t.Fatal(err)
	}
	der, err := secret.ParsePublicKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return dir, &fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keys: []fleet.PublicKey{{Name: "cosign.pub", DER: der}}}
}

var (
	asBundle = []string{"--signing-config", "empty.json", "--allow-insecure-registry", "-y"}
	asLegacy = []string{"--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false", "--allow-insecure-registry", "-y"}
)

// TestCosign: what cosign itself signs verifies, and what it attests doesn't.
func TestCosign(t *testing.T) {
	dir, trust := cosignKey(t)
	other, _ := cosignKey(t)
	wrong := want{verdict: pinsetter.SignatureRefused, words: "none of 1 signature"}
	predicate := filepath.Join(dir, "predicate.json")
	if err := os.WriteFile(predicate, []byte(`{"builder":{"id":"x"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range shelves(t) {
		for format, flags := range map[string][]string{"bundle": asBundle, "legacy": asLegacy} {
			t.Run(s.name+"/"+format, func(t *testing.T) {
				digest := s.PushContent("org/"+format, "1.0.0", format)
				ref := s.Image("org/"+format) + "@" + digest
				cosign(t, dir, append([]string{"attest", "--key", "cosign.key", "--predicate", predicate, "--type", "slsaprovenance1", ref}, flags...)...)
				check(t, s.Image("org/"+format), digest, trust, want{pinsetter.SignatureRefused, true, "it isn't signed"})
				cosign(t, other, append([]string{"sign", "--key", "cosign.key", ref}, flags...)...)
				check(t, s.Image("org/"+format), digest, trust, wrong)
				cosign(t, dir, append([]string{"sign", "--key", "cosign.key", ref}, flags...)...)
				check(t, s.Image("org/"+format), digest, trust, verified)
			})
		}
	}
}

// TestCosignTakesOurs holds the signer of parts to the program.
func TestCosignTakesOurs(t *testing.T) {
	parts.Need(t, "cosign")
	dir := t.TempDir()
	s, signer := parts.NewRegistry(t, parts.RegistryOptions{}), parts.NewSigner(t)
	if err := os.WriteFile(filepath.Join(dir, "cosign.pub"), []byte(signer.PublicKey), 0o644); err != nil {
		t.Fatal(err)
	}
	digest := s.PushContent("org/app", "1.0.0", "x")
	s.Sign("org/app", digest, signer)
	verify := []string{"verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--allow-insecure-registry", s.Image("org/app") + "@" + digest}
	cosign(t, dir, verify...)
	digest = s.PushContent("org/app", "2.0.0", "y")
	s.SignLegacy("org/app", digest, signer, 1)
	verify[len(verify)-1] = s.Image("org/app") + "@" + digest
	cosign(t, dir, append(verify, "--new-bundle-format=false")...)
}
