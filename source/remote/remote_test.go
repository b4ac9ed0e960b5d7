package remote_test

import (
	"testing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source/remote"
	"github.com/pinsetter/pinsetter/verify"
)

// TestAnArtifactThatDidNotChangeCostsOneRequest: serve reads its objects every 30 seconds.
func TestAnArtifactThatDidNotChangeCostsOneRequest(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	push := func(text string) {
		server.PushArtifact("org/objects", "v1", "main@sha1:0", map[string]string{"a.yaml": text, "b.txt": text})
	}
	name := "oci://" + server.Image("org/objects") + ":v1"
	sources := &remote.Reader{
		Registry: func() *registry.Registry { return registry.New(registry.Options{Anonymous: true}) },
		Roots:    &verify.Roots{},
		Signers:  func() ([]*fleet.Trust, error) { return nil, nil },
		Progress: func(string) {},
	}
	get := func() string {
		files, unread := sources.Read(t.Context(), name, func([]byte) bool { return true })
		if len(unread) > 0 || len(files) != 1 || files[0].Path != name+"//a.yaml" {
			t.Fatalf("%+v, %v", files, unread)
		}
		return string(files[0].Data)
	}
	push("kind: A\n")
	if got := get(); got != "kind: A\n" {
		t.Errorf("it holds %q", got)
	}
	before := len(server.Log.All())
	get()
	if got := len(server.Log.All()) - before; got != 1 || server.Log.Count("HEAD", "/manifests/v1") != 2 {
		t.Errorf("%d requests when nothing changed; want one HEAD", got)
	}
	push("kind: B\n")
	if got := get(); got != "kind: B\n" {
		t.Errorf("after a push it holds %q", got)
	}
}
