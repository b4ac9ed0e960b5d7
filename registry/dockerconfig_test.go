package registry

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
)

func TestDockerConfigEntryForAnImage(t *testing.T) {
	for _, test := range []struct {
		keys  string // of the document, separated by blanks
		image string
		want  string // key; "": none
	}{
		{"ghcr.io", "ghcr.io/org/app", "ghcr.io"},
		{"https://ghcr.io http://ghcr.io", "ghcr.io/org/app", "http://ghcr.io"},
		{"GHCR.io", "ghcr.io/org/app", "GHCR.io"},
		{"https://ghcr.io/v2/", "ghcr.io/org/app", "https://ghcr.io/v2/"},
		{"ghcr.io:443", "ghcr.io/org/app", "ghcr.io:443"},
		{"https://index.docker.io/v1/", "alpine", "https://index.docker.io/v1/"},
		{"docker.io", "alpine", "docker.io"},
		{"registry-1.docker.io", "docker.io/org/app", "registry-1.docker.io"},
		{"docker.io/org", "alpine", ""},
		{"docker.io/library", "alpine", "docker.io/library"},
		{"ghcr.io ghcr.io/org ghcr.io/org/app ghcr.io/org/app/x", "ghcr.io/org/app", "ghcr.io/org/app"},
		{"ghcr.io/org", "ghcr.io/organization/app", ""},
		{"ghcr.io/org/", "ghcr.io/org/app", "ghcr.io/org/"},
		{"localhost:5000", "localhost:5000/app", "localhost:5000"},
		{"localhost:5001", "localhost:5000/app", ""},
		{"localhost", "localhost:5000/app", ""},
		{"host:5000/team", "host:5000/team/app", "host:5000/team"},
		{"*.azurecr.io", "team.azurecr.io/app", "*.azurecr.io"},
		{"*.azurecr.io team.azurecr.io", "team.azurecr.io/app", "team.azurecr.io"},
		{"*.azurecr.io/a team.azurecr.io", "team.azurecr.io/a/b", "*.azurecr.io/a"},
		{"*.io", "team.azurecr.io/app", ""},
		{"*.azurecr.io", "azurecr.io/app", ""},
		{"*.azurecr.io", "team.azurecr.io.evil.example/app", ""},
		{"registry.*", "registry.internal:5000/app", ""},
		{"registry.*:5000 registry.*:5001", "registry.internal:5000/app", "registry.*:5000"},
		{"registry.internal:*", "registry.internal:5000/app", ""},
		{"ghcr.io", "ghcr.io.evil.example/app", ""},
		{"[", "ghcr.io/app", ""},
		{"*", "ghcr.io/app", ""},
		{"", "ghcr.io/app", ""},
	} {
		config := dockerConfig{Auths: map[string]dockerAuth{"ghcr.io/empty": {}}}
		for key := range strings.FieldsSeq(test.keys) {
			config.Auths[key] = dockerAuth{Username: "u", Password: "p"}
		}
		repository, err := name.NewRepository(test.image)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := config.lookup(repository); got != test.want {
			t.Errorf("entry of %q for %s is %q; want %q", test.keys, test.image, got, test.want)
		}
	}
}

func TestDockerConfigEntries(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	for name, test := range map[string]struct {
		entry dockerAuth
		want  authn.AuthConfig
	}{
		"auth":           {dockerAuth{Auth: encode([]byte("u:p:w"))}, authn.AuthConfig{Username: "u", Password: "p:w"}},
		"auth, unpadded": {dockerAuth{Auth: strings.TrimRight(encode([]byte("us:p")), "=")}, authn.AuthConfig{Username: "us", Password: "p"}},
		"auth with NULs": {dockerAuth{Auth: encode([]byte("u:p\x00\x00"))}, authn.AuthConfig{Username: "u", Password: "p"}},
		"user":           {dockerAuth{Username: "u", Password: "p"}, authn.AuthConfig{Username: "u", Password: "p"}},
		"identity token": {dockerAuth{Auth: encode([]byte("u:")), IdentityToken: "i"}, authn.AuthConfig{Username: "u", IdentityToken: "i"}},
		"registry token": {dockerAuth{RegistryToken: "r"}, authn.AuthConfig{RegistryToken: "r"}},
	} {
		got, err := test.entry.config()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzDockerConfig: whatever the document, no error shows a part of it, and a
// credential is for the host it is kept under.
func FuzzDockerConfig(f *testing.F) {
	f.Add(`{"auths":{"ghcr.io":{"auth":"dTpw"}}}`)
	f.Add(`{"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p"}},"credsStore":"x"}`)
	f.Add(`{"auths":{"*.io/a":{"identitytoken":"t"}}}`)
	f.Add(`{"auths":{"ghcr.io":{"auth":"!"}}}`)
	f.Add(`{"auths":[]}`)
	f.Add("\xef\xbb\xbf{}")
	repository, err := name.NewRepository("ghcr.io/a/b")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document string) {
		budget.Affords(t, len(document), func() {
			found, err := objectCredential([]pinsetter.Secret{pinsetter.NewSecret("s", document)}, repository)
			if err != nil && found != (credential{}) {
				t.Fatal("a credential came with an error")
			}
			if err == nil && found.source != "" && !json.Valid([]byte(document)) {
				t.Fatal("a credential came from something that is not JSON")
			}
			if found.source != "" && !strings.Contains(strings.ToLower(document), "io") && !strings.ContainsAny(document, `*?[\`) {
				t.Fatal("a credential of another host")
			}
		})
	})
}

// Of several documents the one is used whose key names the image most closely, in
// whatever order they come.
func TestCredentialOfSeveralDocuments(t *testing.T) {
	document := func(user string, keys ...string) string {
		auths := map[string]dockerAuth{}
		for _, key := range keys {
			auths[key] = dockerAuth{Username: user, Password: "x"}
		}
		data, err := json.Marshal(dockerConfig{Auths: auths})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	host, team, other := document("host", "registry.example"), document("team", "registry.example/team"), document("other", "registry.example/other", "elsewhere.example")
	for _, test := range []struct {
		image     string
		documents []string
		want      string // user, or part of the error
	}{
		{"registry.example/team/app", []string{host, team}, "team"},
		{"registry.example/team/app", []string{team, host}, "team"},
		{"registry.example/team/app", []string{other, host, team, document("second", "https://registry.example/team/")}, "team"},
		{"registry.example/team/app", []string{document("wild", "*.example"), host}, "host"},
		{"registry.example/team/app", []string{host, document("wild", "*.example/team")}, "wild"},
		{"registry.example/teams/app", []string{team, host}, "host"},
		{"registry.example/app", []string{team, host}, "host"},
		{"registry.example/app", []string{team, other}, ""},
		{"registry.example/team/app", []string{"{}", host, "[", team}, "team"},
		{"registry.example/app", []string{team, "{}", "["}, "read 1: no auths in it"},
		{"registry.example/app", []string{"[", "{}"}, "read 0: not valid JSON"},
	} {
		repository, err := name.NewRepository(test.image)
		if err != nil {
			t.Fatal(err)
		}
		var secrets []pinsetter.Secret
		for i, text := range test.documents {
			secrets = append(secrets, pinsetter.NewSecret(strconv.Itoa(i), text))
		}
		found, err := objectCredential(secrets, repository)
		switch {
		case err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)), err == nil && found.config.Username != test.want:
			t.Errorf("%s of %q: %q, %v; want %q", test.image, test.documents, found.config.Username, err, test.want)
		}
	}
}
