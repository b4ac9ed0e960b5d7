package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
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
		{"bot:s3cret-password", cli.StatusDone, "pushed " + server.Image("org/app") + ":1.0.0"},
		{"bot:wrong-password", cli.StatusFailed, "the credentials of --creds were refused"},
		{"wrong-token", cli.StatusFailed, "401"},
		{"", cli.StatusFailed, "if it is private, give --creds or --provider, or log in with docker login"},
	} {
		var out, errs bytes.Buffer
		args := []string{"artifact", "push", url, "--path", path, "--source", "x", "--revision", "y", "--creds", test.creds}
		if got := run(t.Context(), args, cli.Streams{In: nil, Out: &out, Err: &errs}); got != test.status {
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
