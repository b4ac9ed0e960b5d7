//go:build e2e

package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/verify"
)

// gitlessSigner has the rig's automation sign by KEY.
const gitlessSigner = `  sign: {secretRef: {name: signer}}
---
apiVersion: v1
kind: Secret
metadata: {name: signer}
stringData:
  cosign.key: |
    KEY
`

// newGitlessRig is newRig for delivery into an artifact, and returns who signs.
func newGitlessRig(t *testing.T) (*rig, *fleet.Trust) {
	t.Helper()
	f, signer := newRig(t, "main"), parts.NewSigner(t)
	f.registry.PushArtifact("org/manifests", "main", "main@sha1:abc", map[string]string{"a.yaml": f.with("1.0.0")})
	text := strings.NewReplacer("REG", f.registry.Addr, "KEY", strings.ReplaceAll(signer.PrivateKey, "\n", "\n    ")).Replace(gitlessObjects + gitlessSigner)
	if err := os.WriteFile(f.objects, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := secret.ParsePublicKey([]byte(signer.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return f, &fleet.Trust{From: "test", Provider: fleet.ProviderCosign, Keys: []fleet.PublicKey{{Name: "cosign.pub", DER: key}}}
}

// delivered returns the marked file under a tag of org/live, which must be signed; "" if
// there is no such tag.
func (f *rig) delivered(t *testing.T, tag string, trust *fleet.Trust) string {
	t.Helper()
	in, err := registry.New(registry.Options{Anonymous: true}).Repository(f.registry.Image("org/live"), registry.Access{})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := in.Digest(t.Context(), tag)
	if errors.Is(err, registry.ErrNotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := verify.Open(&verify.Roots{}, in, digest).Check(t.Context(), trust); got.Verdict != pinsetter.SignatureVerified {
		t.Errorf("%s isn't signed: %+v", tag, got)
	}
	opened, err := artifact.Open(t.Context(), in, artifact.Reference{Repository: in.Name(), Digest: digest})
	if err != nil {
		t.Fatal(err)
	}
	found, err := opened.Files(t.Context(), artifact.Wanted{Most: 1 << 20})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files: %v", len(found), err)
	}
	return string(found[0].Data)
}

// TestGitlessKilledAtEveryRequest kills the process before each of its requests in turn.
// No moving tag names what isn't signed or isn't whole, and the next run ends where one
// that wasn't killed does.
func TestGitlessKilledAtEveryRequest(t *testing.T) {
	n := int64(1)
	for ; killGitlessAt(t, n); n++ {
	}
	if n < 20 {
		t.Errorf("a run has only %d requests", n-1)
	}
}

// killGitlessAt kills a run at its nth request, and reports whether it had that many.
func killGitlessAt(t *testing.T, n int64) bool {
	t.Helper()
	f, trust := newGitlessRig(t)
	cmd, said := f.pinsetter("run")
	killed := f.killedAt(t, cmd, n)
	if !killed && cmd.ProcessState.ExitCode() != 0 {
		t.Fatalf("the run failed:\n%s", said)
	}
	for _, tag := range []string{"live", "latest"} {
		if got := f.delivered(t, tag, trust); got != "" && got != f.with("1.1.0") {
			t.Errorf("request %d: %s has\n%s", n, tag, got)
		}
	}
	for range 2 {
		again, out := f.pinsetter("run")
		if err := again.Run(); err != nil {
			t.Fatalf("request %d: run again: %v\n%s", n, err, out)
		}
	}
	for _, tag := range []string{"live", "latest"} {
		if got := f.delivered(t, tag, trust); got != f.with("1.1.0") {
			t.Errorf("request %d: %s has\n%s", n, tag, got)
		}
	}
	return killed
}
