package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// TestArtifactCreds: a login of the command line is for the registry of the URL, and
// shows nowhere.
func TestArtifactCreds(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{User: "bot", Password: "s3cret-password"})
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte("a: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "oci://" + server.Image("org/app") + ":1.0.0"
	for _, test := range []struct {
		creds  string
		status int
		says   string
	}{
		{"bot:s3cret-password", statusDone, "pushed " + server.Image("org/app") + ":1.0.0"},
		{"bot:wrong-password", statusFailed, "the credentials of --creds were refused"},
		{"wrong-token", statusFailed, "401"},
		{"", statusFailed, "401"},
	} {
		var out, errs bytes.Buffer
		args := []string{"artifact", "push", url, "--path", path, "--source", "x", "--revision", "y", "--creds", test.creds}
		if got := run(t.Context(), args, streams{nil, &out, &errs}); got != test.status {
			t.Errorf("--creds %s: status %d, %s", test.creds, got, errs.String())
		}
		said := out.String() + errs.String()
		if !strings.Contains(said, test.says) {
			t.Errorf("--creds %s: it says %s", test.creds, said)
		}
		if _, secret, _ := strings.Cut(test.creds, ":"); strings.Contains(said, "s3cret") || secret != "" && strings.Contains(said, secret) || strings.Contains(said, "wrong-token") {
			t.Errorf("it says the secret: %s", said)
		}
	}
}

// TestAnArtifactThatDidNotChangeCostsOneRequest: serve reads its objects every 30 seconds.
func TestAnArtifactThatDidNotChangeCostsOneRequest(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	push := func(text string) {
		server.PushArtifact("org/objects", "v1", "main@sha1:0", map[string]string{"a.yaml": text, "b.txt": text})
	}
	name := "oci://" + server.Image("org/objects") + ":v1"
	sources := newOCISources(&app{concurrency: 1})
	get := func() string {
		found, err := sources.get(t.Context(), name, signers{}, func([]byte) bool { return true })
		if err != nil || len(found.files) != 1 || found.files[0].Path != name+"//a.yaml" {
			t.Fatalf("%+v, %v", found, err)
		}
		return string(found.files[0].Data)
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

// TestRedactedOCI: no part of a login is left, and a digest is.
func TestRedactedOCI(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for name, want := range map[string]string{
		"oci://h/a:1":                "oci://h/a:1",
		"oci://h/a" + digest + "//f": "oci://h/a" + digest + "//f",
		"oci://u:p@ss@h/a:1":         "oci://h/a:1",
		"oci://u:p@ss@h/a" + digest:  "oci://h/a" + digest,
	} {
		if got := redactedOCI(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}
