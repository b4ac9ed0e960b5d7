//go:build e2emore

package deliver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// runCosign runs the real program in a folder.
func runCosign(t *testing.T, dir, password string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(parts.Need(t, "cosign"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// cosignKeys has cosign make a key pair. It returns the folder of both keys, and a signer with
// the private one.
func cosignKeys(t *testing.T, password string) (string, *Signer) {
	t.Helper()
	dir := t.TempDir()
	if out, err := runCosign(t, dir, password, "generate-key-pair"); err != nil {
		t.Fatalf("generate-key-pair: %v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "cosign.key"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := NewSigner(keyOf(text, password))
	if err != nil {
		t.Fatal(err)
	}
	return dir, signer
}

// TestCosignVerifies: cosign verifies an artifact that was signed with a key that it made, at
// registries with and without a referrers API, also beside signatures by others, and refuses
// what the key didn't sign.
func TestCosignVerifies(t *testing.T) {
	parts.Need(t, "cosign")
	dir, signer := cosignKeys(t, "s3cret")
	other, otherSigner := cosignKeys(t, "") // a key without a password is encrypted with an empty one
	for name, server := range map[string]*parts.Shelf{
		"go-containerregistry": &parts.NewRegistry(t, parts.RegistryOptions{}).Shelf,
		"distribution":         &parts.NewDistribution(t, parts.DistributionOptions{}).Shelf,
	} {
		t.Run(name, func(t *testing.T) {
			digest := server.PushArtifact("org/live", "live", "main@sha1:abc", map[string]string{"a.yaml": "a: 1\n"})
			ref := server.Image("org/live") + "@" + digest
			wants := func(dir string, signed bool) {
				t.Helper()
				out, err := runCosign(t, dir, "", "verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--allow-insecure-registry", ref)
				if signed != (err == nil) || signed && !strings.Contains(out, digest) {
					t.Errorf("signed: %v, but cosign verify says %v: %s", signed, err, out)
				}
			}
			in, err := registry.New(registry.Options{Anonymous: true}).Repository(server.Image("org/live"), registry.Access{Write: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []*Signer{otherSigner, signer} {
				wants(dir, false)
				for range 2 { // the second time changes nothing
					if err := s.Sign(t.Context(), in, digest); err != nil {
						t.Fatal(err)
					}
				}
				wants(other, true)
			}
			wants(dir, true)

			// What cosign signs itself stands beside the others.
			third, thirdSigner := cosignKeys(t, "")
			if out, err := runCosign(t, third, "", "sign", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false", "--allow-insecure-registry", "-y", ref); err != nil {
				t.Fatalf("sign: %v: %s", err, out)
			}
			if err := thirdSigner.Sign(t.Context(), in, digest); err != nil {
				t.Fatal(err)
			}
			for _, keys := range []string{dir, other, third} {
				wants(keys, true)
			}
			there, err := signatures(t.Context(), in, strings.Replace(digest, ":", "-", 1)+".sig")
			if err != nil || len(there.Layers) < 3 {
				t.Errorf("%d signatures: %v", len(there.Layers), err)
			}
		})
	}
}
