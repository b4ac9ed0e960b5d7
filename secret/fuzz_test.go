package secret

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzReader: whatever a Secret holds, mounted or as an object, reports and what is
// printed never quote a value.
func FuzzReader(f *testing.F) {
	f.Add("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", true)
	f.Add(".dockerconfigjson", `{"auths":{"x":{"auth":"dTpw"}}}`, false)
	f.Add("identity", "-----BEGIN OPENSSH PRIVATE KEY-----\n", true)
	f.Add("git.asc", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n", true)
	f.Add("address", "http://u:p@h:1/\x00", true)
	f.Add("cosign.pub", "-----BEGIN PUBLIC KEY-----\nMFkw", true)
	f.Add("headers", "A: b\r\nC", true)
	f.Add("githubAppID", "1e9", false)
	f.Fuzz(func(t *testing.T, key, value string, mounted bool) {
		budget.Affords(t, len(key)+len(value), func() {
			const mark = "hunter2-hunter2"
			content := &Content{Name: pinsetter.Name{Namespace: "a", Name: "s"}, Where: "x:1", Mounted: mounted, Data: map[string]string{
				key: value + mark, "username": mark, "password": mark, "githubAppPrivateKey": mark,
			}}
			r := &Reader{Content: content, Report: func(text string) {
				if strings.Contains(text, mark) {
					t.Errorf("reported: %.300q", text)
				}
			}}
			r.DockerConfig("")
			r.DockerConfig("registry.example:5000")
			r.TLS()
			r.Certificates()
			r.Proxy()
			r.Headers(key)
			r.PublicKeys()
			r.SSHKey(key)
			r.GPGKey(key)
			r.Git(&fleet.GitSource{URL: "https://git.example.test/a"}, "")
			r.Git(&fleet.GitSource{URL: "ssh://git@git.example.test/a"}, "")
			r.Git(&fleet.GitSource{URL: "https://github.com/a/b"}, "github")
			r.Forge(&fleet.Forge{})
			_, _ = content.Refused(), content.HasEncrypted()
		})
	})
}
