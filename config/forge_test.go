package config_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// A PullRequest's address gets the GitRepository's credentials at the same origin
// alone, and from another namespace for the same repository alone.
func TestAddressGetsCredentialsOfItsOwnOriginAlone(t *testing.T) {
	for _, test := range []struct {
		git, address string
		same, across bool // namespace
	}{
		{"https://git.test/acme/fleet", "", true, true},
		{"https://git.test/acme/fleet.git", "https://git.test/acme/fleet", true, true},
		{"https://git.test/acme/fleet", "https://GIT.test.:443/acme/fleet/", true, true},
		{"https://git.test/acme/fleet", "https://git.test/evil/fleet", true, false},
		{"https://git.test/acme/fleet", "https://git.test:8443/acme/fleet", false, false},
		{"https://git.test:8443/acme/fleet", "https://git.test/acme/fleet", false, false},
		{"https://git.test/acme/fleet", "http://git.test/acme/fleet", false, false},
		{"http://git.test/acme/fleet", "https://git.test/acme/fleet", false, false},
		{"https://git.test/acme/fleet", "https://evil.test/acme/fleet", false, false},
		{"https://git.test/acme/fleet", "https://git.test.evil.test/acme/fleet", false, false},
	} {
		for _, auth := range []string{"username: bot, password: s3cret", "bearerToken: s3cret"} {
			for namespace, want := range map[string]bool{"default": test.same, "tenant": test.across} {
				text := object("GitRepository", "g", "spec: {url: '"+test.git+"', secretRef: {name: s}}") +
					"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {" + auth + ", ca.crt: ''}\n" +
					strings.ReplaceAll(object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g, namespace: default}, git: {commit: {author: {email: a@b.c}}}}")+
						pullRequestObject("p", "{automationRef: {name: a}, provider: gitea, address: '"+test.address+"'}"), "metadata: {name: ", "metadata: {namespace: "+namespace+", name: ")
				set := loadText(t, text)
				p := set.PullRequest(pinsetter.Name{Namespace: namespace, Name: "p"})
				if p == nil || p.Err != nil {
					t.Fatalf("%v", set.Findings)
				}
				if got := p.Forge.Token.Reveal() == "s3cret"; got != want || p.Forge.Lent != want {
					t.Errorf("%s with the address %q in namespace %s: has the token: %v, lent: %v; want %v", test.git, test.address, namespace, got, p.Forge.Lent, want)
				}
			}
		}
	}
}

// A GitHub App of another namespace opens pull requests in its GitRepository's
// repository alone.
func TestAddressGetsAnAppOfItsOwnNamespaceAlone(t *testing.T) {
	for _, test := range []struct {
		namespace, address string
		want               bool
	}{
		{"default", "", true},
		{"default", "https://github.com/acme/other", true},
		{"tenant", "", true},
		{"tenant", "https://github.com/acme/fleet", true},
		{"tenant", "https://github.com/acme/other", false},
	} {
		text := object("GitRepository", "g", "spec: {url: 'https://github.com/acme/fleet', provider: github, secretRef: {name: s}}") +
			"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {githubAppID: '7', githubAppPrivateKey: PEM, githubAppInstallationID: '8'}\n" +
			strings.ReplaceAll(object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g, namespace: default}, git: {commit: {author: {email: a@b.c}}}}")+
				pullRequestObject("p", "{automationRef: {name: a}, address: '"+test.address+"'}"), "metadata: {name: ", "metadata: {namespace: "+test.namespace+", name: ")
		set := loadText(t, text)
		p := set.PullRequest(pinsetter.Name{Namespace: test.namespace, Name: "p"})
		if p == nil || p.Err != nil || (p.Forge.App != nil) != test.want {
			t.Errorf("%s, %q: %+v\n%v", test.namespace, test.address, p, set.Findings)
		}
	}
}
